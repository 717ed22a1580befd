"""A folder of submissions on a Dask cluster over TLS: the same files as on one machine, even if processes end."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import psutil
import pytest

from kube_embedded.tests.support.until import SECONDS, until
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.pools.dask_pool import DaskPool
from labkit.grading.pools.pool import GraderPool
from labkit.grading.reports.result_store import STORED
from labkit.grading.session import GradingSession
from tests.grading.conftest import SHORT
from tests.grading.support import solved_cells, submit
from tests.scale import odd_worker
from tests.scale.cluster import Cluster

# Dask leaves the socket of an abandoned connection as it ends, and the garbage collector warns about it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)

LEARNERS = ("ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some are complete, some partial, one has more files, one is not a notebook, one is a link to another's."""
    submitted = tmp_path / "submitted"
    for number, learner in enumerate(LEARNERS):
        submit(
            submitted, learner, "ex4-roles", solved_cells("ex4-roles", learner)[: 4 + 2 * number]
        )
    submit(submitted, "bob", "ex4-roles", ["from data.helper import word\nprint(word)"])
    (submitted / "bob" / "data").mkdir()
    (submitted / "bob" / "data" / "helper.py").write_text("word = 'helped'")
    (submitted / "dan" / "ex4-roles.ipynb").write_text("[")
    (submitted / "eve" / "ex4-roles.ipynb").unlink()
    (submitted / "eve" / "ex4-roles.ipynb").symlink_to(submitted / "hal" / "ex4-roles.ipynb")
    return submitted


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster") as running:
        yield running


def graded(
    cluster: Cluster, folder: Path, out: Path, on_result: Callable[[Result], None], lines: list[str]
) -> None:
    """Grade a folder on a cluster, as the command does."""
    with DaskPool(cluster.address, cluster.files, limits=SHORT, report=lines.append) as pool:
        GradingSession(folder, out).run(pool, on_result)


def same_files(folder: Path, out: Path, alone: Path) -> None:
    """Grade on this machine, and compare every file byte for byte; stored lines can have another order."""
    with GraderPool(1, slots=2, limits=SHORT) as pool:
        GradingSession(folder, alone).run(pool, lambda _result: None)
    written = {path.relative_to(alone) for path in alone.rglob("*") if path.is_file()}
    assert {path.relative_to(out) for path in out.rglob("*") if path.is_file()} == written
    for name in written - {Path(STORED)}:
        assert (out / name).read_bytes() == (alone / name).read_bytes(), name
    lines = [
        sorted(filter(None, (path / STORED).read_text().splitlines())) for path in (out, alone)
    ]
    assert lines[0] == lines[1]


