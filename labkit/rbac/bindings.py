"""Which rules reach a user: bindings say who, roles say what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labkit.rbac.attributes import User
from labkit.rbac.rules import Rule

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON."""
Lister = Callable[[str, str], Iterable[Object]]
"""(plural of an RBAC resource, namespace or "") to its objects, in the order they are tried."""


Getter = Callable[[str, str, str], Object | None]
"""(plural of an RBAC resource, namespace, name) to one object."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule that reaches a user.

    Args:
        rule: The rule.
        role: The Role or ClusterRole it stands in.
        binding: The binding that names that role.
        subject: The binding's first subject that is the user.
    """

    rule: Rule
    role: Object
    binding: Object
    subject: Object

    @property
    def why(self) -> str:
        """Which binding gave the rule, in the words of the audit event."""
        return describe(self.binding, self.subject)


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


def describe(binding: Object, subject: Object) -> str:
    """A grant in the words of the audit event: which binding, of which role, to whom."""
    metadata, ref = binding["metadata"], binding["roleRef"]
    namespace = metadata.get("namespace", "")
    kind, place = (
        ("RoleBinding", f"{metadata['name']}/{namespace}") if namespace else ("ClusterRoleBinding", metadata["name"])
    )
    who = subject.get("name", "")
    if subject["kind"] == "ServiceAccount":
        who = f"{who}/{subject.get('namespace') or namespace}"
    return f'{kind} "{place}" of {ref["kind"]} "{ref["name"]}" to {subject["kind"]} "{who}"'


def role_rules(ref: Object, namespace: str, get_role: Getter) -> Object | str:
    """The role that a binding refers to, or the error that says why there is none.

    Args:
        ref: The binding's ``roleRef``.
        namespace: The binding's namespace, empty for a ClusterRoleBinding.
        get_role: Reads one role.
    """
    kind, name = ref.get("kind", ""), ref.get("name", "")
    if kind == "ClusterRole":
        role = get_role("clusterroles", "", name)
    elif kind == "Role":
        role = get_role("roles", namespace, name)
    else:
        return f'unsupported role reference kind: "{kind}"'
    return role if role is not None else f'{kind.lower()}.rbac.authorization.k8s.io "{name}" not found'


def rules_for(
    user: User, namespace: str, list_bindings: Lister, get_role: Getter, errors: list[str] | None = None
) -> Iterator[Grant]:
    """Every rule that reaches a user: first those that hold everywhere, then the namespace's.

    Args:
        user: Whose rules.
        namespace: Its RoleBindings count too; empty for none.
        list_bindings: Lists ``clusterrolebindings`` and ``rolebindings``.
        get_role: Reads one of ``clusterroles`` and ``roles``.
        errors: What is wrong with the policy, such as a binding to a missing role, is
            added to it; the walk goes on.

    Yields:
        The rules, in the order in which they are tried.
    """
    places = [("clusterrolebindings", "")]
    if namespace:
        places.append(("rolebindings", namespace))
    for plural, where in places:
        for binding in list_bindings(plural, where):
            for subject in binding.get("subjects") or ():
                if subject_matches(subject, user, where):
                    role = role_rules(binding["roleRef"], where, get_role)
                    if not isinstance(role, str):
                        for rule in role.get("rules") or ():
                            yield Grant(rule, role, binding, subject)
                    elif errors is not None:
                        errors.append(role)
                    break


def joined_errors(errors: list[str]) -> str:
    """Several errors as one text, as Kubernetes joins them: each once, in brackets if many."""
    distinct = list(dict.fromkeys(errors))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"
