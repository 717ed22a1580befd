"""The table of strategies: every row says something, and a module is loaded when its kind is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit.embedded.apiserver.registry.strategies import TABLE, strategy_of
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.kinds import BY_KIND

ROWS = [(group, kind) for group, kinds in TABLE.items() for kind in kinds]


@pytest.mark.parametrize("row", ROWS, ids="/".join)
def test_every_row_leads_to_rules_of_its_own(row: tuple[str, str]) -> None:
    strategy = strategy_of(BY_KIND[row])
    assert type(strategy) is not Strategy or vars(strategy)


@pytest.mark.parametrize("row", ROWS, ids="/".join)
def test_every_attribute_in_a_row_is_one_of_the_class_with_another_value(
    row: tuple[str, str],
) -> None:
    strategy = strategy_of(BY_KIND[row])
    for attribute, value in TABLE[row[0]][row[1]].items():
        if attribute != "strategy":
            default = getattr(type(strategy), attribute)
            assert getattr(strategy, attribute) == value != default
            assert isinstance(value, list if isinstance(default, tuple) else type(default))


def test_a_strategy_is_made_once() -> None:
    assert strategy_of(BY_KIND["", "Pod"]) is strategy_of(BY_KIND["", "Pod"])
    assert strategy_of(BY_KIND["", "Pod"]) is not strategy_of(BY_KIND["", "Node"])


def test_a_module_is_loaded_when_its_kind_is_asked_for() -> None:
    code = (
        "import sys; from labkit.embedded.machinery.kinds import BY_KIND\n"
        "from labkit.embedded.apiserver.registry.strategies import strategy_of\n"
        "name = 'labkit.embedded.apiserver.registry.strategies.pods.strategy'\n"
        "print(name in sys.modules); strategy_of(BY_KIND['', 'Pod']); print(name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
