"""Run one HTTP suite from its first step to its last, and sum up what agreed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.parity.accepted import Agreement
from tests.parity.compare import Difference, differences, expectation, reduced
from tests.parity.model import Answer, Step, steps
from tests.parity.replay import Player
from tests.parity.transport import Transport

Opener = Callable[[], AbstractContextManager[Transport]]
"""Opens a way to a pristine cluster, and closes it at the end."""


@dataclass(frozen=True)
class Outcome:
    """One step: the recorded and the actual answer, and their differences."""

    step: Step
    expected: dict[str, Any]
    got: dict[str, Any]
    differences: tuple[Difference, ...]

    def agrees_in(self, aspect: str) -> bool:
        """Return whether ``status``, ``headers`` and ``body`` agree."""
        return all(item.aspect != aspect for item in self.differences)

    @property
    def decision_agrees(self) -> bool:
        """Return whether both servers allowed it, or both refused it (401 or 403)."""
        return (self.expected["status"] in (401, 403)) == (self.got["status"] in (401, 403))


def outcome(step: Step, answer: Answer, transport: Transport, agreement: Agreement) -> Outcome:
    """Compare one answer with its recording."""
    expected = expectation(step)
    if step.only is None:
        expected["body"] = agreement.without_left_out(expected["body"])
    got = reduced(step, answer, transport.names)
    return Outcome(step, expected, got, tuple(differences(step.id, expected, got)))


def run(
    suite: str,
    opener: Opener,
    agreement: Agreement,
    *,
    patience_seconds: float = 5.0,
    until: str | None = None,
) -> Iterator[Outcome]:
    """Play a suite on a pristine cluster.

    Args:
        suite: Its name.
        opener: Opens the way to the cluster.
        agreement: The differences that are accepted.
        patience_seconds: How long a step with ``wait`` is repeated.
        until: The id of the last step to play; all if None.
    """
    with opener() as transport:
        player = Player(transport, patience_seconds)
        for step, answer in player.play(steps(suite)):
            yield outcome(step, answer, transport, agreement)
            if step.id == until:
                return
