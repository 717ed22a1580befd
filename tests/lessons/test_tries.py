"""Steps tried as learners do it: the verdict that a good teacher would give, and words that help.

``tries/README.md`` describes the tries, which were written before the checks were read.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit import check
from labkit.lab import current
from labkit.lab.lab import Lab
from labkit.lessons.base import WORDS
from tests.lessons.learner import Learner, Try, tries

TRIES = tries(Path(__file__).parent / "tries")


class Bench:
    """A lab that is brought to the beginning of a step before each try.

    Args:
        lab: The lab.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._as_begun = ""

    def begin(self, attempt: Try) -> Lab:
        """Return the lab as the step begins, and without the evidence of earlier tries."""
        self.lab.progress.forget()
        if self._as_begun == attempt.step:
            # The objects are as they were: only the requests of the last try are to be forgotten.
            self.lab._begin()
        else:
            self.lab.rewind(attempt.step)
        self._as_begun = attempt.step if attempt.asks_only else ""
        current.use(self.lab)
        return self.lab


@pytest.fixture(scope="module")
def bench(shared_lab: Lab) -> Bench:
    """Provide one lab for all tries of a process."""
    return Bench(shared_lab)


def test_there_are_enough_tries_and_each_has_a_name_of_its_own() -> None:
    assert len(TRIES) >= 300
    assert len({attempt.id for attempt in TRIES}) == len(TRIES)


@pytest.mark.parametrize("attempt", TRIES, ids=lambda attempt: attempt.id)
def test_the_verdict_on_a_try_is_a_good_teachers(bench: Bench, attempt: Try) -> None:
    learner = Learner(bench.begin(attempt), attempt.step)
    for action in attempt.actions:
        learner.act(action)
    outcome = check(attempt.step)
    answer = repr(outcome)
    assert WORDS[outcome.state] in attempt.verdicts, answer
    for pattern in attempt.says:
        assert re.search(pattern, answer, re.IGNORECASE), f"{pattern} is missing in {answer}"
    for pattern in attempt.never:
        assert not re.search(pattern, answer, re.IGNORECASE), f"{pattern} is in {answer}"
