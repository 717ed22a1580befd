"""Which objects a quota counts, and by which names.

Only numbers of objects count, whatever their state: no cpu, memory or storage. A quota with scopes counts nothing.

Source: k8s.io/apiserver ``pkg/quota/v1/generic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from labkit.embedded.machinery.request import Object

ALIASES = (
    "configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services",
)  # fmt: skip
"""Kinds that are also counted by their plain name."""


class Evaluator:
    """Counts the objects of a resource (plural with group)."""

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self._names = (f"count/{resource}", *((resource,) if resource in ALIASES else ()))

    def matching(self, quota: Object, names: Iterable[str]) -> list[str]:
        """The names among those of a quota by which it counts these objects."""
        spec = quota["spec"]
        scoped = spec.get("scopes") or (spec.get("scopeSelector") or {}).get("matchExpressions")
        # A scope selects pods by their class of service; a quota with one counts nothing here, see docs/limits.md.
        return [] if scoped else [name for name in names if name in self._names]


class Evaluators:
    """The evaluators of all counted resources (plural with group); ``more`` returns those of custom kinds."""

    def __init__(self, resources: frozenset[str], *, more: Callable[[], set[str]] = set) -> None:
        self._resources = resources
        self._more = more

    def of(self, resource: str) -> Evaluator | None:
        """The evaluator of a kind, None if it is not counted."""
        return (
            Evaluator(resource) if resource in self._resources or resource in self._more() else None
        )

    def for_names(
        self, quota: Object, names: Iterable[str]
    ) -> Iterator[tuple[Evaluator, list[str]]]:
        """The evaluators that a quota's names need, each with its names."""
        wanted = list(names)
        counted = {name.removeprefix("count/") for name in wanted}
        for resource in sorted(counted & (self._resources | self._more())):
            evaluator = Evaluator(resource)
            mine = evaluator.matching(quota, wanted)
            if mine:
                yield evaluator, mine
