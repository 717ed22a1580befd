"""Where a performance stands: a step, and how many of its beats have run.

A beat is a cell that gives something to look at, with the cells before it that do not. Going back restores
what was there by the way it came about: the cluster is reset, and everything before that place runs again. So
objects, files in containers, progress and the notebook's names are all as they were, on every kind of cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from labkit.backends.base import Report
from labkit.client.answer import Answer
from labkit.core.errors import LabkitError
from labkit.lab.lab import Lab
from labkit.lessons.steps import Lesson, Step
from labkit.lessons.talk import talks
from labkit.presenter.cells import Cells

WIDGET = "from labkit.ui import"
"""The beginning of a cell that only shows a widget; the performance has pictures instead."""

PREDICTION, RECORD = "predict(", "lab.record("
"""The beginnings of last lines that give nothing to look at."""


class Beat(NamedTuple):
    """Cells that run at one key, or a picture (``xray``, ``graph``)."""

    cells: Sequence[str] = ()
    picture: str = ""


@dataclass(slots=True)
class Played:
    """A step that was begun, and the lines (kind, text) of those of its beats that have run."""

    step: Step
    beats: Sequence[Beat]
    shown: list[list[tuple[str, str]]] = field(default_factory=list)
    answer: Answer | None = None


class Play:
    """A performance's place, and a lab whose cluster goes with it, and whose progress is forgotten on the way back.

    Args:
        lab: The lab.
        lessons: What is performed.
        report: Takes what is done on the way to another place, as it begins.
    """

    def __init__(self, lab: Lab, lessons: Sequence[Lesson], report: Report = lambda _what: None) -> None:
        self.lab, self.report = lab, report
        self.cells = Cells(lab, lambda kind, text: self._lines.append((kind, text)))
        self.lessons = [lesson for lesson in lessons if self.cells.allowed(lesson)]
        self.steps = [step for lesson in self.lessons for step in lesson.steps]
        self.played: list[Played] = []
        self._lines: list[tuple[str, str]] = []

    @property
    def place(self) -> tuple[int, int]:
        """How many steps were begun, and how many beats of the last one have run."""
        return len(self.played), len(self.played[-1].shown) if self.played else 0

    @property
    def passed(self) -> int:
        """How many checkpoints have passed."""
        return sum(outcome.passed for outcome in self.cells.outcomes)

    def forward(self) -> bool:
        """Run the next beat, or begin the next step with its question; return False at the end."""
        if self.played and len(self.played[-1].shown) < len(self.played[-1].beats):
            self._run(self.played[-1])
        elif len(self.played) < len(self.steps):
            self._enter(self.steps[len(self.played)])
        else:
            return False
        return True

    def back(self) -> None:
        """Go one beat back; from a question to the end of the step before."""
        steps, beats = self.place
        if beats:
            self.go(steps, beats - 1)
        elif steps:
            self.played.pop()  # a question changes nothing in the cluster

    def go(self, steps: int, beats: int = 0) -> None:
        """Bring the cluster to the place where so many steps are begun, and so many beats of the last one have run."""
        if (steps, beats) < self.place:
            self.played.clear()
            self.cells.end()
            self.report("resetting the cluster")
            self.lab.reset()
            self.lab.progress.forget()
        goal = self.steps[steps - 1].id if steps else ""
        while self.place < (steps, beats):
            self.report(f"going to {goal}: {self.steps[max(0, len(self.played) - 1)].id}")
            if not self.forward():
                break

    def _enter(self, step: Step) -> None:
        if any(lesson.steps[0] is step for lesson in self.lessons):
            self.cells.begin()
        beats, waiting = [], list[str]()
        for cell in self.cells.of(step.id):
            if cell.strip() and not cell.startswith(WIDGET):
                waiting.append(cell)
                if not cell.splitlines()[-1].startswith((PREDICTION, RECORD)):
                    beats.append(Beat(waiting))
                    waiting = []
        talk = talks()[step.id]
        beats += [Beat(picture=name) for name in ("xray", "graph") if getattr(talk, name)]
        self.played.append(Played(step, beats))

    def _run(self, now: Played) -> None:
        self.cells.answer = now.answer
        lines: list[tuple[str, str]] = []
        for cell in now.beats[len(now.shown)].cells:
            predicts = cell.splitlines()[-1].startswith(PREDICTION)
            self._lines = [] if predicts else lines  # the class has predicted
            try:
                self.cells.run(cell)
            except Exception as error:  # it is shown, and the instructor goes on or back
                text = str(error) if isinstance(error, LabkitError) else f"{type(error).__name__}: {error}"
                lines += [("bad", line) for line in text.splitlines()]
        now.answer = self.cells.answer
        now.shown.append(lines)
