"""A whole run of grading: find, grade, keep, report; interrupted, it goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from labkit.grading.reports import write_all
from labkit.grading.result import FAILED, Result
from labkit.grading.submissions import Submission, Unreadable, content_of, find

KEPT = ".graded.jsonl"
"""Where finished results are kept: a line each, with the submission's digest."""


class Grades(Protocol):
    """A grader, of whatever cluster."""

    def grade(self, submissions: Iterable[Submission], told: Callable[[Result], None]) -> list[Result]:
        """Grade them all, and tell each result as it comes."""


class GradingSession:
    """Grades a folder of submissions into a folder of results.

    Args:
        submissions: The folder, or one notebook.
        out: Where results go; what stands there of an earlier run is used.
        fresh: Grade everything again.
        cluster: What kind of cluster they are graded on; results of another kind are not used.
    """

    def __init__(self, submissions: Path, out: Path, *, fresh: bool = False, cluster: str = "embedded") -> None:
        self.out = out
        self._cluster = cluster
        self.all = find(submissions)
        out.mkdir(parents=True, exist_ok=True)
        if fresh:
            (out / KEPT).unlink(missing_ok=True)
        self._digests = {_key(entry): _digest(entry) for entry in self.all}
        self.done = self._earlier()

    @property
    def left(self) -> list[Submission]:
        """What is still to be graded."""
        return [entry for entry in self.all if _key(entry) not in self.done]

    def run(self, grader: Grades, told: Callable[[Result], None]) -> list[Result]:
        """Grade what is left and write all reports.

        Args:
            grader: An entered grader.
            told: Called with each new result.

        Returns:
            All results, those of an earlier run included.

        Raises:
            OSError: They cannot be written; what was kept before is there the next time.
        """
        try:
            self._grade(grader, told)
            return self.finish()
        except OSError as error:
            # A full disk does not say which file it was.
            raise OSError(error.errno, error.strerror, error.filename or str(self.out)) from error

    def finish(self) -> list[Result]:
        """Write all reports.

        Returns:
            All results.
        """
        results = self.results()
        write_all(results, self.out)
        return results

    def _grade(self, grader: Grades, told: Callable[[Result], None]) -> None:
        with (self.out / KEPT).open("a", encoding="utf-8") as file:
            file.write("\n")  # ends half a line that an interruption left; an empty line is nothing

            def keep(result: Result) -> None:
                key = (result.learner, result.exercise)
                self.done[key] = result
                if result.ended == FAILED:
                    told(result)
                    return
                line = {"digest": self._digests[key], "result": result.as_dict()}
                file.write(json.dumps(line) + "\n")
                file.flush()
                told(result)

            grader.grade(self.left, keep)

    def results(self) -> list[Result]:
        """What is known so far, sorted by exercise and learner."""
        return sorted(self.done.values(), key=lambda result: (result.exercise, result.learner))

    def _earlier(self) -> dict[tuple[str, str], Result]:
        """Results of an earlier run whose submission has not changed. Half a line is nothing."""
        found: dict[tuple[str, str], Result] = {}
        for line in _lines(self.out / KEPT):
            try:
                entry = json.loads(line)
                result = Result.from_dict(entry["result"])
            except (ValueError, KeyError, TypeError):
                continue
            key = (result.learner, result.exercise)
            if self._digests.get(key) == entry.get("digest") and result.cluster == self._cluster:
                found[key] = result
        return found


def _lines(path: Path) -> Sequence[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else ()


def _key(submission: Submission) -> tuple[str, str]:
    return submission.learner, submission.exercise


def _digest(submission: Submission) -> str:
    try:
        return hashlib.sha256(content_of(submission.path)).hexdigest()
    except Unreadable:
        return "unreadable"
