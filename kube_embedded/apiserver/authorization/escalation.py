"""Prevention of privilege escalation: a user cannot grant permissions that they do not have.

Writing a role requires all its rules, or ``escalate`` on it. Writing a binding requires all rules of its role, or
``bind`` on that. The group ``system:masters`` is exempt.

Source: k8s.io/kubernetes ``pkg/registry/rbac/{validation,*/policybased}``;
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
"""

import re
from collections.abc import Callable, Iterable

from kube_embedded.rbac.attributes import Attributes, Authorizer, User
from kube_embedded.rbac.bindings import Getter, Grant, joined_errors
from kube_embedded.rbac.objects import GROUP
from kube_embedded.rbac.parts import compact, uncovered
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import MASTERS

from ...machinery.golang.quote import go_quote, go_quote_list
from ...machinery.request import Object, RequestInfo
from ...machinery.status import ApiError, bad_request, forbidden, not_found
from ...machinery.work import charge

EVERYTHING: list[Rule] = [
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
]

HeldRules = Callable[[User, str, list[str]], Iterable[Grant]]
"""(user, namespace, errors to add to) to the rules that reach the user."""


class EscalationGuard:
    """Refuses writes of RBAC objects that would grant more than the writer has."""

    def __init__(self, held_rules: HeldRules, get_role: Getter, authorize: Authorizer) -> None:
        self._held = held_rules
        self._get_role = get_role
        self._authorize = authorize

    def __call__(
        self, user: User, info: RequestInfo, new: Object, old: Object | None = None
    ) -> None:
        """Check one write; ``old`` is None for a creation.

        Raises:
            ApiError: 403: it would grant more than the user has; 404: a binding
                names a role that does not exist, so what it grants is unknown.
        """
        if info.group != GROUP or MASTERS in user.groups:
            return
        # The garbage collector and finalizers must be able to work on roles that their controllers could not write.
        if old is not None and _only_ownership(new, old):
            return
        if info.resource in ("roles", "clusterroles"):
            self._check_role(user, info, new, old)
        elif info.resource in ("rolebindings", "clusterrolebindings"):
            self._check_binding(user, info, new)

    def _check_role(self, user: User, info: RequestInfo, new: Object, old: Object | None) -> None:
        escalate = Attributes(
            user, "escalate", GROUP, "*", info.resource, "", info.namespace, info.name
        )
        if self._authorize(escalate).allowed:
            return
        self._must_hold(user, info, new, new.get("rules") or ())
        if new.get("aggregationRule") or (old or {}).get("aggregationRule"):
            # Any role with the right labels adds its rules to it, so it can grow to anything.
            missing = uncovered(self._rules(user, info.namespace, []), EVERYTHING)
            if missing:
                raise _forbidden(
                    info, new, "must have cluster-admin privileges to use the aggregationRule"
                )

    def _check_binding(self, user: User, info: RequestInfo, new: Object) -> None:
        ref = new.get("roleRef") or {}
        kind = ref.get("kind")
        name = ref.get("name", "")
        if kind not in ("Role", "ClusterRole"):
            # This check comes before validation.
            raise ApiError(500, "", f"unsupported role reference kind: {go_quote(kind or '')}")
        plural = f"{kind.lower()}s"
        bind = Attributes(
            user, "bind", ref.get("apiGroup") or GROUP, "*", plural, "", info.namespace, name
        )
        if self._authorize(bind).allowed:
            return
        if kind == "Role" and not info.namespace:
            raise bad_request("Namespace parameter required.")
        role = self._get_role(plural, info.namespace if kind == "Role" else "", name)
        if role is None:
            raise not_found(
                info.resource, GROUP, name
            )  # errors of the store name the resource of the request
        self._must_hold(user, info, new, role.get("rules") or ())

    def _must_hold(self, user: User, info: RequestInfo, new: Object, rules: Iterable[Rule]) -> None:
        errors: list[str] = []
        held = self._rules(user, info.namespace, errors)
        rules = list(rules)
        # Comparing rules is quadratic, and both sides are written by users: a large role must not stop the server.
        charge(sum(map(_part_count, rules)) * (2 + len(held)))
        missing = uncovered(held, rules)
        if missing:
            lines = sorted({go_rule(rule) for rule in compact(missing)})
            why = (
                f"user {go_quote(user.name)} (groups={go_quote_list(user.groups)}) is attempting to grant "
                "RBAC permissions not currently held:\n" + "\n".join(lines)
            )
            if errors:
                # This check reads roles from the store, whose errors name the resource of the request.
                named = [re.sub(r"^\w+\.", f"{info.resource}.", error) for error in errors]
                why += f"; resolution errors: [{joined_errors(named)}]"
            raise _forbidden(info, new, why)

    def _rules(self, user: User, namespace: str, errors: list[str]) -> list[Rule]:
        return [grant.rule for grant in self._held(user, namespace, errors)]


def _forbidden(info: RequestInfo, new: Object, why: str) -> ApiError:
    metadata = new["metadata"]
    name = metadata.get("name", "")
    prefix = metadata.get("generateName")
    if prefix and not info.name and name[:-5] == prefix[:58]:
        name = ""  # a real server generates the name after this check
    return forbidden(info.resource, GROUP, name, why)


def _part_count(rule: Rule) -> int:
    """How many parts ``uncovered`` looks at."""
    verbs, groups, resources, names, paths = (
        len(rule.get(field) or ())
        for field in ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    )
    return verbs * (groups * resources * max(names, 1) + paths)


def _only_ownership(new: Object, old: Object) -> bool:
    """Return whether only fields of the garbage collector have changed."""
    ignored = ("ownerReferences", "finalizers", "managedFields")

    def rest(obj: Object) -> Object:
        metadata = {
            field: value for field, value in obj["metadata"].items() if field not in ignored
        }
        return {**obj, "metadata": metadata}

    return rest(new) == rest(old)


def go_rule(rule: Rule) -> str:
    """A rule on one line, as the message shows it.

    Source: k8s.io/kubernetes ``pkg/apis/rbac/v1/helpers.go``, ``CompactString``.
    """
    fields = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    )
    return (
        "{"
        + ", ".join(
            f"{word}:{go_quote_list(rule[field])}" for word, field in fields if rule.get(field)
        )
        + "}"
    )
