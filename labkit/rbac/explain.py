"""What granted a request, or what nearly did.

The server's own decision is the authority: it is asked with a SubjectAccessReview.
The roles and bindings then say why. A rule is a near miss when exactly one thing
about it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labkit.rbac.attributes import Attributes
from labkit.rbac.bindings import subject_matches
from labkit.rbac.policy import (
    REVIEWS,
    Api,
    Object,
    Policy,
    Poster,
    Subject,
    Unanswered,
    kind_of,
    name_of,
    namespace_of,
    read_policy,
)
from labkit.rbac.rules import (
    Rule,
    group_matches,
    name_matches,
    path_matches,
    resource_matches,
    rule_allows,
    verb_matches,
)

MASTERS = "system:masters"
BEFORE_RBAC = f"the group {MASTERS} may do everything, before any role is asked"
"""Why an administrator's certificate is allowed; the server gives no reason for it.

Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
"""

NAMELESS_VERBS = ("list", "watch", "create", "deletecollection")


@dataclass(frozen=True, slots=True)
class Grant:
    """A rule that allows the request.

    Args:
        binding: Kind and name, such as ``RoleBinding kikai/test``.
        role: Kind and name of the role it refers to.
        rule: The rule itself.
        subject: The entry of the binding that is the caller.
    """

    binding: str
    role: str
    rule: Rule
    subject: str


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that would allow the request but for one thing.

    Args:
        what: Which thing, in a word: ``namespace``, ``scope``, ``verb``, ``resource``,
            ``group``, ``name``, ``subject``, ``unbound`` or ``missing role``.
        why: A sentence for a person.
        binding: The binding, empty for a role that nobody is bound to here.
        role: The role.
        rule: The rule, None where the role does not exist.
    """

    what: str
    why: str
    binding: str
    role: str
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and its reasons.

    Args:
        subject: Whose request.
        question: The request.
        allowed: What the server says.
        reason: Why, in the server's words; empty where it gives none, but for ``system:masters``.
        grants: All rules that allow it, the one the server names first.
        near_misses: What nearly allowed it, closest first; empty when allowed.
    """

    subject: Subject
    question: Attributes
    allowed: bool
    reason: str
    grants: tuple[Grant, ...]
    near_misses: tuple[NearMiss, ...]


def explain(api: Api, question: Attributes, policy: Policy | None = None) -> Explanation:
    """Ask the server, then find out why.

    Args:
        api: A caller who may create SubjectAccessReviews and list RBAC objects.
        question: Who wants to do what.
        policy: The RBAC objects, if they were read already.

    Raises:
        Unreadable: The caller may not read them, or not ask (Unanswered).
    """
    policy = policy or read_policy(api)
    who = Subject(question.user.name, question.user.groups)
    status = reviews(api, [question])[0]
    allowed = bool(status.get("allowed"))
    reason = str(status.get("reason") or "") or (BEFORE_RBAC if allowed and MASTERS in who.groups else "")
    misses = () if allowed else tuple(near_misses(policy, who, question))
    return Explanation(who, question, allowed, reason, tuple(grants(policy, who, question)), misses)


def review(api: Poster, question: Attributes) -> Object:
    """``status`` of a SubjectAccessReview for a question; empty where the server does not answer."""
    reply = api.post(REVIEWS, _review_of(question))
    return dict(reply.body.get("status") or {}) if reply.status == 201 else {}


def reviews(api: Api, questions: Sequence[Attributes]) -> list[Object]:
    """``status`` of a SubjectAccessReview for each question.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/

    Raises:
        Unanswered: The caller may not ask.
    """
    found: list[Object] = []
    for status, body in api.ask_all(REVIEWS, [_review_of(question) for question in questions]):
        if status != 201 or not isinstance(body, dict):
            raise Unanswered(status, str(body.get("message") or "") if isinstance(body, dict) else str(body))
        found.append(dict(body.get("status") or {}))
    return found


def _review_of(question: Attributes) -> Object:
    spec: Object = {"user": question.user.name, "groups": list(question.user.groups)}
    if question.is_resource:
        fields = {
            "namespace": question.namespace,
            "verb": question.verb,
            "group": question.group,
            "resource": question.resource,
            "subresource": question.subresource,
            "name": question.name,
        }
        spec["resourceAttributes"] = {field: value for field, value in fields.items() if value}
    else:
        spec["nonResourceAttributes"] = {"path": question.path, "verb": question.verb}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


def grants(policy: Policy, who: Subject, question: Attributes) -> Iterator[Grant]:
    """Every rule that allows the question, cluster-wide bindings first."""
    for binding in policy.bindings_of(who):
        if not _reaches(binding, question):
            continue
        role = policy.role_of(binding)
        for rule in (role or {}).get("rules") or ():
            if rule_allows(rule, question):
                yield Grant(_title(binding), _role_title(binding), rule, _entry(binding, who))


def near_misses(policy: Policy, who: Subject, question: Attributes) -> Iterator[NearMiss]:
    """What nearly allowed it, closest first.

    Own bindings in the wrong place come first, then own rules with one thing wrong,
    then others' bindings, then roles that nobody is bound to.
    """
    own = list(policy.bindings_of(who))
    yield from _wrong_place(policy, own, question)
    yield from _wrong_rule(policy, own, question)
    yield from _wrong_subject(policy, own, question)
    yield from _unbound(policy, question)


def _reaches(binding: Object, question: Attributes) -> bool:
    namespace = namespace_of(binding)
    return not namespace or namespace == question.namespace


def _wrong_place(policy: Policy, own: list[Object], question: Attributes) -> Iterator[NearMiss]:
    for binding in own:
        role = policy.role_of(binding)
        if role is None and _reaches(binding, question):
            yield NearMiss(
                "missing role",
                f"{_title(binding)} refers to {_role_title(binding)}, which does not exist.",
                _title(binding),
                _role_title(binding),
                None,
            )
            continue
        if _reaches(binding, question):
            continue
        for rule in (role or {}).get("rules") or ():
            if not rule_allows(rule, question):
                continue
            home = namespace_of(binding)
            if question.namespace:
                what, why = (
                    "namespace",
                    (
                        f"{_title(binding)} grants exactly this, but only in the namespace {home}; "
                        f"the request is for {question.namespace}."
                    ),
                )
            else:
                what, why = (
                    "scope",
                    (
                        f"{_title(binding)} grants this inside the namespace {home} alone; the request "
                        "is for the whole cluster, which needs a ClusterRoleBinding."
                    ),
                )
            yield NearMiss(what, why, _title(binding), _role_title(binding), rule)


def _wrong_rule(policy: Policy, own: list[Object], question: Attributes) -> Iterator[NearMiss]:
    for binding in own:
        if not _reaches(binding, question):
            continue
        for rule in (policy.role_of(binding) or {}).get("rules") or ():
            what, why = _one_thing_wrong(rule, question)
            if what:
                yield NearMiss(what, f"{_title(binding)}: {why}", _title(binding), _role_title(binding), rule)


def _wrong_subject(policy: Policy, own: list[Object], question: Attributes) -> Iterator[NearMiss]:
    names = {id(binding) for binding in own}
    for binding in policy.bindings:
        if id(binding) in names or not _reaches(binding, question) or _bootstrap(binding):
            continue
        for rule in (policy.role_of(binding) or {}).get("rules") or ():
            if rule_allows(rule, question):
                entries = ", ".join(_subject_title(entry, binding) for entry in binding.get("subjects") or ())
                yield NearMiss(
                    "subject",
                    f"{_title(binding)} grants this, but to {entries or 'nobody'}.",
                    _title(binding),
                    _role_title(binding),
                    rule,
                )


def _unbound(policy: Policy, question: Attributes) -> Iterator[NearMiss]:
    bound = {
        (binding["roleRef"]["kind"], binding["roleRef"]["name"], namespace_of(binding)) for binding in policy.bindings
    }
    for (kind, namespace, name), role in policy.roles.items():
        if _bootstrap(role) or (namespace and namespace != question.namespace):
            continue
        if any(
            ref_kind == kind and ref_name == name and (not place or place == question.namespace)
            for ref_kind, ref_name, place in bound
        ):
            continue
        for rule in role.get("rules") or ():
            if rule_allows(rule, question):
                title = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
                yield NearMiss(
                    "unbound",
                    f"{title} would allow this, but no binding here gives it to anyone.",
                    "",
                    title,
                    rule,
                )
                break


def _one_thing_wrong(rule: Rule, question: Attributes) -> tuple[str, str]:
    """Which single part of a rule does not match; empty if none or several."""
    if not question.is_resource:
        if path_matches(rule, question.path) and not verb_matches(rule, question.verb):
            return "verb", f"the path matches, but the rule has {_words(rule, 'verbs')}, not {question.verb}."
        return "", ""
    resource = question.resource + (f"/{question.subresource}" if question.subresource else "")
    wrong: list[tuple[str, str]] = []
    if not verb_matches(rule, question.verb):
        wrong.append(("verb", f"the rule has {_words(rule, 'verbs')}, not {question.verb}."))
    if not group_matches(rule, question.group):
        wrong.append(
            (
                "group",
                f"the rule is for API group {_words(rule, 'apiGroups')}, "
                f"but {resource} is in {_group(question.group)}.",
            )
        )
    if not resource_matches(rule, question.resource, question.subresource):
        wrong.append(("resource", f"the rule is for {_words(rule, 'resources')}, not {resource}."))
    if not name_matches(rule, question.name):
        names = _words(rule, "resourceNames")
        if not question.name and question.verb in NAMELESS_VERBS:
            why = f"the rule is only for {names}, and {question.verb} names no object."
        else:
            why = f"the rule is only for {names}, not {question.name}."
        wrong.append(("name", why))
    return wrong[0] if len(wrong) == 1 else ("", "")


def _words(rule: Rule, field: str) -> str:
    values = rule.get(field) or ()
    return ", ".join(_group(value) if field == "apiGroups" else value for value in values) or "nothing"


def _group(group: str) -> str:
    return f"“{group}”" if group else "the core group"


def _bootstrap(obj: Object) -> bool:
    labels = obj["metadata"].get("labels") or {}
    return "kubernetes.io/bootstrapping" in labels


def _title(binding: Object) -> str:
    namespace = namespace_of(binding)
    return f"{kind_of(binding)} {namespace + '/' if namespace else ''}{name_of(binding)}"


def _role_title(binding: Object) -> str:
    ref = binding["roleRef"]
    home = namespace_of(binding) if ref["kind"] == "Role" else ""
    return f"{ref['kind']} {home + '/' if home else ''}{ref['name']}"


def _subject_title(entry: Object, binding: Object) -> str:
    if entry["kind"] == "ServiceAccount":
        return f"ServiceAccount {entry.get('namespace') or namespace_of(binding)}/{entry['name']}"
    return f"{entry['kind']} {entry['name']}"


def _entry(binding: Object, who: Subject) -> str:
    user = who.as_user()
    for entry in binding.get("subjects") or ():
        if subject_matches(entry, user, namespace_of(binding)):
            return _subject_title(entry, binding)
    return ""