@pytest.mark.slow
def test_the_command_writes_the_same_files_as_on_one_machine(
    cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    cluster.start_worker(threads=2)
    command = [
        sys.executable,
        "-m",
        "labkit",
        "grade",
        str(folder),
        "--out",
        str(tmp_path / "out"),
        "--seconds",
        "20",
    ]
    done = subprocess.run([*command, *cluster.options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "8 graded, 3 with full marks" in done.stdout
    assert "a minute" in done.stderr
    same_files(folder, tmp_path / "out", tmp_path / "alone")
    assert "helped" in (tmp_path / "out" / STORED).read_text()
    again = subprocess.run([*command, *cluster.options], capture_output=True, text=True, check=True)
    assert "8 of 8 are graded already" in again.stderr


@pytest.mark.soak
def test_a_killed_worker_a_slow_one_and_a_new_scheduler_change_nothing(
    cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    victim = cluster.start_worker()
    cluster.start_worker("slow")
    until(lambda: cluster.log().count("Registered to") == 2)
    came: Counter[str] = Counter()
    lines: list[str] = []

    def disturb(result: Result) -> None:
        came[result.learner] += 1
        if sum(came.values()) == 3:
            cluster.kill(victim)
            cluster.start_worker()
        elif sum(came.values()) == 5:
            assert cluster.scheduler is not None
            cluster.kill(cluster.scheduler)
            cluster.start_scheduler()
            cluster.start_worker(threads=2)

    graded(cluster, folder, tmp_path / "out", disturb, lines)
    assert came == dict.fromkeys(LEARNERS, 1)
    assert [line for line in lines if "has gone" in line]
    same_files(folder, tmp_path / "out", tmp_path / "alone")


@pytest.mark.slow
def test_a_submission_that_ends_its_workers_is_graded_alone_and_then_named(
    cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    for learner in LEARNERS[3:]:
        shutil.rmtree(folder / learner)
    submit(folder, odd_worker.DEADLY, "ex4-roles", ["print(1)"])
    cluster.start_worker("deadly", nanny=True)
    results: list[Result] = []
    graded(cluster, folder, tmp_path / "out", results.append, [])
    assert sorted(result.learner for result in results) == [*LEARNERS[:3], odd_worker.DEADLY]
    assert [result.learner for result in results if result.ended == FAILED] == [odd_worker.DEADLY]
    assert results[-1].learner == odd_worker.DEADLY
    assert "it ended its grader several times, at last when graded alone" in results[-1].note
    assert [entry.learner for entry in GradingSession(folder, tmp_path / "out").ungraded] == [
        odd_worker.DEADLY
    ]


@pytest.mark.slow
def test_a_grader_that_is_killed_is_replaced(cluster: Cluster, tmp_path: Path) -> None:
    cells = ["import time; time.sleep(3)", *solved_cells("ex4-roles", "ann")]
    submit(tmp_path / "submitted", "ann", "ex4-roles", cells)
    worker = psutil.Process(cluster.start_worker().pid)

    def kill_grader() -> None:
        until(lambda: len(list((tmp_path / "cluster").rglob("ex4-roles.ipynb"))) == 1)
        (grader,) = [
            child for child in worker.children() if "labkit.grading.pools.pool" in child.cmdline()
        ]
        grader.send_signal(signal.SIGKILL)

    killer = Thread(target=kill_grader)
    killer.start()
    results: list[Result] = []
    graded(cluster, tmp_path / "submitted", tmp_path / "out", results.append, [])
    killer.join()
    assert [(result.ended, result.full) for result in results] == [("done", True)]


@pytest.mark.slow
def test_interrupted_it_leaves_nothing_on_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    submit(tmp_path / "submitted", "ann", "ex4-roles", ["import time; time.sleep(600)"])
    worker = psutil.Process(cluster.start_worker().pid)
    before = {child.pid for child in worker.children(recursive=True)}
    command = [
        sys.executable,
        "-m",
        "labkit",
        "grade",
        str(tmp_path / "submitted"),
        "--out",
        str(tmp_path / "out"),
    ]
    with subprocess.Popen(
        [*command, *cluster.options], stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: list((tmp_path / "cluster").rglob("ex4-roles.ipynb")))
        assert {child.pid for child in worker.children(recursive=True)} > before
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    until(lambda: {child.pid for child in worker.children(recursive=True)} == before)
    assert not list((tmp_path / "cluster").rglob("ex4-roles.ipynb"))


PROBE = """
import glob, json, os, socket
found = {"files": [], "processes": [], "ports": [], "environment": []}
for path in %(paths)r:
    try:
        found["files"].append(path) if os.listdir(path) or True else None
    except NotADirectoryError:
        found["files"].append(path)
    except OSError:
        pass
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        if b"distributed" in open(path, "rb").read():
            found["processes"].append(path)
    except OSError:
        pass  # it has ended
for port in %(ports)r:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        found["ports"].append(port)
    except OSError:
        pass
found["environment"] = sorted(name for name in os.environ if name.startswith("DASK"))
try:
    import distributed
    found["environment"].append("distributed")
except ImportError:
    pass
print("FOUND", json.dumps(found))
"""


@pytest.mark.slow
def test_a_notebook_on_a_worker_reaches_nothing_of_the_cluster(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key, no port, no process, no other submission; outside of the walls the same lines find them all."""
    worker = cluster.start_worker()
    until(lambda: "Registered to" in cluster.log())
    ports = [
        entry.laddr.port
        for entry in psutil.Process(worker.pid).net_connections()
        if entry.status == "LISTEN"
    ]
    paths = [*sorted(set(cluster.files.values())), str(cluster.room), str(tmp_path / "submitted")]
    probe = PROBE % {"paths": paths, "ports": [cluster.port, *ports]}
    submit(tmp_path / "submitted", "mallory", "ex4-roles", [probe])
    monkeypatch.setenv("DASK_ANYTHING", "1")
    outside = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    ).stdout
    found = json.loads(outside.partition("FOUND ")[2])
    assert found["files"] == paths
    assert found["ports"] == [cluster.port, *ports]
    assert len(found["processes"]) >= 2
    assert found["environment"] == ["DASK_ANYTHING", "distributed"]

    results: list[Result] = []
    graded(cluster, tmp_path / "submitted", tmp_path / "out", results.append, [])
    inside = json.loads(results[0].output.partition("FOUND ")[2])
    assert inside == {"files": [], "processes": [], "ports": [], "environment": []}
