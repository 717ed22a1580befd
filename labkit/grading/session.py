"""A grading session: find, grade, store, report. After an interruption it resumes."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from labkit.core.errors import UsageError, near
from labkit.core.version import __version__
from labkit.grading.fingerprint import exercise_fingerprint, outdated
from labkit.grading.gradebooks import write_gradebooks
from labkit.grading.intake import Intake, plain_intake
from labkit.grading.overview import write_overview
from labkit.grading.reports import write_all
from labkit.grading.result import FAILED, Result, by_exercise_and_learner
from labkit.grading.result_store import ResultStore
from labkit.grading.seed import learner_name
from labkit.grading.submissions import Submission, Unreadable, declared_in, parse, printable, read_untrusted


class SubmissionGrader(Protocol):
    """A grader, on whatever cluster."""

    @property
    def level(self) -> str:
        """How it isolates notebooks: ``root``, ``user`` or ``plain``."""

    def grade(self, submissions: Iterable[Submission], on_result: Callable[[Result], None]) -> list[Result]:
        """Grade submissions, and call ``on_result`` with each result as it comes."""


class GradingSession:
    """Grades submissions into a folder of results.

    Args:
        submissions: What was taken in; or a folder, or one notebook.
        out: The folder of results; those of an earlier session are used.
        fresh: Grade everything again, and forget the results of what is gone.
        regrade: Grade again although it is graded, but nobody else's than ``only`` says.
        only: Learners, by id, name or mail; nothing of others is graded, and their results stay.
        cluster: The kind of cluster; stored results of another kind are not used.
        course: The fingerprint of the course's secret; empty without one.

    Raises:
        UsageError: There is no submission, or none of somebody in ``only``.
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
    ) -> None:
        self.out = out
        self._cluster = cluster
        self._course = course
        self._intake = submissions if isinstance(submissions, Intake) else plain_intake(submissions)
        self.all = self._intake.submissions
        learners = {self._learner(name) for name in only}
        self.chosen = [entry for entry in self.all if entry.learner in learners or not learners]
        out.mkdir(parents=True, exist_ok=True)
        self._store = ResultStore(out)
        self.looks = {entry.key: _look(entry) for entry in self.all}
        self.outdated: Counter[str] = Counter()
        """How many stored results are not used, by the reason."""
        if fresh and self._intake.whole and not learners:
            self._store.clear()
        elif fresh or regrade:
            self._store.forget({entry.key for entry in self.chosen})
        self.done = self._stored()

    @property
    def left(self) -> list[Submission]:
        """The chosen submissions that have no result yet."""
        return [entry for entry in self.chosen if entry.key not in self.done]

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
        results = self.results()
        write_all(results, self.out)
        write_gradebooks(results, self._intake.people, self.out)
        write_overview(results, self.all, self.out)
        return results

    def _grade(self, grader: SubmissionGrader, on_result: Callable[[Result], None]) -> None:
        with self._store.writer(grader.level) as store:

            def keep(result: Result) -> None:
                look = self.looks[result.key]
                result = replace(
                    result,
                    declared=look.declared,
                    language=look.language,
                    graded_by=__version__,
                    exercise_fingerprint=exercise_fingerprint(result.exercise),
                    course_fingerprint=self._course,
                )
                self.done[result.key] = result
                if result.ended != FAILED:
                    store(look.digest, result)
                on_result(result)

            grader.grade(self.left, keep)

    def results(self) -> list[Result]:
        """Return the results so far, sorted by exercise and learner."""
        return by_exercise_and_learner(self.done.values())

    @property
    def unsigned(self) -> int:
        """How many results were stored by somebody else than this user's grader; they are not used."""
        return self._store.unsigned

    def _stored(self) -> dict[tuple[str, str], Result]:
        """Read the stored results that still hold; also those of others where only some notebooks were named."""
        stored = {result.key: (digest, result) for digest, result in self._store.read()}
        found: dict[tuple[str, str], Result] = {}
        for key, (digest, result) in stored.items():
            look = self.looks.get(key)
            if result.cluster != self._cluster or (look is None and self._intake.whole):
                continue
            if look is not None and look.digest != digest:
                continue
            if look is not None and (reason := outdated(result, self._course)):
                self.outdated[reason] += 1
                continue
            found[key] = result
        return found

    def _learner(self, name: str) -> str:
        """The id of a learner who handed something in, by id, name or mail.

        Raises:
            UsageError: There is none.
        """
        learners = {entry.learner for entry in self.all}
        people = self._intake.people.items()
        known = {text: id_ for id_, person in people for text in (person.name, person.mail) if id_ in learners}
        known |= {learner: learner for learner in learners}
        name = unicodedata.normalize("NFC", name)
        if found := known.get(name) or known.get(learner_name(name)):
            return found
        raise UsageError(f"There is no submission of {printable(name)}.", todo=near(name, known))


@dataclass(frozen=True)
class Look:
    """What is read of a notebook before it is graded.

    Args:
        digest: Identifies its content.
        declared: The name that is written into it, where that is another than its learner's; or empty.
        language: The language of its kernel, where that is not Python; or empty.
    """

    digest: str
    declared: str = ""
    language: str = ""


def _look(submission: Submission) -> Look:
    try:
        data = read_untrusted(submission.path)
    except Unreadable:
        return Look("unreadable")
    digest = hashlib.sha256(data).hexdigest()
    try:
        cells, language = parse(data)
    except Unreadable:
        return Look(digest)
    name = declared_in(cells)
    is_python = language.lower().startswith("python")
    return Look(digest, "" if name == submission.learner else name, "" if is_python else language)
