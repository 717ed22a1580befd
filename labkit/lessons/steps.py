"""The walkthrough's lessons and steps, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labkit.lessons.base import Check
from labkit.lessons.predictions import Prediction

ANY = "any client: lab, kubectl, curl, Python, labkit exec"
ANY_PROXY = "any client through any proxy"
ANY_POD = "any client in the pod"
EXEC = "lab.exec, labkit exec, lab.kubectl, kubectl exec: each call as a command of its own"
RECORD = "lab.record"
TOKENS = "lab.pod_token and lab.token, or any client; and lab.record"
STATE = "any client: the cluster is asked how it is now"
"""Who can give a step's evidence, in words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step.

    Args:
        id: Such as ``W17``.
        title: What the learner does, in a few words.
        minutes: The time it takes.
        check: The checkpoint.
        hints: Where to look, what to write, and all but the last word.
        seen: What the checkpoint goes by, in words.
        by: Which clients can give it, in words.
        kubectl: How to do it in a terminal.
        prediction: What the learner predicts; None where there is nothing to predict.
    """

    id: str
    title: str
    minutes: int
    check: Check
    hints: tuple[str, str, str]
    seen: str = ""
    by: str = ""
    kubectl: str = ""
    prediction: Prediction | None = None


def step(
    title: str,
    minutes: int,
    *hints: str,
    seen: str,
    by: str,
    kubectl: str = "",
    predict: Prediction | None = None,
) -> Callable[[Check], Step]:
    """Make a step of its checkpoint, a function with the step's id in small letters for its name."""
    look, write, almost = hints
    return lambda check: Step(
        check.__name__.upper(), title, minutes, check, (look, write, almost), seen, by, kubectl, predict
    )


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
