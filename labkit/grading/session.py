"""A grading session: find, grade, store, report. After an interruption it resumes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol

from labkit.core.errors import UsageError
from labkit.core.language import listed, text
from labkit.core.version import __version__
from labkit.grading.graders.stages import unreadable_result
from labkit.grading.intake.declared import declared_learner, declares_another_code, has_no_code
from labkit.grading.intake.intake import Intake
from labkit.grading.intake.submissions import (
    Submission,
    Unreadable,
    files_beside,
    find,
    parse,
    read_untrusted,
)
from labkit.grading.judging.result import FAILED, Result, by_exercise_and_learner
from labkit.grading.judging.score import plain
from labkit.grading.judging.weights import RULE
from labkit.grading.reports.gradebooks import write_gradebooks
from labkit.grading.reports.overrides import (
    EXERCISE_OF,
    Record,
    apply,
    read_overrides,
    write_template,
)
from labkit.grading.reports.overview import write_overview
from labkit.grading.reports.result_store import ResultStore
from labkit.grading.reports.scores import write_all
from labkit.grading.tasks import EXERCISES
from labkit.grading.tasks.seed import identity


class SubmissionGrader(Protocol):
    """A grader, on whatever cluster."""

    @property
    def level(self) -> str:
        """How it isolates notebooks: ``root``, ``user`` or ``plain``."""

    def grade(
        self, submissions: Iterable[Submission], on_result: Callable[[Result], None]
    ) -> list[Result]:
        """Grade submissions, and call ``on_result`` with each result as it comes."""


class GradingSession:
    """Grades submissions into a folder of results.

    Args:
        submissions: What was taken in; or a folder, or one notebook.
        out: The folder of results; those of an earlier session are used.
        fresh: As ``regrade``, and forget what is gone, unless there is ``only``, or just notebooks were named.
        regrade: Grade again what is graded.
        only: Learners, by id, name or mail; nothing of others is graded, and their results stay.
        cluster: The kind of cluster; stored results of another kind are not used.
        course: The fingerprint of the course's secret; empty without one.
        overrides: The table of points that the teacher decided; None without one.
        earlier: Folders of earlier classes, with which code is compared.

    Raises:
        UsageError: There is no submission, or none of somebody in ``only``; or a line of the table cannot be right.
    """

    def __init__(
        self,
        submissions: Path | Intake,
        out: Path,
        *,
        fresh: bool = False,
        regrade: bool = False,
        only: Iterable[str] = (),
        cluster: str = "embedded",
        course: str = "",
        overrides: Path | None = None,
        earlier: Sequence[Path] = (),
    ) -> None:
        self.out = out
        self._cluster = cluster
        self._course = course
        if isinstance(submissions, Path):
            submissions = Intake(find(submissions), submissions.is_dir())
        self._intake = submissions
        self.all = self._intake.submissions
        self._earlier = [
            replace(entry, learner=f"{folder.name}: {entry.learner}")
            for folder in earlier
            for entry in find(folder)
        ]
        learners = {submissions.find_learner(name, with_roster=False) for name in only}
        self.chosen = [entry for entry in self.all if entry.learner in learners or not learners]
        self._overrides = read_overrides(overrides, submissions.find_learner) if overrides else []
        out.mkdir(parents=True, exist_ok=True)
        self._record = Record(out)
        self._store = ResultStore(out)
        self._entries = {entry.key: entry for entry in self.all}
        self.looks = {entry.key: _look(entry) for entry in self.all}
        self._exercises = {exercise.id: exercise.fingerprint() for exercise in EXERCISES}
        self.outdated: Counter[str] = Counter()
        """How many stored results are not used, by the reason."""
        self.gone: list[tuple[str, str]] = []
        """Learners and exercises with a stored result that the folders and archives do not contain."""
        if fresh and self._intake.whole and not learners:
            self._store.clear()
        self.done = self._stored()
        if fresh or regrade:
            again = {entry.key for entry in self.chosen}
            self._store.forget(again)
            self.done = {key: result for key, result in self.done.items() if key not in again}

    @property
    def unused(self) -> Iterator[str]:
        """Which earlier results are not used, and why, as sentences."""
        if self._store.damaged:
            yield f"Not used: {self._store.damaged} stored results that are damaged, or behind a link."
        if self._store.unsigned:
            yield f"Not yours: {self._store.unsigned} stored results; they are graded again."
        for reason, count in self.outdated.items():
            yield f"Not used: {count} stored results, which are graded again: {reason}."
        if gone := ", ".join(" ".join(key) for key in sorted(self.gone)):
            line = f"Graded before, not in what is named now, and not in the reports: {gone}."
            yield f"{line} Name all folders and archives together."
        if older := sum(result.rule != RULE for result in self.done.values()):
            yield f"Judged by an earlier rule of what is too much, and not again: {older} results. See --regrade."
        yield from self._record.edited_scores()
        yield from self._record.outdated(self._overrides, self._exercises)
        yield from self._unused_overrides()

    def _unused_overrides(self) -> Iterator[str]:
        """Name the corrections of those who handed in nothing: there is no result that they could correct."""
        keys = {
            (who, entry.exercise) for entry in self.all for who in (entry.learner, *entry.group)
        } | set(self.done)
        for override in self._overrides:
            exercise = EXERCISE_OF[override.task]
            if (override.learner, exercise) not in keys:
                line = f"Not corrected: {override.learner} {override.task}. Nothing of {exercise} is here"
                yield f"{line}: write the points into your learning system."

    @property
    def left(self) -> list[Submission]:
        """The chosen submissions that have no result yet."""
        return [entry for entry in self.chosen if entry.key not in self.done]

    def postpone(self, submissions: Iterable[Submission], reason: str) -> None:
        """Report submissions as not graded; they are graded the next time."""
        for entry in submissions:
            self.done[entry.key] = replace(
                unreadable_result(entry, "", reason, self._cluster), ended=FAILED
            )

    def run(self, grader: SubmissionGrader, on_result: Callable[[Result], None]) -> list[Result]:
        """Grade what is left, calling ``on_result`` with each new result, and write all reports.

        Returns:
            All results, those of an earlier session included.

        Raises:
            OSError: A file cannot be written; results that were stored before are used the next time.
        """
        try:
            self._grade(grader, on_result)
            return self.finish()
        except OSError as error:
            # A full disk does not say which file it was.
            raise OSError(error.errno, error.strerror, error.filename or str(self.out)) from error

    def finish(self) -> list[Result]:
        """Write all reports, and return all results."""
        results, intake = self.results(), self._intake
        write_all(results, self.out)
        write_gradebooks(results, intake.people, self.out, self._entries)
        missing = [
            {"exercise": exercise, "learner": person.id, "name": person.name}
            for exercise, people in intake.missing.items()
            for person in people
        ]
        write_overview(results, self.all, self.out, intake.left_out, missing, self._earlier)
        self._record.write(results, self._overrides, self._exercises)
        return results

    def write_template(self, path: Path) -> None:
        """Write a table for overrides of all results; see ``overrides.write_template``."""
        write_template(path, self.results())

    def _grade(self, grader: SubmissionGrader, on_result: Callable[[Result], None]) -> None:
        with self._store.writer(grader.level) as store:

            def keep(result: Result) -> None:
                look = self.looks[result.key]
                result = replace(
                    result,
                    declared=look.declared,
                    language=look.language,
                    without_code=look.without_code,
                    graded_by=__version__,
                    exercise_fingerprint=self._exercises[result.exercise],
                    course_fingerprint=self._course,
                )
                self.done[result.key] = result
                if result.ended != FAILED:
                    store(look.digest, result)
                on_result(result)

            grader.grade(self.left, keep)

    def results(self) -> list[Result]:
        """Return the results so far, sorted by exercise and learner, with names and the teacher's corrections."""
        return by_exercise_and_learner(
            apply(self._overrides, chain.from_iterable(map(self._told, self.done.values())))
        )

    def _told(self, result: Result) -> Iterator[Result]:
        """Add to a result what the intake says of it; it is that of each member of a group."""
        people, entry = self._intake.people, self._entries.get(result.key)
        late = listed((text("late"), entry.delay), " ") if entry and entry.late else ""
        others = [
            each
            for each in (entry.group if entry else ())
            if (each, result.exercise) not in self._entries
        ]
        for learner in (result.learner, *others):
            note = (
                ""
                if learner == result.learner
                else text("It was handed in together with {name}.", result.learner)
            )
            score, note = replace(result.score, learner=learner), listed((note, result.note), " ")
            name = plain(people[learner].name) if learner in people else ""
            yield replace(result, learner=learner, score=score, note=note, name=name, late=late)

    def _stored(self) -> dict[tuple[str, str], Result]:
        """Read the stored results that still hold; also others' where just notebooks were named."""
        found: dict[tuple[str, str], Result] = {}
        last = {
            result.key: (digest, result)
            for digest, result in self._store.read()
            if result.cluster == self._cluster
        }
        if not (self._course or self._intake.whole) and any(
            each.course_fingerprint for _, each in last.values()
        ):
            raise UsageError(
                f"The results in {self.out} are of a course with a secret, which is not looked for beside notebooks.",
                todo="Name the folder or archive that they are in, and the learner: --only LEARNER.",
            )
        for key, (digest, result) in last.items():
            if key not in self.looks:
                if self._intake.whole:
                    self.gone.append(key)
                else:
                    found[key] = result
            elif self.looks[key].digest == digest:
                if reason := self._outdated(result):
                    self.outdated[reason] += 1
                else:
                    found[key] = result
        return found

    def _outdated(self, result: Result) -> str:
        """Why a stored result is not used again; empty if it is."""
        if not result.graded_by:
            return "they were stored without what they depend on, by an earlier labkit"
        if result.graded_by != __version__:
            return f"labkit {result.graded_by} graded them, and this is {__version__}"
        if result.exercise_fingerprint != self._exercises[result.exercise]:
            return f"{result.exercise} has changed since"
        return "" if result.course_fingerprint == self._course else "the course has another secret"


class Look(NamedTuple):
    """What is read of a notebook before it is graded: a digest, and fields of ``Result``."""

    digest: str
    declared: str = ""
    language: str = ""
    without_code: bool = False


def _look(submission: Submission) -> Look:
    digest = "unreadable"
    try:
        data = read_untrusted(submission.path)
        found = hashlib.sha256(data)
        for name, other in files_beside(submission).items():
            found.update(os.fsencode(f"\0{name}\0{len(other)}\0") + other)
        digest = found.hexdigest()
        cells, language = parse(data)
    except Unreadable:
        return Look(digest)
    name = declared_learner(cells)
    if declares_another_code(submission, cells):
        name = text("{name} with another code", name or submission.learner)
    return Look(
        digest,
        ""
        if identity(name) in ("", *map(identity, (submission.learner, *submission.group)))
        else name,
        "" if "python" in language.lower() else language,
        has_no_code(submission, cells),
    )
