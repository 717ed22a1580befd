"""Each kind has one strategy, whose module is loaded when it is needed."""

from __future__ import annotations

import subprocess
import sys

from kube_embedded.apiserver.registry.strategies import strategy_of
from kube_embedded.apiserver.registry.strategies.events import EventStrategy
from kube_embedded.apiserver.registry.strategies.schema_only import SchemaStrategy
from kube_embedded.apiserver.registry.strategy import Strategy
from kube_embedded.machinery.kinds import BY_KIND


def test_no_kind_has_the_rules_of_another() -> None:
    shared = {Strategy, SchemaStrategy, EventStrategy}
    classes = [type(strategy_of(kind)) for kind in BY_KIND.values()]
    own = [strategy for strategy in classes if strategy not in shared]
    assert len(own) == len(set(own)) > 20


def test_strategies_are_shared() -> None:
    assert strategy_of(BY_KIND["", "Pod"]) is strategy_of(BY_KIND["", "Pod"])
    assert strategy_of(BY_KIND["", "Pod"]) is not strategy_of(BY_KIND["", "Node"])


def test_modules_are_loaded_when_their_kind_is_first_used() -> None:
    code = (
        "import sys; from kube_embedded.machinery.kinds import BY_KIND\n"
        "from kube_embedded.apiserver.registry.strategies import strategy_of\n"
        "name = 'kube_embedded.apiserver.registry.strategies.pods.strategy'\n"
        "print(name in sys.modules); strategy_of(BY_KIND['', 'Pod']); print(name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
