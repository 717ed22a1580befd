"""Each checkpoint's verdicts on a cluster on paper, word for word.

``scenarios`` has the learners' actions, and ``outcomes.yaml`` the outcomes. After an intended change,
``python -m tests.lessons.test_paper`` writes the outcomes again.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from kube_embedded.tests.support.some import some
from labkit import lessons
from tests.lessons.paper import SCENARIOS, Paper

for number in some(range(1, len(lessons.LESSONS) + 1)):
    import_module(f"tests.lessons.scenarios.part{number}")

FILE = Path(__file__).with_name("outcomes.yaml")
OUTCOMES: dict[str, list[str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def verdict(name: str, home: Path) -> list[str]:
    """Return the lines of a checkpoint's outcome for a scenario, and the time of the decisive call."""
    paper = Paper(home)
    SCENARIOS[name](paper)
    outcome = paper.check(name.partition("_")[0].upper())
    asked_at = [f"rests on the call at {outcome.asked_at:g}"] if outcome.asked_at else []
    return [*repr(outcome).splitlines(), *asked_at]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_checkpoint_says(name: str, tmp_path: Path) -> None:
    assert verdict(name, tmp_path) == OUTCOMES[name]


def test_every_outcome_has_its_scenario() -> None:
    assert list(OUTCOMES) == list(SCENARIOS)


def test_every_step_has_a_scenario_that_passes_and_others() -> None:
    for step in some(lessons.STEPS):
        lines = [
            first for name, (first, *_) in OUTCOMES.items() if name.startswith(f"{step.lower()}_")
        ]
        for word in ("passed", "not yet", "not attempted"):
            assert any(f" {step} {word}: " in line for line in lines), (step, word)


def write() -> None:
    """Write the checkpoints' outcomes."""
    outcomes = {}
    for name in some(SCENARIOS):
        with tempfile.TemporaryDirectory() as home:
            outcomes[name] = verdict(name, Path(home))
    FILE.write_text(
        yaml.safe_dump(outcomes, allow_unicode=True, sort_keys=False, width=1000), encoding="utf-8"
    )


if __name__ == "__main__":
    write()
