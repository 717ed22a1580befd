"""What checkpoints on bindings share: whether one was tried, and whether it gives too much."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.lessons.base import Account, Context, Outcome, failed
from labkit.rbac.attributes import User
from labkit.rbac.objects import Object, is_default, name_of, namespace_of
from labkit.rbac.policy import RBAC_PATH
from labkit.rbac.subjects import subject_matches


def role_bindings(context: Context, namespace: str) -> list[Object]:
    """The role bindings of a namespace."""
    return context.items(f"{RBAC_PATH}/namespaces/{namespace}/rolebindings")


def cluster_bindings(context: Context, account: Account, role: str = "") -> list[Object]:
    """The cluster role bindings that name an account, or a role of the lesson."""
    role = context.names.cluster(role) if role else ""
    return [
        each
        for each in context.items(f"{RBAC_PATH}/clusterrolebindings")
        if names_account(each, account) or (role and role_name(each) == role and not is_default(each))
    ]


def role_name(binding: Object) -> str:
    """The name of the role a binding refers to."""
    return str((binding.get("roleRef") or {}).get("name"))


def role_kind(binding: Object) -> str:
    """``Role`` or ``ClusterRole``: what a binding refers to."""
    return str((binding.get("roleRef") or {}).get("kind"))


def names_account(binding: Object, account: Account) -> bool:
    """Whether a binding names an account itself, not through a group."""
    user, namespace = User(account.user), namespace_of(binding)
    return any(subject_matches(entry, user, namespace) for entry in binding.get("subjects") or ())


def subjects(binding: Object) -> str:
    """The subjects of a binding in words: ``ServiceAccount kikai:default, Group dev``."""
    words = [
        f"{subject.get('kind')} "
        + (f"{subject['namespace']}:" if subject.get("namespace") else "")
        + str(subject.get("name"))
        for subject in binding.get("subjects") or ()
    ]
    return ", ".join(words) or "nobody"


def binding_text(binding: Object) -> str:
    """A binding in words: its name, what it binds, to whom."""
    return f"{name_of(binding)} gives {role_kind(binding)} {role_name(binding)} to {subjects(binding)}"


def attempted_bindings(context: Context, namespaces: Sequence[str], account: Account) -> list[Object]:
    """All bindings that may be an attempt: those in some namespaces, and those that name the account."""
    found = [each for name in namespaces for each in role_bindings(context, name)]
    return found + cluster_bindings(context, account)


Probe = tuple[str, str, str, str]
"""Verb, API group, resource, namespace (empty: cluster-wide)."""


def too_much(context: Context, account: Account, probes: Sequence[Probe], hint: str) -> Outcome | None:
    """A failed outcome when an account may do something no step asked for, else None."""
    excess = context.excess(account, probes)
    if not excess:
        return None
    listed = ", ".join(excess[:4]) + (", …" if len(excess) > 4 else "")
    return failed(
        f"too much: {account.user} may also {listed}",
        "what the step asks for, and nothing more",
        hint,
    )


def without_view(context: Context, account: Account, probes: Sequence[Probe]) -> list[Probe]:
    """The probes that still mean something once W24 has bound ``view``, which reads most things."""
    bound = [each for each in cluster_bindings(context, account) if names_account(each, account)]
    if not any(role_name(each) == "view" for each in bound):
        return list(probes)
    return [each for each in probes if each[0] not in ("get", "list") or each[2] == "secrets"]


def bystander(namespace: str) -> Account:
    """Another account of a namespace: a grant to one of the namespace's groups reaches it too."""
    return Account(namespace, "somebody-else")
