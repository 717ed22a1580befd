"""Exercises in a notebook: ``paper = exercise(lab, "ex4-roles")``.

A grader runs notebooks without ``labkit.grading``: there the exercise is sealed, which means that
its methods do nothing, and it is judged when the notebook has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.core.arguments import LINE, ArgumentKind, takes
from labkit.core.display import Card, Displayable
from labkit.core.language import text

from .cluster import ChosenCluster

if TYPE_CHECKING:
    from .lab import Lab


def _a_lab(value: object) -> object:
    if not isinstance(value, ChosenCluster):
        raise TypeError
    return value


@takes(
    'exercise(lab, "ex4-roles", "ann")',
    lab=ArgumentKind("the lab, as Lab() makes it", _a_lab),
    name=LINE,
    learner=LINE,
    code=LINE,
)
def exercise(lab: Lab, name: str, learner: str | None = None, code: str = "") -> Any:
    """Open an exercise for one learner.

    Args:
        lab: The cluster to work on.
        name: The exercise's id, such as ``ex4-roles``.
        learner: The learner's name; ``LABKIT_LEARNER`` or the user's name when left out.
        code: Their code, if the teacher gave them one; ``LABKIT_COURSE_CODE`` when left out.

    Returns:
        An exercise with ``start()``, ``show(task)``, ``check(task)``, ``hint(task)``, ``board()`` and ``score()``.

    Raises:
        UsageError: The exercise does not exist, the name is empty, or the code belongs to somebody else.
    """
    try:
        from labkit.grading.exercises.exercise import Exercise
    # The judging code is not in the process that runs a stranger's notebook, so no cell can
    # read or change it.
    except ImportError:
        return SealedExercise(name)
    return Exercise(lab, name, learner, code)


class SealedExercise(Displayable):
    """An exercise in a notebook that a grader runs: it is judged afterwards, in another process.

    Args:
        name: The exercise's id.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self, _task: str = "") -> SealedExercise:
        """Do nothing: the grader sets the exercise up before the notebook runs, and judges it after."""
        return self

    show = check = hint = board = start

    def points(self, _task: str) -> float:
        """Return 0: the grader counts the points."""
        return 0.0

    def score(self) -> SealedExercise:
        """Do nothing: the grader computes the score."""
        return self

    def card(self) -> Card:
        """Return a card with a note that it is judged later."""
        return Card(text("{name} is judged when the notebook has ended.", self.name))
