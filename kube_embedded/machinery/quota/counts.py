"""Which objects a quota counts, and by which names.

Only numbers of objects count, whatever their state: no cpu, memory or storage.
Source: k8s.io/apiserver ``pkg/quota/v1/generic``.
"""

from collections.abc import Callable, Collection, Iterable

from ..request import Object

Counted = Callable[[], Collection[str]]
"""Returns the resources (plural with group) that quotas count; those of custom kinds come and go."""

# Kinds that are also counted by their plain name: they are older than ``count/``.
ALIASES = (
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
)


def counted_names(quota: Object, names: Iterable[str], counted: Counted) -> dict[str, str]:
    """Return the names in a quota that count objects, with the resources that they count."""
    spec = quota["spec"]
    # A scope selects pods by their class of service; a quota with one does not count here, see docs/limits.md.
    if spec.get("scopes") or (spec.get("scopeSelector") or {}).get("matchExpressions"):
        return {}
    resources = counted()
    resources_by_name = {name: name.removeprefix("count/") for name in names}
    return {
        name: resource
        for name, resource in resources_by_name.items()
        if resource in resources and (name != resource or name in ALIASES)
    }
