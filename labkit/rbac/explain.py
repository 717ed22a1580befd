"""Why a request is allowed or refused: the rules that grant it, or nearly do.

The decision is the server's, by a SubjectAccessReview; roles and bindings explain it.
A rule is a near miss when exactly one thing about it is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kube_embedded.rbac import rules
from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.bindings import Grant
from kube_embedded.rbac.objects import (
    Object,
    binding_title,
    is_default,
    namespace_of,
    role_key,
    role_title,
    title,
)
from kube_embedded.rbac.subjects import MASTERS, Subject, subject_title
from labkit.core.language import listed, text

from .policy import Api, Policy, read_policy
from .reviews import reviews
from .words import misspelt_verb

BEFORE_RBAC = text("the group {group} may do everything, before any role is asked", MASTERS)
"""Why an administrator's certificate is allowed; the server gives no reason for it.

Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
"""

NAMELESS_VERBS = ("list", "watch", "create", "deletecollection")


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that would allow the request but for one thing.

    Args:
        what: The one thing, in a word: ``namespace``, ``scope``, ``verb``, ``resource``,
            ``group``, ``name``, ``subject``, ``unbound`` or ``missing role``.
        why: A sentence for a person.
    """

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and its reasons.

    Args:
        subject: The caller.
        question: The request.
        allowed: The server's decision.
        reason: The server's reason, or ours for ``system:masters``; empty if there is none.
        grants: All rules that allow it, the one the server names first.
        near_misses: The rules and bindings that nearly allowed it, closest first; empty when allowed.
    """

    subject: Subject
    question: Attributes
    allowed: bool
    reason: str
    grants: tuple[Grant, ...]
    near_misses: tuple[NearMiss, ...]


def explain(api: Api, question: Attributes, policy: Policy | None = None) -> Explanation:
    """Request a decision from the server, and explain it.

    Args:
        api: A caller with permission to create SubjectAccessReviews and to list RBAC objects.
        question: The request.
        policy: The RBAC objects, if they were read already.

    Raises:
        PolicyUnreadable: The caller has no permission to read them, or to create reviews (Unanswered).
    """
    policy = policy or read_policy(api)
    user = question.user
    status = reviews(api, [question])[0]
    allowed = bool(status.get("allowed"))
    # The authorizer of system:masters returns no reason, so the explanation has to add one.
    reason = str(status.get("reason") or "") or (
        BEFORE_RBAC if allowed and MASTERS in user.groups else ""
    )
    misses = () if allowed else tuple(near_misses(policy, question))
    return Explanation(
        Subject(user.name, user.groups),
        question,
        allowed,
        reason,
        tuple(grants(policy, question)),
        misses,
    )


def grants(policy: Policy, question: Attributes) -> Iterator[Grant]:
    """Every rule that allows the question, cluster-wide bindings first."""
    reaching = policy.rules_for(question.user, question.namespace)
    return (grant for grant in reaching if rules.rule_allows(grant.rule, question))


def near_misses(policy: Policy, question: Attributes) -> Iterator[NearMiss]:
    """Yield the near misses of a refused request, closest first.

    Own bindings in the wrong namespace come first, then own rules with one mistake, then others' bindings, then
    roles without a binding.
    """
    # Closest first: a binding in the wrong place has everything else right, a rule needs one other value, and a
    # binding to others needs a subject.
    own = list(policy.bindings_of(question.user))
    yield from _wrong_place(policy, own, question)
    yield from _wrong_rule(policy, question)
    yield from _wrong_subject(policy, own, question)
    yield from _unbound(policy, question)


def _reaches(binding: Object, question: Attributes) -> bool:
    return namespace_of(binding) in ("", question.namespace)


def _granting_rules(role: Object | None, question: Attributes) -> Iterator[rules.Rule]:
    return (rule for rule in (role or {}).get("rules") or () if rules.rule_allows(rule, question))


def _wrong_place(policy: Policy, own: list[Object], question: Attributes) -> Iterator[NearMiss]:
    for binding in own:
        role = policy.role_of(binding)
        name = binding_title(binding)
        if _reaches(binding, question):
            if role is None:
                why = text(
                    "{binding} refers to {role}, which does not exist.", name, role_title(binding)
                )
                yield NearMiss("missing role", why)
            continue
        home = namespace_of(binding)
        for _ in _granting_rules(role, question):
            if question.namespace:
                why = text(
                    "only in the namespace {home}; the request is in {namespace}.",
                    home,
                    question.namespace,
                )
                yield NearMiss(
                    "namespace", text("{binding} grants exactly this, but {why}", name, why)
                )
            else:
                if question.name:
                    why = text("the object is in no namespace, so it takes a ClusterRoleBinding.")
                else:
                    why = text(
                        "the request is for the whole cluster, which needs a ClusterRoleBinding."
                    )
                said = text(
                    "{binding} grants this inside the namespace {home} alone; {why}",
                    name,
                    home,
                    why,
                )
                yield NearMiss("scope", said)


def _wrong_rule(policy: Policy, question: Attributes) -> Iterator[NearMiss]:
    for grant in policy.rules_for(question.user, question.namespace):
        what, why = _one_thing_wrong(grant.rule, question)
        if what:
            yield NearMiss(what, text("{binding}: {why}", grant.binding_title, why))


def _wrong_subject(policy: Policy, own: list[Object], question: Attributes) -> Iterator[NearMiss]:
    own_ids = {id(binding) for binding in own}
    for binding in policy.bindings:
        # Compared by identity, because two bindings can be equal as dicts and objects are not hashable.
        if id(binding) in own_ids or not _reaches(binding, question) or is_default(binding):
            continue
        for _ in _granting_rules(policy.role_of(binding), question):
            entries = [
                subject_title(entry, namespace_of(binding))
                for entry in binding.get("subjects") or ()
            ]
            who = ", ".join(entries) or text("nobody")
            why = text("{binding} grants this, but to {who}.", binding_title(binding), who)
            yield NearMiss("subject", why)


def _unbound(policy: Policy, question: Attributes) -> Iterator[NearMiss]:
    bound = {role_key(binding) for binding in policy.bindings if _reaches(binding, question)}
    for key, role in policy.roles.items():
        # Default roles without a binding would fill the list on each cluster: admin, edit and view allow
        # nearly everything.
        if is_default(role) or key in bound or key[1] not in ("", question.namespace):
            continue
        if any(_granting_rules(role, question)):
            why = text(
                "{role} would allow this, but no binding here gives it to anyone.", title(*key)
            )
            yield NearMiss("unbound", why)


def _one_thing_wrong(rule: rules.Rule, question: Attributes) -> tuple[str, str]:
    """The only part of a rule that does not match, and why; empty if none or several do not."""
    verbs = _words(rule, "verbs")
    if not question.is_resource:
        if rules.path_matches(rule, question.path) and not rules.verb_matches(rule, question.verb):
            return "verb", text(
                "the path matches, but the rule has {verbs}, not {verb}.", verbs, question.verb
            )
        return "", ""
    resource = question.full_resource
    wrong: list[tuple[str, str]] = []
    if not rules.verb_matches(rule, question.verb):
        why = text("the rule has {verbs}, not {verb}.", verbs, question.verb)
        misspelt = misspelt_verb([rule])
        wrong.append(("verb", text("{why} {hint}", why, misspelt) if misspelt else why))
    if not rules.group_matches(rule, question.group):
        named = _words(rule, "apiGroups")
        # "the core group" already contains the word "group".
        if list(rule.get("apiGroups") or ())[:1] != [""]:
            named = text("API group {groups}", named)
        why = text(
            "the rule is for {groups}, but {resource} are in {group}.",
            named,
            resource,
            _group(question.group),
        )
        wrong.append(("group", why))
    if not rules.resource_matches(rule, question.resource, question.subresource):
        why = text(
            "the rule is for {resources}, not {resource}.", _words(rule, "resources"), resource
        )
        wrong.append(("resource", why))
    if not rules.name_matches(rule, question.name):
        names = _words(rule, "resourceNames")
        if not question.name and question.verb in NAMELESS_VERBS:
            why = text(
                "the rule is only for {names}, and this {verb} names no object.",
                names,
                question.verb,
            )
        else:
            why = text("the rule is only for {names}, not {name}.", names, question.name)
        wrong.append(("name", why))
    # A rule with two differences is another rule, not a near miss. Showing it would bury the one that is.
    return wrong[0] if len(wrong) == 1 else ("", "")


def _words(rule: rules.Rule, field: str) -> str:
    values = rule.get(field) or ()
    return listed(
        (_group(value) if field == "apiGroups" else value for value in values or [text("nothing")]),
        ", ",
    )


def _group(group: str) -> str:
    return f"“{group}”" if group else text("the core group")
