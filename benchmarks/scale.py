"""Grading on a Dask cluster of this machine, over TLS, beside one grader without Dask."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks import grading
from kube_embedded.tests.support.until import until
from labkit.grading.intake.submissions import Submission, find
from labkit.grading.pools.dask_pool import DaskPool
from labkit.grading.pools.pool import GraderPool
from labkit.grading.session import SubmissionGrader
from tests.scale.cluster import Cluster

SIMULATED = 5000
SIMULATED_WORKERS, SIMULATED_THREADS = 4, 16


@dataclass(frozen=True, slots=True)
class Speed:
    """How many were graded in how many seconds."""

    count: int
    seconds: float

    @property
    def per_minute(self) -> float:
        """Submissions a minute."""
        return 60 * self.count / self.seconds

    @property
    def each_ms(self) -> float:
        """Milliseconds a submission."""
        return 1000 * self.seconds / self.count


def submissions(course: Path, count: int) -> list[Submission]:
    """Solved notebooks of thirty cells."""
    grading.hand_in(course, count)
    return find(course / "submitted")


def alone(entries: list[Submission]) -> Speed:
    """Grade with one grader that has one at a time, as a worker's thread has."""
    with GraderPool(1, slots=1) as pool:
        return _measure(pool, entries)


def on_workers(room: Path, entries: list[Submission], workers: int) -> Speed:
    """Grade on some workers with one thread each."""
    with _pool(room, workers, 1, "") as (_cluster, pool):
        return _measure(pool, entries)


def simulated(room: Path, entry: Submission) -> tuple[Speed, dict[str, float]]:
    """Send as many as a department has to workers that only sleep; also the processor milliseconds of each task."""
    entries = [replace(entry, learner=f"learner{number}") for number in range(SIMULATED)]
    with _pool(room, SIMULATED_WORKERS, SIMULATED_THREADS, "asleep") as (cluster, pool):
        assert cluster.scheduler is not None
        processes = {
            "command": [os.getpid()],
            "scheduler": [cluster.scheduler.pid],
            "worker": [each.pid for each in cluster.workers],
        }
        before = {name: _cpu_seconds(pids) for name, pids in processes.items()}
        speed = _measure(pool, entries)
        used = {name: _cpu_seconds(pids) - before[name] for name, pids in processes.items()}
        return speed, {name: 1000 * seconds / SIMULATED for name, seconds in used.items()}


def _cpu_seconds(pids: list[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(each.user + each.system for each in times))


@contextmanager
def _pool(room: Path, workers: int, threads: int, odd: str) -> Iterator[tuple[Cluster, DaskPool]]:
    with Cluster(room) as cluster:
        for _ in range(workers):
            cluster.start_worker(odd, threads=threads)
        until(lambda: cluster.log().count("Registered to") == workers)
        with DaskPool(cluster.address, cluster.files) as pool:
            yield cluster, pool


def _measure(grader: SubmissionGrader, entries: list[Submission]) -> Speed:
    grader.grade(entries[:8], lambda _result: None)  # the first pay for what is then there
    begun = time.perf_counter()
    results = grader.grade(entries, lambda _result: None)
    seconds = time.perf_counter() - begun
    if len({result.key for result in results}) != len(entries) or not all(
        result.complete for result in results
    ):
        raise RuntimeError("not all were graded")
    return Speed(len(entries), seconds)
