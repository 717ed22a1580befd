"""A grading session: find, grade, store, report. After an interruption it resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from labkit.grading.overview import write_overview
from labkit.grading.reports import write_all
from labkit.grading.result import FAILED, Result, by_exercise_and_learner
from labkit.grading.result_store import ResultStore
from labkit.grading.submissions import Submission, Unreadable, find, read_untrusted


class SubmissionGrader(Protocol):
    """A grader, on whatever cluster."""

    @property
    def level(self) -> str:
        """How it isolates notebooks: ``root``, ``user`` or ``plain``."""

    def grade(self, submissions: Iterable[Submission], on_result: Callable[[Result], None]) -> list[Result]:
        """Grade submissions, and call ``on_result`` with each result as it comes."""


class GradingSession:
    """Grades a folder of submissions into a folder of results.

    Args:
        submissions: The folder, or one notebook.
        out: The folder of results; those of an earlier session are used.
        fresh: Grade everything again.
        cluster: The kind of cluster; stored results of another kind are not used.
    """

    def __init__(self, submissions: Path, out: Path, *, fresh: bool = False, cluster: str = "embedded") -> None:
        self.out = out
        self._cluster = cluster
        self.all = find(submissions)
        out.mkdir(parents=True, exist_ok=True)
        self._store = ResultStore(out)
        if fresh:
            self._store.clear()
        self._digests = {_key(entry): _digest(entry) for entry in self.all}
        self.done = self._stored()

    @property
    def left(self) -> list[Submission]:
        """The submissions that have no result yet."""
        return [entry for entry in self.all if _key(entry) not in self.done]

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
        write_overview(results, self.all, self.out)
        return results

    def _grade(self, grader: SubmissionGrader, on_result: Callable[[Result], None]) -> None:
        with self._store.writer(grader.level) as store:

            def keep(result: Result) -> None:
                key = (result.learner, result.exercise)
                self.done[key] = result
                if result.ended != FAILED:
                    store(self._digests[key], result)
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
        """Read the stored results of submissions that have not changed."""
        return {
            (result.learner, result.exercise): result
            for digest, result in self._store.read()
            if self._digests.get((result.learner, result.exercise)) == digest and result.cluster == self._cluster
        }


def _key(submission: Submission) -> tuple[str, str]:
    return submission.learner, submission.exercise


def _digest(submission: Submission) -> str:
    try:
        return hashlib.sha256(read_untrusted(submission.path)).hexdigest()
    except Unreadable:
        return "unreadable"
