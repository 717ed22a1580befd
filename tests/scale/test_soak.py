"""2,000 submissions, honest and hostile, graded on one machine, and on a cluster whose processes are killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import psutil
import pytest

from labkit.grading.judging.result import Result
from labkit.grading.pools.dask_pool import DaskPool
from labkit.grading.session import GradingSession
from tests.grading.conftest import SHORT
from tests.grading.support import solved_cells, submit
from tests.grading.test_soak import COUNT, MOST_KILLS, PATIENCE_SECONDS, contents, grade, hand_in
from tests.scale.cluster import Cluster

WORKERS = 2
MINUTE_SECONDS = 60.0


def _kill_one(cluster: Cluster, source: random.Random, number: int) -> None:
    """Kill a worker, which its nanny starts again, or a grader; every tenth time the scheduler, and all with it."""
    if number % 10 == 5:
        assert cluster.scheduler is not None
        cluster.kill(cluster.scheduler)
        for worker in cluster.workers:
            cluster.kill(worker)
        cluster.workers.clear()
        cluster.start_scheduler()
        _start_workers(cluster)
        return
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(source.choice(cluster.workers).pid).children(recursive=True)
        kinds = ("multiprocessing.spawn", "labkit.grading.pools.pool")
        victims = [
            each for each in family if any(kind in " ".join(each.cmdline()) for kind in kinds)
        ]
        if victims:
            source.choice(victims).send_signal(signal.SIGKILL)


def _start_workers(cluster: Cluster) -> None:
    for _ in range(WORKERS):
        cluster.start_worker(threads=2, nanny=True)


@pytest.mark.soak
def test_a_cluster_whose_processes_are_killed_agrees_with_one_machine(tmp_path: Path) -> None:
    folder, calm, troubled = tmp_path / "submitted", tmp_path / "calm", tmp_path / "troubled"
    hand_in(folder)
    assert grade(folder, calm).wait(PATIENCE_SECONDS) == 0
    source, kills, code = random.Random(7), 0, None
    with Cluster(tmp_path / "cluster") as cluster:
        _start_workers(cluster)
        command = [
            sys.executable,
            "-m",
            "labkit",
            "grade",
            str(folder),
            "--out",
            str(troubled),
            *cluster.options,
        ]
        process = subprocess.Popen(command)
        while code != 0:
            try:
                code = process.wait(
                    source.uniform(8, 20) if kills < MOST_KILLS else PATIENCE_SECONDS
                )
            except subprocess.TimeoutExpired:
                _kill_one(cluster, source, kills)
                kills += 1
            else:
                process = process if code == 0 else subprocess.Popen(command)
    assert kills > COUNT // 200
    one, other = contents(calm), contents(troubled)
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.soak
def test_a_scheduler_that_vanishes_for_a_minute_loses_nothing(tmp_path: Path) -> None:
    learners = [f"learner{number}" for number in range(24)]
    for learner in learners:
        submit(tmp_path / "submitted", learner, "ex4-roles", solved_cells("ex4-roles", learner))
    came: list[Result] = []
    lines: list[str] = []
    with Cluster(tmp_path / "cluster") as cluster:
        _start_workers(cluster)

        def vanish() -> None:
            assert cluster.scheduler is not None
            cluster.kill(cluster.scheduler)
            time.sleep(MINUTE_SECONDS)
            cluster.start_scheduler()
            _start_workers(cluster)

        vanishing = Thread(target=vanish)

        def add(result: Result) -> None:
            came.append(result)
            if len(came) == len(learners) // 4:
                vanishing.start()

        with DaskPool(cluster.address, cluster.files, limits=SHORT, report=lines.append) as pool:
            GradingSession(tmp_path / "submitted", tmp_path / "out").run(pool, add)
        vanishing.join()
    assert sorted(result.learner for result in came) == sorted(learners)
    assert all(result.full for result in came)
    assert [line for line in lines if "has gone" in line]
