"""A grading session: find, grade, store, report. After an interruption it resumes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from labkit.grading.reports import write_all
from labkit.grading.result import FAILED, Result, by_exercise_and_learner
from labkit.grading.submissions import Submission, Unreadable, find, read_untrusted

STORED = ".graded.jsonl"
"""The file that stores results: a line each, with the submission's digest."""


class SubmissionGrader(Protocol):
    """A grader, on whatever cluster."""

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
        if fresh:
            (out / STORED).unlink(missing_ok=True)
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
        return results

    def _grade(self, grader: SubmissionGrader, on_result: Callable[[Result], None]) -> None:
        with (self.out / STORED).open("a", encoding="utf-8") as file:
            file.write("\n")  # ends a line that an interruption cut off; empty lines are skipped

            def store(result: Result) -> None:
                key = (result.learner, result.exercise)
                self.done[key] = result
                if result.ended == FAILED:
                    on_result(result)
                    return
                line = {"digest": self._digests[key], "result": result.as_dict()}
                file.write(json.dumps(line) + "\n")
                file.flush()
                on_result(result)

            grader.grade(self.left, store)

    def results(self) -> list[Result]:
        """Return the results so far, sorted by exercise and learner."""
        return by_exercise_and_learner(self.done.values())

    def _stored(self) -> dict[tuple[str, str], Result]:
        """Read the stored results of submissions that have not changed; skip lines that were cut off."""
        found: dict[tuple[str, str], Result] = {}
        path = self.out / STORED
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                entry = json.loads(line)
                result = Result.from_dict(entry["result"])
            except (ValueError, KeyError, TypeError):
                continue
            key = (result.learner, result.exercise)
            if self._digests.get(key) == entry.get("digest") and result.cluster == self._cluster:
                found[key] = result
        return found


def _key(submission: Submission) -> tuple[str, str]:
    return submission.learner, submission.exercise


def _digest(submission: Submission) -> str:
    try:
        return hashlib.sha256(read_untrusted(submission.path)).hexdigest()
    except Unreadable:
        return "unreadable"
