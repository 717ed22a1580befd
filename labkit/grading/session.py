"""A grading session: find, grade, store, report. After an interruption it resumes."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from labkit.core.errors import UsageError
from labkit.core.language import listed, text
from labkit.core.version import __version__

from .graders.stages import unreadable_result
from .intake.declared import declared_learner, declares_another_code, has_no_code
from .intake.intake import Intake
from .intake.submissions import (
    Key,
    Submission,
    Unreadable,
    files_beside,
    find,
    parse,
    read_untrusted,
)
from .judging.result import FAILED, Result, by_exercise_and_learner
from .judging.score import plain
from .judging.weights import RULE
from .reports import gradebooks, overrides, scores
from .reports.overview import NoSubmission, write_overview
from .reports.result_store import ResultStore
from .tasks import EXERCISES
from .tasks.seed import identity


class SubmissionGrader(Protocol):
    """A grader, on whatever cluster."""

    @property
    def level(self) -> str:
        """How it isolates notebooks: ``root``, ``user`` or ``plain``."""

    def grade(
        self, submissions: Iterable[Submission], on_result: Callable[[Result], None]
    ) -> list[Result]:
        """Grade submissions, and call ``on_result`` with each result as it comes."""


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Selects the submissions that a session grades, and the facts in its results and reports.

    Args:
        fresh: As ``regrade``; it also forgets the results of submissions that are gone, unless there is ``only``, or
            just notebooks were named.
        regrade: Grade submissions again that are graded already.
        only: Learners, by id, name or mail address; the others' results remain.
        cluster: The kind of cluster; stored results of another kind are not used.
        course: The fingerprint of the course's secret; empty without one.
        overrides: The table of points that the teacher decided; None without one.
        earlier: Folders of earlier classes, with which code is compared.
    """

    fresh: bool = False
    regrade: bool = False
    only: Iterable[str] = ()
    cluster: str = "embedded"
    course: str = ""
    overrides: Path | None = None
    earlier: Iterable[Path] = ()


@dataclass
class StoredResults:
    """The results of earlier sessions.

    Args:
        usable: Those that still hold, by learner and exercise; this session adds its own.
        outdated: How many are not used, by the reason.
        gone: Learners and exercises that the folders and archives do not contain any more.
    """

    usable: dict[Key, Result] = field(default_factory=dict)
    outdated: Counter[str] = field(default_factory=Counter)
    gone: list[Key] = field(default_factory=list)


