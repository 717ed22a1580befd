"""One strategy for each kind that needs more than the default rules.

``strategies.json`` says which kind has which, and gives its attributes where they are not those of the class. A
strategy is loaded when its kind is asked for, since a server starts with few of them. Each of these packages imports
only those below it:

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

from functools import cache
from importlib import import_module
from typing import Any

from labkit.core.json_file import read_json
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.kinds import CustomKind, Kind

TABLE: dict[str, dict[str, dict[str, Any]]] = read_json(__file__, "strategies.json")
"""Group to kind to its strategy's class, after its module, and the attributes of the strategy."""
WITH_STATUS = {"generation": True, "status": True}
"""The attributes where a kind has a status and no row."""


def strategy_of(kind: Kind) -> Strategy:
    """The strategy of a kind; it has no state, so clusters share it."""
    if isinstance(kind, CustomKind):
        from labkit.embedded.apiserver.registry.custom.strategy import CustomStrategy

        return CustomStrategy(kind)
    return _native_strategy(kind.group, kind.kind, "status" in kind.subresources)


@cache
def _native_strategy(group: str, word: str, has_status: bool) -> Strategy:
    attributes = dict(TABLE.get(group, {}).get(word, WITH_STATUS if has_status else {}))
    module, _, name = attributes.pop("strategy", "").rpartition(".")
    strategy: Strategy = (
        getattr(import_module(f"{__name__}.{module}"), name)() if module else Strategy()
    )
    for attribute, value in attributes.items():
        setattr(strategy, attribute, value)
    return strategy
