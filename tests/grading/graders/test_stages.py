"""The stages of grading, with a worker and a cluster that only record what is asked of them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from labkit.grading.graders.stages import STAGES, failed_result, grade_submission, unreadable_result
from labkit.grading.intake.submissions import Submission
from labkit.grading.judging.findings import TaskFindings, TooManyGrants
from labkit.grading.running.workers import Report, ServedCluster
from tests.grading.support import submit

EXERCISE = "ex4-roles"


class Recorder:
    """A worker, its fork server, and a cluster. One of the calls fails."""

    level, kernel, cpu_seconds = "root", False, 0.0
    listener, lab_home, note = None, Path("/nowhere"), ""

    def __init__(self, fails: str = "", error: type[Exception] = RuntimeError) -> None:
        self.calls: list[str] = []
        self._fails, self._error = fails, error

    def _record(self, call: str) -> None:
        if call not in self.calls:
            self.calls.append(call)
        if call == self._fails:
            raise self._error(call)

    async def start(self, _slot: int) -> Recorder:
        self._record("start")
        return Worker(self)

    def set_up(self) -> None:
        self._record("set up")

    def serve(self, _listener: socket.socket, _lab_home: Path) -> ServedCluster:
        self._record("serve")

        async def close() -> None:
            pass

        return ServedCluster({}, close)

    def check(self) -> list[TaskFindings]:
        self._record("check")
        return []

    def close(self) -> Any:
        self._record("close cluster")


class Worker(Recorder):
    """The worker of a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder._record  # type: ignore[method-assign]  # one list for both

    def connect(self, _cluster: ServedCluster) -> None:
        self._record("connect")

    async def run(self, cells: list[str], _learner: str, _files: dict[str, bytes]) -> Report:
        self._record("run")
        return Report("done", len(cells), "", 0.0)

    async def close(self) -> None:
        self._record("close worker")


def grade(recorder: Any, folder: Path) -> Any:
    """Grade a notebook of one cell."""
    submission = Submission("ann", EXERCISE, submit(folder, "ann", EXERCISE, ["1"]))
    return asyncio.run(
        grade_submission(submission, 0, recorder, lambda _exercise, _learner: recorder, "embedded")
    )


def test_the_stages_are_those_of_the_documents() -> None:
    assert ", ".join(STAGES) in (Path(__file__).parents[3] / "docs/grading.md").read_text().replace(
        "\n", " "
    )


def test_the_worker_is_gone_before_the_probes_ask(tmp_path: Path) -> None:
    recorder = Recorder()
    assert grade(recorder, tmp_path).complete
    assert recorder.calls == [
        "start",
        "set up",
        "serve",
        "connect",
        "run",
        "close worker",
        "check",
        "close cluster",
    ]


@pytest.mark.parametrize("fails", ["set up", "serve", "connect", "run", "check"])
def test_after_a_failure_the_worker_is_closed_before_the_cluster(
    fails: str, tmp_path: Path
) -> None:
    """Otherwise it could create what nobody deletes any more."""
    recorder = Recorder(fails)
    with pytest.raises(RuntimeError, match=fails) as caught:
        grade(recorder, tmp_path)
    assert [call for call in recorder.calls if call.startswith("close")] == [
        "close worker",
        "close cluster",
    ]
    assert caught.value.__notes__[0].startswith("Stage ")


def test_what_cannot_be_judged_is_a_result_without_points(tmp_path: Path) -> None:
    result = grade(Recorder("check", TooManyGrants), tmp_path)
    assert (result.ended, result.score.points) == ("unreadable", 0)
    assert "it left more than can be judged" in result.outcome


def test_a_result_that_names_no_cluster_is_of_the_embedded_one() -> None:
    submission = Submission("ann", EXERCISE, Path("x"))
    assert unreadable_result(submission, "root", "").cluster == "embedded"
    assert failed_result(submission, "root", "it broke").cluster == "embedded"
    assert unreadable_result(submission, "root", "", "kind").cluster == "kind"
    assert failed_result(submission, "root", "it broke", "kind").cluster == "kind"
