"""The place of a performance: a step, and how many of its beats have run.

A beat is a cell with visible output, together with the cells before it that have none. Going back resets the
cluster, and runs everything before that place again. So objects, files in containers, progress and the
notebook's names are all as they were, on every kind of cluster.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple

from labkit.backends.base import Report
from labkit.client.answer import Answer
from labkit.core.errors import LabkitError
from labkit.core.language import text
from labkit.lab.lab import Lab
from labkit.lessons.steps import Lesson, Step
from labkit.lessons.talk import talks

from .cells import Cells

READS = ("get", "list", "watch")

_REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}

WIDGET = "from labkit.ui import"
"""The beginning of a cell that only shows a widget; the performance has pictures instead."""

PREDICTION, RECORD = "predict(", "lab.record("
"""The beginnings of last lines without visible output."""


class Beat(NamedTuple):
    """Cells that run at one key, or a picture (``xray``, ``graph``)."""

    cells: Sequence[str] = ()
    picture: str = ""


@dataclass(slots=True)
class Played:
    """A step that was begun, and the lines (kind, text) of its beats that have run."""

    step: Step
    beats: Sequence[Beat]
    shown: list[list[tuple[str, str]]] = field(default_factory=list)
    answer: Answer | None = None


class Play:
    """The place of a performance in a lab, whose cluster follows, and whose progress is deleted on the way back.

    Args:
        lab: The lab.
        lessons: The lessons to perform.
        report: Gets each action on the way to another place, as it begins.
    """

    def __init__(
        self, lab: Lab, lessons: Sequence[Lesson], report: Report = lambda _what: None
    ) -> None:
        self.lab = lab
        self.report = report
        self.cells = Cells(lab, lambda kind, text: self._lines.append((kind, text)))
        self.lessons = [lesson for lesson in lessons if self.cells.allowed(lesson)]
        self.steps = [step for lesson in self.lessons for step in lesson.steps]
        self.played: list[Played] = []
        self._lines: list[tuple[str, str]] = []
        self.asked: list[tuple[str, str]] = []
        self._changed = False

    @property
    def place(self) -> tuple[int, int]:
        """The number of steps that were begun, and of the last one's beats that have run."""
        return len(self.played), len(self.played[-1].shown) if self.played else 0

    @property
    def coming(self) -> list[tuple[str, bool]]:
        """The lines of code that run next, each with True if the last similar manifest has a different one."""
        now = self.played[-1] if self.played else None
        if now is None or len(now.shown) == len(now.beats):
            return []
        cells = [
            cell
            for cell in now.beats[len(now.shown)].cells
            if not _is_prediction(cell) and cell[:6] != "check("
        ]
        return [line for cell in cells for line in self._marked(cell)]

    def _marked(self, cell: str) -> list[tuple[str, bool]]:
        lines = cell.strip().splitlines()
        kinds = {line for line in lines if line.startswith("kind: ")}
        beats = (beat for played in self.played for beat in played.beats[: len(played.shown)])
        alike = [
            ran.splitlines() for beat in beats for ran in beat.cells if kinds & {*ran.splitlines()}
        ]
        return [(line, bool(alike) and line not in alike[-1]) for line in lines]

    def ask(self, asked: str) -> None:
        """Run a line of kubectl or Python at this place; ``put_back`` then undoes its changes."""
        before = self._version()
        newest = self._newest_event()
        self.asked = lines = self._lines = []
        self._try(lambda: self.cells.ask(asked), lines)
        self._changed = self._changed or self._has_changed(asked, before, newest)

    def put_back(self) -> None:
        """Restore the state from before the question."""
        if self._changed:
            self.go(*self.place)

    def _has_changed(self, asked: str, version: str, newest: str) -> bool:
        """Return whether a question changed the cluster, which was at that version and had that newest audit event."""
        # A command in a pod can change files there without changing an object.
        if "exec" in asked:
            return True
        if self._version() == version:
            return False
        # On a real cluster the version also moves by itself: the question's requests decide there.
        log = self.lab.backend.audit_log
        if log is None:
            return True
        # The log is written in the order of the answers: with this event, those of the question are there.
        admin = self.lab.admin.without_observers()
        review = admin.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", _REVIEW)
        if log.event(review.audit_id) is None:
            return True
        since = takewhile(lambda event: event.get("auditID") != newest, log.events())
        return any(_writes(event) for event in since)

    def _newest_event(self) -> str:
        log = self.lab.backend.audit_log
        return next((str(event.get("auditID")) for event in log.events()), "") if log else ""

    def _version(self) -> str:
        """Return the cluster's version, which differs after any change of an object."""
        # The resourceVersion of a list is etcd's revision, common to all kinds.
        answer = self.lab.admin.without_observers().get("/api/v1/namespaces?limit=1")
        return str(answer.body["metadata"]["resourceVersion"])

    @property
    def passed(self) -> int:
        """The number of checkpoints that have passed."""
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
            # A step begins with its question, before any cell has run: no reset is needed.
            self.played.pop()

    def go(self, steps: int, beats: int = 0) -> None:
        """Bring the cluster to a place: so many steps are begun, so many beats of the last one have run."""
        if (steps, beats) < self.place or self._changed:
            self._changed = False
            self.played.clear()
            self.cells.end()
            self.report(text("resetting the cluster"))
            self.lab.reset()
            self.lab.progress.forget()
        goal = self.steps[steps - 1].id if steps else ""
        while self.place < (steps, beats):
            self.report(
                text("going to {step}", f"{goal}: {self.steps[max(0, len(self.played) - 1)].id}")
            )
            if not self.forward():
                break

    def _enter(self, step: Step) -> None:
        if any(lesson.steps[0] is step for lesson in self.lessons):
            self.cells.begin()
        beats = []
        waiting = list[str]()
        for cell in self.cells.of(step.id):
            if cell.strip() and not cell.startswith(WIDGET):
                waiting.append(cell)
                if not _is_prediction(cell) and not cell.splitlines()[-1].startswith(RECORD):
                    beats.append(Beat(waiting))
                    waiting = []
        talk = talks()[step.id]
        beats += [Beat(picture=name) for name in ("xray", "graph") if getattr(talk, name)]
        self.played.append(Played(step, beats))

    def _run(self, now: Played) -> None:
        self.cells.answer = now.answer
        lines: list[tuple[str, str]] = []
        for cell in now.beats[len(now.shown)].cells:
            # The solution's prediction is not shown: the class has just made its own.
            self._lines = [] if _is_prediction(cell) else lines
            self._try(partial(self.cells.run, cell), lines)
        now.answer = self.cells.answer
        now.shown.append(lines)

    def _try(self, run: Callable[[], None], lines: list[tuple[str, str]]) -> None:
        try:
            run()
        # A failure in front of a class is shown, and the instructor goes on or back. SystemExit: code
        # from the audience can call sys.exit().
        except (Exception, SystemExit) as error:
            text = (
                str(error) if isinstance(error, LabkitError) else f"{type(error).__name__}: {error}"
            )
            lines += [("bad", line) for line in text.splitlines()]


def _writes(event: Mapping[str, Any]) -> bool:
    """Return whether an audit event's request can change an object; access reviews are created, but not stored."""
    resource = str((event.get("objectRef") or {}).get("resource"))
    return event.get("verb") not in READS and not resource.endswith("reviews")


def _is_prediction(cell: str) -> bool:
    return cell.splitlines()[-1].startswith(PREDICTION)
