"""What ``labkit grade`` prints while it grades and afterwards, and when it does not begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.cli import run
from labkit.grading.intake.submissions import Submission
from labkit.grading.judging.result import FAILED, Result
from tests.grading.reports.test_gradebooks import result
from tests.grading.support import submit

EXERCISE = "ex4-roles"
Capture = pytest.CaptureFixture[str]


class Grading:
    """A folder with the notebooks of three learners, and a grader that ends as it is told to, after some seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder / "submitted", folder / "out"
        self.level = "root"
        self.ends: dict[str, str] = {}
        self.seconds = self.now = 0.0
        self.pools: list[tuple[int, int, float]] = []
        for learner in ("ann", "bob", "cat"):
            submit(self.folder, learner, EXERCISE, ["1"])

    @contextmanager
    def pool_for(self, left: int, *, slots: int, limits: object) -> Iterator[Grading]:
        """Stand in for the pool that the command makes."""
        self.pools.append((left, slots, getattr(limits, "seconds", 0.0)))
        yield self

    def grade(
        self, submissions: Sequence[Submission], on_result: Callable[[Result], None]
    ) -> list[Result]:
        """Grade."""

        results = [result(entry.learner, entry.exercise) for entry in submissions]
        for each in results:
            self.now += self.seconds
            on_result(replace(each, ended=self.ends.get(each.learner, each.ended)))
        return results

    def run(self, *arguments: str) -> int:
        """Run the command; return its exit code."""
        return run(["grade", str(self.folder), "--out", str(self.out), *arguments])


@pytest.fixture
def grading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grading:
    made = Grading(tmp_path)
    monkeypatch.setattr("labkit.grading.pools.pool.pool_for", made.pool_for)
    monkeypatch.setattr("rich.console.monotonic", lambda: made.now)
    return made


@pytest.mark.parametrize(
    ("seconds", "rate"), [(30.0, "2 a minute"), (0.0, "180 a minute"), (0.2, "180 a minute")]
)
def test_the_bar_has_the_rate_so_far_of_at_least_a_second(
    grading: Grading, capsys: Capture, seconds: float, rate: str
) -> None:
    grading.seconds = seconds
    assert grading.run() == 0
    shown = capsys.readouterr().err.splitlines()[-1]
    assert "grading" in shown
    assert " 3/3 " in shown
    assert rate == " ".join(shown.split()[-4:-1])


def test_what_did_not_end_by_itself_is_listed_after_the_bar(
    grading: Grading, capsys: Capture
) -> None:
    grading.ends = {"bob": "time limit"}
    assert grading.run() == 0
    shown = capsys.readouterr()
    assert [line for line in shown.err.splitlines() if EXERCISE in line] == [
        f"bob {EXERCISE}: The notebook was ended: time limit. By its own account, 0 of 0 cells ran."
    ]
    assert shown.err.index("3/3") < shown.err.index("bob")
    assert shown.out == f"3 graded, 0 with full marks. Scores: {grading.out}/scores.csv\n"


def test_the_exit_code_says_that_the_grader_failed_at_one(grading: Grading) -> None:
    grading.ends = {"bob": FAILED}
    assert grading.run() == 1
    # Only the failed one is graded again.
    grading.ends = {}
    assert grading.run() == 0
    assert [left for left, _, _ in grading.pools] == [3, 1]


def test_the_options_reach_the_pool(grading: Grading) -> None:
    assert grading.run("--places", "3", "--seconds", "7") == 0
    assert grading.run("--regrade", "--only", "ann") == 0
    assert grading.pools == [(3, 3, 7.0), (1, 0, 60.0)]


def test_who_is_not_graded_yet_is_named(grading: Grading, capsys: Capture) -> None:
    names = [f"Not graded yet, and not in the reports: {who} {EXERCISE}." for who in ("bob", "cat")]
    assert grading.run("--only", "ann") == 0
    assert [line for line in capsys.readouterr().err.splitlines() if "Not graded" in line] == names
    assert grading.run() == 0
    shown = capsys.readouterr().err
    assert "Not graded" not in shown
    assert "1 of 3 are graded already." in shown
    assert grading.run("--only", "ann", "--regrade") == 0
    assert "Not graded" not in capsys.readouterr().err


def test_what_is_graded_already_needs_no_pool_and_no_walls(
    grading: Grading, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert grading.run() == 0
    capsys.readouterr()
    monkeypatch.setattr("labkit.grading.walls.isolation.strongest_level", lambda: "plain")
    assert grading.run() == 0
    shown = capsys.readouterr()
    assert len(grading.pools) == 1
    assert shown.err == "3 of 3 are graded already.\n"
    assert shown.out == f"3 graded, 0 with full marks. Scores: {grading.out}/scores.csv\n"


def test_without_walls_only_trusted_notebooks_are_graded_and_a_warning_is_printed(
    grading: Grading, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.grading.walls.isolation.strongest_level", lambda: "plain")
    assert grading.run() == 2
    assert "There are no walls around a learner's code on this platform." in capsys.readouterr().err
    assert grading.pools == []
    grading.level = "plain"
    assert grading.run("--trust") == 0
    warning = "Warning: this platform gives no walls around a learner's code; see docs/grading.md."
    assert warning in capsys.readouterr().err
    grading.level = "user"
    assert grading.run("--trust", "--regrade") == 0
    assert warning not in capsys.readouterr().err
