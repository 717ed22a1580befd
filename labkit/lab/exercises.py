"""Exercises in a notebook: ``paper = exercise(lab, "ex4-roles")``.

Where a grader runs the notebook, the checks are not there: then every word of the paper
says that it is judged afterwards, and does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.core.display import Card, Shown

if TYPE_CHECKING:
    from labkit.lab.lab import Lab


def exercise(lab: Lab, name: str, learner: str = "") -> Any:
    """An exercise for one learner.

    Args:
        lab: The cluster to work on.
        name: Such as ``ex4-roles``.
        learner: Whose; ``LABKIT_LEARNER`` or the user's name when left out.

    Returns:
        A paper with ``start()``, ``show(task)``, ``check(task)`` and ``score()``.

    Raises:
        UsageError: When there is no such exercise.
    """
    try:
        from labkit.grading.exercise import Paper
    except ImportError:
        return Sealed(name)
    return Paper(lab, name, learner)


class Sealed(Shown):
    """A paper in a grader's room: it is judged afterwards, elsewhere.

    Args:
        name: The exercise.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self, _task: str = "") -> Sealed:
        """Nothing: the grader has set it up."""
        return self

    show = check = start

    def points(self, _task: str) -> float:
        """None here: the grader counts them."""
        return 0.0

    def score(self) -> Sealed:
        """Nothing: the grader scores."""
        return self

    def card(self) -> Card:
        """Says so."""
        return Card(f"{self.name} is judged when the notebook has ended.")
