"""One strategy for each kind that needs more than the default rules.

``strategies.json`` says which kind has which: a strategy is loaded when its kind is asked for, since a server starts
with few of them. Each of these packages imports only those below it:

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

from importlib import import_module

from labkit.core.json_file import read_json
from labkit.embedded.apiserver.registry.strategy import StatusStrategy, Strategy
from labkit.embedded.machinery.kinds import Kind

TABLE: dict[str, dict[str, str]] = read_json(__file__, "strategies.json")
"""Group to kind to the module of its strategy's class, and the class."""


class Strategies:
    """The strategies of one cluster, made when they are first asked for: clusters do not share hooks."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Strategy] = {}

    def of(self, kind: Kind) -> Strategy:
        """Return the strategy of a kind."""
        key = kind.group, kind.kind
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = _strategy_class(kind)()
        return found


def _strategy_class(kind: Kind) -> type[Strategy]:
    row = TABLE.get(kind.group, {}).get(kind.kind)
    if row is None:
        return StatusStrategy if "status" in kind.subresources else Strategy
    module, _, name = row.rpartition(".")
    found: type[Strategy] = getattr(import_module(f"{__name__}.{module}"), name)
    return found
