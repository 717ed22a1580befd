"""One strategy for each kind; a kind without one of its own has the ordinary rules."""

from __future__ import annotations

from labkit.apiserver.registry.kinds import Kind
from labkit.apiserver.registry.strategy import Strategy

__all__ = ["Strategies", "strategies"]


class Strategies:
    """Kinds to their strategies.

    Args:
        table: (group, kind) to a strategy.
    """

    def __init__(self, table: dict[tuple[str, str], Strategy]) -> None:
        self._table = table

    def of(self, kind: Kind) -> Strategy:
        """The strategy of a kind."""
        found = self._table.get((kind.group, kind.kind))
        if found is None:
            found = self._table[kind.group, kind.kind] = Strategy(
                status="status" in kind.subresources, generation="status" in kind.subresources
            )
        return found


def strategies() -> Strategies:
    """A new set of strategies, so that hooks of one cluster do not reach another."""
    from labkit.apiserver.registry.strategies.table import table

    return Strategies(table())
