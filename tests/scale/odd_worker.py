"""A Dask worker as on a machine that is slower, older or poorer: ``dask worker --preload tests.scale.odd_worker``."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from distributed import Worker, versions

from labkit.grading.graders.stages import unreadable_result
from labkit.grading.intake.submissions import Submission
from labkit.grading.pools import dask_worker
from labkit.grading.pools import pool as grader_pool
from labkit.grading.running import fork_server, workers
from labkit.grading.tasks import EXERCISES
from tests.grading import weaker_fork_server

ODD = "LABKIT_TEST_ODD_WORKER"
"""The variable that says what is odd; see ``dask_setup``."""

TRAP = "LABKIT_TEST_TRAP"
"""The variable that names the directory that a ``Trap`` makes."""

DEADLY = "zed"
"""The learner whose submission ends its worker."""

SLOW_SECONDS = 3.0
ASLEEP_SECONDS = 0.2

Grade = Callable[[dask_worker.GraderPlugin, Submission, Mapping[str, bytes]], Any]
_grade: Grade = dask_worker.GraderPlugin.grade


class Trap:
    """An object that makes a directory where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ[TRAP],)


def slow(
    plugin: dask_worker.GraderPlugin, submission: Submission, files: Mapping[str, bytes]
) -> Any:
    """Take a while."""
    time.sleep(SLOW_SECONDS)
    return _grade(plugin, submission, files)


def deadly(
    plugin: dask_worker.GraderPlugin, submission: Submission, files: Mapping[str, bytes]
) -> Any:
    """End this process at one submission."""
    if submission.learner == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return _grade(plugin, submission, files)


def liar(
    plugin: dask_worker.GraderPlugin, submission: Submission, files: Mapping[str, bytes]
) -> Any:
    """Answer with somebody else's result."""
    return json.dumps({**json.loads(_grade(plugin, submission, files)), "learner": "mallory"})


def trap(
    _plugin: dask_worker.GraderPlugin, _submission: Submission, _files: Mapping[str, bytes]
) -> Any:
    """Answer with an object."""
    return Trap()


def full(
    plugin: dask_worker.GraderPlugin, submission: Submission, files: Mapping[str, bytes]
) -> Any:
    """Have no room for the notebook."""
    plugin._directory = "/proc/full"
    return _grade(plugin, submission, files)


def asleep(
    _plugin: dask_worker.GraderPlugin, submission: Submission, _files: Mapping[str, bytes]
) -> Any:
    """Sleep instead of grading."""
    time.sleep(ASLEEP_SECONDS)
    result = unreadable_result(submission, "root", "")
    return json.dumps(replace(result, ended="done").as_dict())


def start_nothing(_plugin: dask_worker.GraderPlugin) -> grader_pool.GraderPool:
    """Start no process."""
    grader = grader_pool.GraderPool(1, slots=1)
    grader.level = "root"
    return grader


WAYS: dict[str, Grade] = {
    "slow": slow,
    "deadly": deadly,
    "liar": liar,
    "trap": trap,
    "full": full,
    "asleep": asleep,
}


def dask_setup(_worker: Worker) -> None:
    """Apply the peculiarity."""
    odd = os.environ[ODD]
    if odd in WAYS:
        vars(dask_worker)["GraderPlugin"].grade = WAYS[odd]
    changes: dict[str, tuple[Any, str, Any]] = {
        "old": (dask_worker, "__version__", "0.0.9"),
        "python": (platform, "python_version_tuple", lambda: ("3", "99", "0")),
        "exercises": (dask_worker, "EXERCISES", EXERCISES[:-1]),
        "no labkit": (versions, "_version_cached", lambda _package: None),
        "no walls": (grader_pool, "start_process", start_without_walls),
        "asleep": (dask_worker.GraderPlugin, "_start", start_nothing),
    }
    if odd in changes:
        module, name, value = changes[odd]
        setattr(module, name, value)


def start_without_walls(_module: str, environment: Mapping[str, str]) -> Any:
    """Start a grader as on a machine without namespaces."""
    return workers.start_process("tests.scale.odd_worker", environment)


def start_weaker(module: str, environment: Mapping[str, str]) -> Any:
    """Start a grader's fork server as on a machine without namespaces."""
    assert module == fork_server.__name__
    return _start_process(
        weaker_fork_server.__name__, {**environment, weaker_fork_server.WITHOUT: "namespaces"}
    )


_start_process = workers.start_process


if __name__ == "__main__":  # the grader of a worker without walls
    workers.start_process = start_weaker
    sys.exit(grader_pool.main(int(sys.argv[1])))
