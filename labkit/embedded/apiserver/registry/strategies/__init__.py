"""One strategy for each kind that needs more than the default rules.

``table`` says which kind has which. Each of these packages imports only those below it:

``workloads``  what makes pods from a template, autoscalers, disruption budgets
``pods``       pods and pod templates
``storage``    volumes, claims, drivers
``fields``     fields that several kinds have

``network`` has services and what surrounds them, ``flowcontrol`` API priority and fairness; the other
kinds stand beside the table.

Checks take a value, its path in the object, and ``errors``, to which they add a cause for each broken
rule in the real server's order. Methods marked as overrides do what ``Strategy`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.kinds import Kind

__all__ = ["Strategies", "strategies"]


class Strategies:
    """Kinds to their strategies.

    Args:
        table: (group, kind) to a strategy, or to the module and name of its class, which is loaded
            when it is first asked for.
    """

    def __init__(self, table: Mapping[tuple[str, str], Strategy | tuple[str, str]]) -> None:
        self._table = dict(table)

    def of(self, kind: Kind) -> Strategy:
        """Return the strategy of a kind."""
        found = self._table.get((kind.group, kind.kind))
        if found is None:
            found = self._table[kind.group, kind.kind] = Strategy(
                status="status" in kind.subresources, generation="status" in kind.subresources
            )
        if isinstance(found, tuple):
            made: Strategy = getattr(import_module(f"{__name__}.{found[0]}"), found[1])()
            found = self._table[kind.group, kind.kind] = made
        return found


def strategies() -> Strategies:
    """Make a new set of strategies, so that clusters do not share hooks."""
    from labkit.embedded.apiserver.registry.strategies.table import table

    return Strategies(table())
