"""A teacher's corrections of the grader: a table of points of tasks, and edited scores.

The table has the columns ``learner`` (an id, a name or a mail address), ``task``, ``points`` and ``reason``. It is
applied to results whenever reports are written, and never stored with them.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.core.errors import UsageError, near
from labkit.core.language import listed, said, text

from ..intake.submissions import Unreadable, read_untrusted
from ..intake.tables import read_records
from ..judging.result import Result
from ..judging.score import TaskScore, plain
from ..tasks import EXERCISES
from ..tasks.seed import Seed
from ..tasks.task import Task
from .scores import QUOTE, SCORES, write_csv

COLUMNS = ("learner", "task", "points", "reason")

RECORD = ".written.json"
"""The record of the last reports, in the folder of results: it reveals edited scores and changed exercises."""

EXERCISE_OF = {task.id: exercise.id for exercise in EXERCISES for task in exercise.tasks}

TASKS: dict[str, Task] = {task.id: task for exercise in EXERCISES for task in exercise.tasks}


@dataclass(frozen=True, slots=True)
class Override:
    """A line of the table: the points of a learner's task, and the reason."""

    learner: str
    task: str
    points: float
    reason: str

    @property
    def key(self) -> str:
        """Identifies it in the record; with other points or another reason it is another one."""
        return f"{self.learner} {self.task} {self.points:g} {self.reason}"

    def corrected(self, task: TaskScore) -> TaskScore:
        """Return a task's score with these points."""
        line = text(
            "Corrected by hand, {points} instead of {before} points: {reason}",
            f"{self.points:g}",
            f"{task.points:g}",
            self.reason,
        )
        # A task without a judged check had no possible points before.
        return replace(task, points=self.points, most=max(task.most, self.points), corrected=line)


def read_overrides(path: Path, find_learner: Callable[[str], str]) -> list[Override]:
    """Read the table; rows without points are skipped, as the template has them.

    Args:
        path: The table.
        find_learner: Finds a learner's id by the teacher's name for them, or raises ``UsageError``.

    Raises:
        UsageError: Some lines cannot be right; all are named, with their numbers.
    """
    overrides: dict[tuple[str, str], Override] = {}
    wrong: list[str] = []
    for number, row in read_records(path, COLUMNS):
        if not row["points"]:
            continue
        try:
            override = _override(row, find_learner)
            if (override.learner, override.task) in overrides:
                raise ValueError(
                    text("{learner} has a line for {task} already", override.learner, override.task)
                )
            overrides[override.learner, override.task] = override
        except UsageError as error:
            wrong.append(_line(number, listed([error.what, error.todo], " ")))
        except ValueError as error:
            wrong.append(_line(number, error.args[0]))
    # All at once, so that a teacher corrects the table once.
    if wrong:
        todo = text("Correct these lines; nothing was graded or written.")
        raise UsageError(
            text("{path} cannot be used.", path), why=listed(wrong, "\n       "), todo=todo
        )
    return list(overrides.values())


def _line(number: int, problem: str) -> str:
    return text("line {number}: {problem}", number, problem)


def _override(row: Mapping[str, str], find_learner: Callable[[str], str]) -> Override:
    # ``safe_cell`` put a quote before names that a spreadsheet would take for formulas.
    name = row["learner"].removeprefix(QUOTE)
    task = row["task"]
    learner = find_learner(name)
    if task not in TASKS:
        raise UsageError(text("there is no task {task}.", plain(task, 40)), todo=near(task, TASKS))
    most = TASKS[task].variant(Seed(learner)).max_points
    points = _number(row["points"])
    if not 0 <= points <= most:
        raise ValueError(
            text(
                "{points} is not from 0 to {most}, the points of {task}",
                plain(row["points"], 40),
                f"{most:g}",
                task,
            )
        )
    if not row["reason"]:
        raise ValueError(text("the reason is missing: the learner will read it"))
    return Override(learner, task, points, plain(row["reason"]))