class GradingSession:
    """Grades submissions into a folder of results.

    Args:
        submissions: The intake; or a folder, or one notebook.
        out: The folder of results; the results of an earlier session are used.
        options: See ``SessionOptions``.

    Raises:
        UsageError: There is no submission, or ``only`` names a learner without one; or a line of the table of
            overrides cannot be right.
    """

    def __init__(
        self, submissions: Path | Intake, out: Path, options: SessionOptions = SessionOptions()
    ) -> None:
        if isinstance(submissions, Path):
            submissions = Intake(find(submissions), submissions.is_dir())
        self.intake = submissions
        self.out = out
        self.submissions = {entry.key: entry for entry in submissions.submissions}
        self._options = options
        self._earlier_classes = [
            # Learners of earlier classes can have the ids of this one's.
            replace(entry, learner=f"{folder.name}: {entry.learner}")
            for folder in options.earlier
            for entry in find(folder)
        ]
        only = {submissions.find_learner(name, with_roster=False) for name in options.only}
        self.chosen = [
            entry for key, entry in self.submissions.items() if not only or key[0] in only
        ]
        self._overrides: list[overrides.Override] = []
        if options.overrides:
            self._overrides = overrides.read_overrides(options.overrides, submissions.find_learner)
        out.mkdir(parents=True, exist_ok=True)
        self._record = overrides.Record(out)
        self._store = ResultStore(out)
        self.inspections = {key: inspect(entry) for key, entry in self.submissions.items()}
        self._exercises = {exercise.id: exercise.fingerprint() for exercise in EXERCISES}
        if options.fresh and submissions.whole and not only:
            self._store.clear()
        self.stored = self._read_stored()
        if options.fresh or options.regrade:
            again = {entry.key for entry in self.chosen}
            # Before anything is graded: a regrade that is interrupted goes on, instead of using the old results.
            self._store.forget(again)
            for key in again:
                self.results_by_key.pop(key, None)

    @property
    def results_by_key(self) -> dict[Key, Result]:
        """The results so far, without names and the teacher's corrections."""
        return self.stored.usable

    @property
    def ungraded(self) -> list[Submission]:
        """The chosen submissions that have no result yet."""
        return [entry for entry in self.chosen if entry.key not in self.results_by_key]

    def warnings(self) -> Iterator[str]:
        """Say which earlier results and corrections are not used, and why."""
        if self._store.damaged:
            yield text(
                "Not used: {damaged} stored results that are damaged, or behind a link.",
                self._store.damaged,
            )
        if self._store.unsigned:
            yield text(
                "Not yours: {unsigned} stored results; they are graded again.", self._store.unsigned
            )
        for reason, count in self.stored.outdated.items():
            yield text(
                "Not used: {count} stored results, which are graded again: {reason}.", count, reason
            )
        # They stay stored, in case the teacher named only some of the folders.
        if self.stored.gone:
            gone = ", ".join(map(" ".join, sorted(self.stored.gone)))
            yield text(
                "Graded before, not in what is named now, and not in the reports: {gone}. "
                "Name all folders and archives together.",
                gone,
            )
        if older := sum(result.rule != RULE for result in self.results_by_key.values()):
            yield text(
                "Judged by an earlier rule of what is too much, and not again: {older} "
                "results. See --regrade.",
                older,
            )
        yield from self._record.edited_scores()
        yield from self._record.outdated(self._overrides, self._exercises)
        # Corrections for learners without a submission have no result to correct.
        keys = {
            (learner, entry.exercise)
            for entry in self.submissions.values()
            for learner in (entry.learner, *entry.group)
        }
        for override in self._overrides:
            exercise = overrides.EXERCISE_OF[override.task]
            if (override.learner, exercise) not in keys | self.results_by_key.keys():
                yield text(
                    "Not corrected: {learner} {task}. Nothing of {exercise} is here: write the "
                    "points into your learning system.",
                    override.learner,
                    override.task,
                    exercise,
                )

    def postpone(self, submissions: Iterable[Submission], reason: str) -> None:
        """Report submissions as not graded; they are graded the next time."""
        for entry in submissions:
            result = unreadable_result(entry, "", reason, self._options.cluster)
            self.results_by_key[entry.key] = replace(result, ended=FAILED)

    def run(self, grader: SubmissionGrader, on_result: Callable[[Result], None]) -> list[Result]:
        """Grade the remaining submissions, calling ``on_result`` with each new result, and write all reports.

        Returns:
            All results, including earlier ones.

        Raises:
            OSError: A file cannot be written; results that were stored before are used the next time.
        """
        try:
            with self._store.writer(grader.level) as store:

                def add(result: Result) -> None:
                    inspection = self.inspections[result.key]
                    result = replace(
                        result,
                        declared=inspection.declared,
                        language=inspection.language,
                        without_code=inspection.without_code,
                        graded_by=__version__,
                        exercise_fingerprint=self._exercises[result.exercise],
                        course_fingerprint=self._options.course,
                    )
                    self.results_by_key[result.key] = result
                    # A failure of the grader is not a result: the submission is graded the next time.
                    if result.ended != FAILED:
                        store(inspection.digest, result)
                    on_result(result)

                grader.grade(self.ungraded, add)
            return self.finish()
        except OSError as error:
            # A full disk does not say which file it was.
            raise OSError(error.errno, error.strerror, error.filename or str(self.out)) from error

    def finish(self) -> list[Result]:
        """Write all reports, and return all results."""
        results = self.results()
        intake = self.intake
        scores.write_all(results, self.out)
        gradebooks.write_gradebooks(results, intake.people, self.out, self.submissions)
        missing = [
            NoSubmission(exercise, person.id, person.name)
            for exercise, people in intake.missing.items()
            for person in people
        ]
        write_overview(
            results, intake.submissions, self.out, intake.left_out, missing, self._earlier_classes
        )
        self._record.write(results, self._overrides, self._exercises)
        return results

    def write_template(self, path: Path) -> None:
        """Write a table for overrides of all results; see ``overrides.write_template``."""
        overrides.write_template(path, self.results())

    def results(self) -> list[Result]:
        """Return the results so far, sorted by exercise and learner, with names and the teacher's corrections."""
        results = [
            copy for result in self.results_by_key.values() for copy in self._for_learners(result)
        ]
        return by_exercise_and_learner(overrides.apply(self._overrides, results))

    def _for_learners(self, result: Result) -> Iterator[Result]:
        """Copy a result for its learner and each other member of the group, with the facts of the intake."""
        entry = self.submissions.get(result.key)
        group = entry.group if entry else ()
        late = listed((text("late"), entry.delay), " ") if entry and entry.late else ""
        # The sender is a member of the group, too.
        for learner in dict.fromkeys((result.learner, *group)):
            note = result.note
            if learner != result.learner:
                if (learner, result.exercise) in self.submissions:
                    continue  # who also handed in alone is graded by that
                together = text("It was handed in together with {name}.", result.learner)
                note = listed((together, note), " ")
            person = self.intake.people.get(learner)
            yield replace(
                result,
                learner=learner,
                score=replace(result.score, learner=learner),
                note=note,
                name=plain(person.name) if person else "",
                late=late,
            )

    def _read_stored(self) -> StoredResults:
        """Sort the stored results by whether they still hold."""
        stored = StoredResults()
        # A later line replaces an earlier one: a submission that was handed in again was graded again.
        last = {
            result.key: (digest, result)
            for digest, result in self._store.read()
            if result.cluster == self._options.cluster
        }
        whole = self.intake.whole
        # Without the secret, every name in them would be judged as another learner's.
        with_secret = any(result.course_fingerprint for _, result in last.values())
        if with_secret and not (self._options.course or whole):
            raise UsageError(
                text(
                    "The results in {out} are of a course with a secret, which is not looked for "
                    "beside notebooks.",
                    self.out,
                ),
                todo="Name the folder or archive that they are in, and the learner: --only LEARNER.",
            )
        for key, (digest, result) in last.items():
            if key not in self.inspections:
                if whole:
                    stored.gone.append(key)
                else:
                    stored.usable[key] = result
            elif self.inspections[key].digest == digest:
                reason = self._reason_to_regrade(result)
                if reason:
                    stored.outdated[reason] += 1
                else:
                    stored.usable[key] = result
        return stored

    def _reason_to_regrade(self, result: Result) -> str:
        """Return why a stored result of an unchanged submission does not hold any more; empty if it does."""
        if not result.graded_by:
            return text("they were stored without what they depend on, by an earlier labkit")
        if result.graded_by != __version__:
            return text(
                "labkit {earlier} graded them, and this is {version}", result.graded_by, __version__
            )
        if result.exercise_fingerprint != self._exercises[result.exercise]:
            return text("{exercise} has changed since", result.exercise)
        if result.course_fingerprint != self._options.course:
            return text("the course has another secret")
        return ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The facts that are read from a notebook before it is graded.

    Args:
        digest: Of the notebook and the other files in its folder: a result holds for a submission with the same one.
        declared: See ``Result``, as for the others.
        language: The kernel's language.
        without_code: True if it lacks a code.
    """

    digest: str
    declared: str = ""
    language: str = ""
    without_code: bool = False


def inspect(submission: Submission) -> Inspection:
    """Read a submission without running it."""
    digest = "unreadable"
    try:
        notebook = read_untrusted(submission.path)
        sha256 = hashlib.sha256(notebook)
        for name, data in files_beside(submission).items():
            # With its length, so that no file's end can pass for the next one's beginning.
            sha256.update(os.fsencode(f"\0{name}\0{len(data)}\0") + data)
        digest = sha256.hexdigest()
        cells, language = parse(notebook)
    except Unreadable:
        return Inspection(digest)
    name = declared_learner(cells)
    if declares_another_code(submission, cells):
        name = text("{name} with another code", name or submission.learner)
    own_names = [*map(identity, (submission.learner, *submission.group))]
    return Inspection(
        digest,
        "" if identity(name) in own_names else name,
        "" if "python" in language.lower() else language,
        has_no_code(submission, cells),
    )
