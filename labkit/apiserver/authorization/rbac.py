"""The RBAC authorizer: bindings say who, roles say what.

Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/rbac/rbac.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from labkit.apiserver.authorization.attributes import Attributes, Decision
from labkit.apiserver.authorization.rules import Rule, rule_allows
from labkit.apiserver.request import Object, User

Lister = Callable[[str, str], Iterable[Object]]
"""(plural of an RBAC resource, namespace or "") to its objects."""
Getter = Callable[[str, str, str], Object | None]
"""(plural of an RBAC resource, namespace, name) to one object."""


def subject_matches(subject: Object, user: User, namespace: str) -> bool:
    """Whether a binding's subject is this user.

    Args:
        subject: A User, Group or ServiceAccount subject.
        user: Who asks.
        namespace: The binding's own; a ServiceAccount without a namespace is in it.
    """
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "User":
        return bool(user.name == name)
    if kind == "Group":
        return name in user.groups
    if kind == "ServiceAccount":
        home = subject.get("namespace") or namespace
        return bool(home) and user.name == f"system:serviceaccount:{home}:{name}"
    return False


class RBACAuthorizer:
    """Allows what a rule allows, and has no opinion on the rest.

    Args:
        list_objects: Lists RBAC objects of one namespace or cluster-wide.
        get_object: Reads one role.
    """

    def __init__(self, list_objects: Lister, get_object: Getter) -> None:
        self._list = list_objects
        self._get = get_object

    def __call__(self, question: Attributes) -> Decision:
        errors: list[str] = []
        for rule, why in self.rules_for(question.user, question.namespace, errors):
            if rule_allows(rule, question):
                return Decision(True, f"RBAC: allowed by {why}")
        if not errors:
            return Decision(False)
        text = errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
        return Decision(False, f"RBAC: {text}")

    def rules_for(self, user: User, namespace: str, errors: list[str]) -> Iterator[tuple[Rule, str]]:
        """Every rule that reaches the user, cluster-wide ones first.

        Args:
            user: Whose rules.
            namespace: Role bindings of this namespace count too; empty for none.
            errors: Roles that bindings name and that do not exist are added to it.

        Yields:
            The rule, and which binding gave it, in the words of the audit event.
        """
        places = [("clusterrolebindings", "")]
        if namespace:
            places.append(("rolebindings", namespace))
        for plural, where in places:
            for binding in self._list(plural, where):
                for subject in binding.get("subjects") or ():
                    if subject_matches(subject, user, where):
                        yield from self._granted(binding, subject, where, errors)
                        break

    def _granted(
        self, binding: Object, subject: Object, namespace: str, errors: list[str]
    ) -> Iterator[tuple[Rule, str]]:
        ref = binding["roleRef"]
        clusterwide = ref["kind"] == "ClusterRole"
        role = self._get("clusterroles" if clusterwide else "roles", "" if clusterwide else namespace, ref["name"])
        if role is None:
            errors.append(f'{ref["kind"].lower()}.rbac.authorization.k8s.io "{ref["name"]}" not found')
            return
        name = binding["metadata"]["name"]
        kind, where = ("RoleBinding", f"{name}/{namespace}") if namespace else ("ClusterRoleBinding", name)
        who = f'{subject["kind"]} "{_subject_name(subject, namespace)}"'
        why = f'{kind} "{where}" of {ref["kind"]} "{ref["name"]}" to {who}'
        for rule in role.get("rules") or ():
            yield rule, why


def _subject_name(subject: Object, namespace: str) -> str:
    if subject["kind"] == "ServiceAccount":
        return f'{subject["name"]}/{subject.get("namespace") or namespace}'
    return str(subject["name"])
