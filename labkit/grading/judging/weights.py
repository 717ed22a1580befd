"""How much a superfluous permission weighs: by what it reaches, where it holds, and how many have it."""

from __future__ import annotations

import math

from labkit.embedded import KINDS
from labkit.rbac.difference import REQUEST_VERBS, Excess
from labkit.rbac.parts import Part
from labkit.rbac.subjects import MASTERS, Subject

SERVED = {
    (kind.group, resource): kind.namespaced
    for kind in KINDS
    for resource in (kind.plural, *(f"{kind.plural}/{sub}" for sub in kind.subresources))
}
"""The API group and name of each resource that a permission can be about, and whether it lies in namespaces."""

RULE = 2
"""The version of this rule, stored with results. In version 1 each permission weighed 1, whatever it was."""

WHOLE_CLUSTER = 10
"""A permission in the whole cluster weighs as much as in so many namespaces."""

GROUP = 10
"""A permission of a group, or of whoever has a role, weighs as much as of so many accounts."""

EVERYTHING = len(REQUEST_VERBS) * len(SERVED)
"""What every verb on every resource weighs."""


def weigh(excess: Excess) -> int:
    """Return the weight of a permission: 1 for one verb on one resource, for one account in one namespace."""
    breadth = EVERYTHING if becomes_anybody(excess) else _breadth(excess.part)
    return breadth * (1 if excess.namespace else WHOLE_CLUSTER) * (1 if excess.who.user else GROUP)


def becomes_anybody(excess: Excess) -> bool:
    """Return whether who has it may impersonate anybody in the whole cluster, and so do everything."""
    part = excess.part
    impersonates = part.verb in ("impersonate", "*") and part.group in ("", "*")
    whom = part.resource in ("users", "groups", "serviceaccounts", "*") and (
        not part.names or MASTERS in part.names
    )
    return bool(excess.binding) and not excess.namespace and impersonates and whom


def has(excess: Excess, who: Subject) -> bool:
    """Return whether somebody has a permission that was granted to them or to one of their groups."""
    return (
        excess.who.user == who.user
        if excess.who.user
        else bool({*excess.who.groups[:1]} & {*who.groups})
    )


def least_privilege(needed: int, weight: float) -> float:
    """Return the share of what was needed: each doubling of the superfluous weight counts like one permission."""
    return needed / (needed + math.log2(1 + weight))


def _breadth(part: Part) -> int:
    verbs = len(REQUEST_VERBS) if part.verb == "*" else 1
    if part.path is not None:
        return verbs * (len(REQUEST_VERBS) if part.path.endswith("*") else 1)
    wanted = part.resource.removeprefix("*")  # ``*/scale`` is of every resource
    resources = sum(
        part.group in ("*", group)
        and (name.endswith(wanted) if "*" in part.resource else name == wanted)
        for group, name in SERVED
    )
    return verbs * max(1, resources)
