"""The weight of a superfluous permission: by the resources it reaches, where it holds, and how many have it."""

import math

from kube_embedded import KINDS
from kube_embedded.rbac.parts import Part
from kube_embedded.rbac.subjects import MASTERS, Subject
from labkit.rbac.difference import REQUEST_VERBS, Excess

SERVED = {
    (kind.group, resource): kind.namespaced
    for kind in KINDS
    for resource in (kind.plural, *(f"{kind.plural}/{sub}" for sub in kind.subresources))
}
"""The API group and name of each resource that a permission can be about, and whether it is namespaced."""

RULE = 2
"""The version of this rule, stored with results. In version 1 each permission weighed 1."""

WHOLE_CLUSTER = 10
"""A permission in the whole cluster weighs as much as the same one in so many namespaces."""

GROUP = 10
"""A permission of a group, or of all subjects of a role, weighs as much as the same one of so many accounts."""

EVERYTHING = len(REQUEST_VERBS) * len(SERVED)
"""The weight of every verb on every resource."""


def weigh(excess: Excess) -> int:
    """Return the weight of a permission: 1 for one verb on one resource, for one account in one namespace."""
    breadth = EVERYTHING if becomes_anybody(excess) else _breadth(excess.part)
    return breadth * (1 if excess.namespace else WHOLE_CLUSTER) * (1 if excess.who.user else GROUP)


def becomes_anybody(excess: Excess) -> bool:
    """Return whether its holder can impersonate any user in the whole cluster, and so do everything."""
    # system:masters bypasses RBAC; other users and groups have at most the permissions granted to them.
    part = excess.part
    impersonates = part.verb in ("impersonate", "*") and part.group in ("", "*")
    whom = part.resource in ("users", "groups", "serviceaccounts", "*") and (
        not part.names or MASTERS in part.names
    )
    return bool(excess.binding) and not excess.namespace and impersonates and whom


def has(excess: Excess, who: Subject) -> bool:
    """Return whether a subject has a permission that was granted to it or to one of its groups."""
    if excess.who.user:
        return excess.who.user == who.user
    # An excess of a group names that group alone.
    return not {*who.groups}.isdisjoint(excess.who.groups[:1])


def least_privilege(needed: int, weight: float) -> float:
    """Return the share of the needed permissions: each doubling of the superfluous weight counts like one of them."""
    # Logarithmic: with a sum, one wildcard would hide whether the rest was done with care.
    return needed / (needed + math.log2(1 + weight))


def _breadth(part: Part) -> int:
    verbs = len(REQUEST_VERBS) if part.verb == "*" else 1
    if part.path is not None:
        return verbs * (len(REQUEST_VERBS) if part.path.endswith("*") else 1)
    # ``*/scale`` is the scale of every resource.
    suffix = part.resource.removeprefix("*")
    resources = sum(
        part.group in ("*", group)
        and (name.endswith(suffix) if "*" in part.resource else name == suffix)
        for group, name in SERVED
    )
    return verbs * max(1, resources)
