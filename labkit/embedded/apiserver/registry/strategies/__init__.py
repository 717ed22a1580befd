"""One strategy for each kind; a kind without one of its own has the ordinary rules.

Which kind has which stands in ``table``. What belongs together lies together, and each of these
rests only on those below it:

``workloads``  what makes pods from a template, and what watches over their number
``pods``       what a pod may say, what its author leaves out, what may change later
``storage``    volumes, claims on them, and what provides them
``fields``     rules of fields that several kinds have

``network`` has services and what surrounds them, ``flowcontrol`` the classes of requests; the other
kinds of the core group and of the server itself lie beside the table.
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
        """The strategy of a kind."""
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
    """A new set of strategies, so that hooks of one cluster do not reach another."""
    from labkit.embedded.apiserver.registry.strategies.table import table

    return Strategies(table())
