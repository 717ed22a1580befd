"""The walkthrough's lessons and steps, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labkit.lessons.base import Check


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step.

    Args:
        id: Such as ``W17``.
        title: What the learner does, in a few words.
        minutes: The time it takes.
        check: The checkpoint.
        hints: The first hint, and a clearer one.
    """

    id: str
    title: str
    minutes: int
    check: Check
    hints: tuple[str, str]


def step(title: str, minutes: int, hint: str, clearer_hint: str) -> Callable[[Check], Step]:
    """Make a step of its checkpoint, a function with the step's id in small letters for its name."""
    return lambda check: Step(check.__name__.upper(), title, minutes, check, (hint, clearer_hint))


@dataclass(frozen=True, slots=True)
class Lesson:
    """A part of the walkthrough: one notebook, whose name without its ending is the id (``04-roles``)."""

    id: str
    title: str
    subtitle: str
    steps: tuple[Step, ...]

    @property
    def notebook(self) -> str:
        """The notebook's file name."""
        return f"{self.id}.ipynb"

    @property
    def minutes(self) -> int:
        """The time that all steps take."""
        return sum(step.minutes for step in self.steps)