def write_template(path: Path, results: Sequence[Result]) -> None:
    """Write a table with a row for each learner and task, in which points and reasons are empty.

    Raises:
        UsageError: There is such a file.
    """
    rows = [[*COLUMNS, "name", "title", "graded", "most"]]
    for result in results:
        for task in result.score.tasks:
            facts = (result.name, said(task.title), f"{task.points:g}", f"{task.most:g}")
            rows.append([result.learner, task.id, "", "", *facts])
    try:
        write_csv(path, rows, mode="x")
    except FileExistsError as error:
        raise UsageError(
            text("There is a {path}.", path), todo="Write into it, or move it away."
        ) from error


def apply(overrides: Iterable[Override], results: Iterable[Result]) -> list[Result]:
    """Return the results with the points that the overrides give."""
    by_task = {(override.learner, override.task): override for override in overrides}
    corrected = []
    for result in results:
        tasks = list(result.score.tasks)
        for index, task in enumerate(tasks):
            if override := by_task.get((result.learner, task.id)):
                tasks[index] = override.corrected(task)
        corrected.append(replace(result, score=replace(result.score, tasks=tuple(tasks))))
    return corrected


class Record:
    """The record of the last reports in a folder of results."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / RECORD
        self._scores = folder / SCORES
        self._last: dict[str, dict[str, str]] = {"scores": {}, "overrides": {}}
        # Others can write to a shared folder, so the record can be anything; without it, only the warnings are missing.
        with suppress(Unreadable, ValueError, KeyError, RecursionError, TypeError, AttributeError):
            last = json.loads(read_untrusted(self._path))
            self._last = {
                name: {key: str(value) for key, value in last[name].items()} for name in self._last
            }

    def edited_scores(self) -> Iterator[str]:
        """Name the points that were changed in ``scores.csv`` since then, and put that file aside."""
        edits = []
        with suppress(UsageError, OSError, csv.Error):
            for _, row in read_records(self._scores, ("learner", "exercise", "points")):
                key = f"{row['learner'].removeprefix(QUOTE)} {row['exercise']}"
                before = self._last["scores"].get(key)
                if before is not None and _number(row["points"]) != _number(before):
                    edits.append(f"{plain(key, 99)}: {before} → {plain(row['points'], 20)}")
        if edits:
            aside = self._free_name()
            self._scores.replace(aside)
            yield text(
                "{scores} was edited by hand, and is written anew: {edits}. What you wrote is "
                "in {aside}.",
                SCORES,
                ", ".join(edits),
                aside,
            )
            yield text(
                "What shall count goes into a table of corrections: see --overrides-template."
            )

    def _free_name(self) -> Path:
        names = (self._scores.with_name(f"scores-edited-{number}.csv") for number in range(1, 1000))
        return next(path for path in names if not path.exists())

    def outdated(
        self, overrides: Iterable[Override], exercises: Mapping[str, str]
    ) -> Iterator[str]:
        """Name the overrides that were written for an earlier version of their exercise, by its fingerprint."""
        for override in overrides:
            exercise = EXERCISE_OF[override.task]
            if (
                self._last["overrides"].get(override.key, exercises[exercise])
                != exercises[exercise]
            ):
                line = text(
                    "{task} ({points} points): {reason}",
                    f"{override.learner} {override.task}",
                    f"{override.points:g}",
                    override.reason,
                )
                yield text(
                    "Corrected under an earlier version of {exercise}, and still so: {line}. Look "
                    "at it again.",
                    exercise,
                    line,
                )

    def write(
        self, results: Iterable[Result], overrides: Iterable[Override], exercises: Mapping[str, str]
    ) -> None:
        """Store the record of these reports, and the version of its exercise with which an override was first used."""
        used = {
            override.key: self._last["overrides"].get(
                override.key, exercises[EXERCISE_OF[override.task]]
            )
            for override in overrides
        }
        scores = {" ".join(result.key): f"{result.score.points:g}" for result in results}
        # It can be a link, which must not be written through.
        self._path.unlink(missing_ok=True)
        self._path.write_text(
            json.dumps({"scores": scores, "overrides": used}) + "\n", encoding="utf-8"
        )


def _number(text: str) -> float:
    """Read a number with a point or a comma; other texts become minus one."""
    # A spreadsheet writes a comma where people do.
    with suppress(ValueError):
        return float(text.replace(",", "."))
    return -1.0
