"""What checkpoints on bindings share: was one tried, and does it give too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.lessons.base import Account, Context, Outcome, failed

Binding = Mapping[str, Any]

GROUP = "rbac.authorization.k8s.io"
RBAC = f"/apis/{GROUP}/v1"


def role_bindings(context: Context, namespace: str) -> list[dict[str, Any]]:
    """The role bindings of a namespace."""
    return context.items(f"{RBAC}/namespaces/{namespace}/rolebindings")


def cluster_bindings(context: Context, account: Account, role: str = "") -> list[dict[str, Any]]:
    """The cluster role bindings that name an account, or a role of the lesson."""
    role = context.names.cluster(role) if role else ""
    return [
        each
        for each in context.items(f"{RBAC}/clusterrolebindings")
        if names(each, account) or (role and role_of(each) == role and not _built_in(each))
    ]


def _built_in(binding: Binding) -> bool:
    labels = binding["metadata"].get("labels") or {}
    return "kubernetes.io/bootstrapping" in labels


def role_of(binding: Binding) -> str:
    """The name of the role a binding refers to."""
    return str((binding.get("roleRef") or {}).get("name"))


def kind_of(binding: Binding) -> str:
    """``Role`` or ``ClusterRole``: what a binding refers to."""
    return str((binding.get("roleRef") or {}).get("kind"))


def names(binding: Binding, account: Account) -> bool:
    """Whether a binding names an account itself, not through a group."""
    return any(
        subject.get("kind") == "ServiceAccount"
        and subject.get("name") == account.name
        and subject.get("namespace") == account.namespace
        for subject in binding.get("subjects") or ()
    )


def subjects(binding: Binding) -> str:
    """The subjects of a binding in words."""
    words = [
        f"{subject.get('kind')} "
        + (f"{subject['namespace']}:" if subject.get("namespace") else "")
        + str(subject.get("name"))
        for subject in binding.get("subjects") or ()
    ]
    return ", ".join(words) or "nobody"


def described(binding: Binding) -> str:
    """A binding in words: its name, what it binds, to whom."""
    return f"{binding['metadata']['name']} gives {kind_of(binding)} {role_of(binding)} to {subjects(binding)}"


def tried(context: Context, namespaces: Sequence[str], account: Account) -> list[dict[str, Any]]:
    """All bindings that look like an attempt: in these namespaces, or naming the account."""
    found = [each for name in namespaces for each in role_bindings(context, name)]
    return found + cluster_bindings(context, account)


Probe = tuple[str, str, str, str]
"""Verb, API group, resource, namespace (empty: cluster-wide)."""


def too_much(context: Context, account: Account, probes: Sequence[Probe], hint: str) -> Outcome | None:
    """A failed outcome when an account may do something no step asked for, else None.

    Args:
        context: The checkpoint's context.
        account: Who must not be allowed.
        probes: What they must not be allowed.
        hint: How to give less.
    """
    excess = context.excess(account, probes)
    if not excess:
        return None
    listed = ", ".join(excess[:4]) + (", …" if len(excess) > 4 else "")
    return failed(
        f"too much: {account.user} may also {listed}",
        "what the step asks for, and nothing more",
        hint,
    )


def without_later(context: Context, account: Account, probes: Sequence[Probe]) -> list[Probe]:
    """The probes that say something although W24 is done: view reads most things by then.

    Args:
        context: The checkpoint's context.
        account: Who.
        probes: What they must not be allowed in an earlier step.
    """
    bound = [each for each in cluster_bindings(context, account) if names(each, account)]
    if not any(role_of(each) == "view" for each in bound):
        return list(probes)
    return [each for each in probes if each[0] not in ("get", "list") or each[2] == "secrets"]


def bystander(namespace: str) -> Account:
    """Another account of a namespace: whoever grants to one of its groups has granted to it too."""
    return Account(namespace, "somebody-else")
