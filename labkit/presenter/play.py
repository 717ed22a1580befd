"""The place of a performance: a step, and how many of its beats have run.

A beat is a cell with visible output, together with the cells before it that have none. Going back deletes what was
created since, where the audit log shows that nothing else was changed. Otherwise it resets the cluster, and runs
everything before that place again. So objects, files in containers, progress and the notebook's names are all as
they were, on every kind of cluster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from labkit.backends.base import Report
from labkit.client.answer import Answer
from labkit.core.errors import LabkitError
from labkit.core.language import text
from labkit.lab.lab import Lab
from labkit.lessons.progress import Entry
from labkit.lessons.steps import Lesson, Step
from labkit.lessons.talk import talks

from .cells import Cells
from .undo import created, writes

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


class Place(NamedTuple):
    """What was there at a place, beside the cluster.

    Args:
        marker: The Audit-Id of a request that was sent there; empty if the audit log cannot be read.
        names: The names of the cells.
        outcomes: How many checks had run.
        progress: The entries of all steps.
        answer: The last answer of the step.
    """

    marker: str
    names: dict[str, Any]
    outcomes: int
    progress: dict[str, Entry]
    answer: Answer | None


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
        self._places: dict[tuple[int, int], Place] = {(0, 0): self._look()}

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
        marker = self._mark()
        self.asked = lines = self._lines = []
        self._try(lambda: self.cells.ask(asked), lines)
        self._changed = self._changed or self._has_changed(asked, before, marker)

    def put_back(self) -> None:
        """Restore the state from before the question."""
        if self._changed:
            self.go(*self.place)

    def _has_changed(self, asked: str, version: str, marker: str) -> bool:
        """Return whether a question changed the cluster, which was at that version when the marker was sent."""
        since = self._events_since(marker)
        # On a real cluster the version also moves by itself: where they are known, the question's requests decide.
        if since is not None:
            return any(map(writes, since))
        # A command in a pod can change files there without changing an object.
        return "exec" in asked or self._version() != version

    def _mark(self) -> str:
        """Send a request that marks this time in the audit log; return its Audit-Id, empty without a log."""
        if self.lab.backend.audit_log is None:
            return ""
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return self.lab.admin.without_observers().post(path, body).audit_id

    def _events_since(self, marker: str) -> list[dict[str, Any]] | None:
        """Return the audit events after a marker, the oldest first; None if they are not known."""
        log = self.lab.backend.audit_log
        # The log is written in the order of the answers: after this event, all before it are there.
        if not marker or log is None or log.event(self._mark()) is None:
            return None
        found: list[dict[str, Any]] = []
        for event in log.events():
            if event.get("auditID") == marker:
                return found[::-1]
            found.append(event)
        return None

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
        self._places[self.place] = self._look()
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
        if ((steps, beats) < self.place or self._changed) and not self._undo((steps, beats)):
            self._changed = False
            self.played.clear()
            self.cells.end()
            self.report(text("resetting the cluster"))
            self.lab.reset()
            self.lab.progress.forget()
            self._places = {(0, 0): self._look()}
        goal = self.steps[steps - 1].id if steps else ""
        while self.place < (steps, beats):
            self.report(
                text("going to {step}", f"{goal}: {self.steps[max(0, len(self.played) - 1)].id}")
            )
            if not self.forward():
                break

    def _look(self) -> Place:
        answer = self.played[-1].answer if self.played else None
        names, outcomes = self.cells.names, len(self.cells.outcomes)
        return Place(self._mark(), names, outcomes, self.lab.progress.all(), answer)

    def _undo(self, place: tuple[int, int]) -> bool:
        """Bring the cluster to an earlier place by deletions; return False if that is not possible."""
        there = self._places.get(place)
        since = self._events_since(there.marker) if there else None
        paths = created(since) if since is not None else None
        if there is None or paths is None:
            return False
        if paths:
            self.report(text("undoing what was created since"))
            self.lab.remove(paths)
        steps, beats = place
        del self.played[steps:]
        if self.played:
            del self.played[-1].shown[beats:]
            self.played[-1].answer = there.answer
        self.cells.restore(there.names, there.outcomes)
        self.lab.progress.replace(there.progress)
        self._changed = False
        return True

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


def _is_prediction(cell: str) -> bool:
    return cell.splitlines()[-1].startswith(PREDICTION)
