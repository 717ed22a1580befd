"""Several graders, each a process of its own: the same results, and nobody is waited for in vain."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from labkit.grading.graders.grader import Grader
from labkit.grading.intake.submissions import find
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.pools import pool
from labkit.grading.pools.pool import GraderPool, pool_for
from labkit.grading.reports.result_store import STORED
from labkit.grading.running import wire, workers
from labkit.grading.session import GradingSession
from labkit.grading.walls.isolation import NICENESS, strongest_level
from tests.grading.conftest import SHORT
from tests.grading.support import solved_cells, submit
from tests.support.slow import slow_but
from tests.support.until import SECONDS, until

ENDED = "The notebook ended by itself. By its own account,"
LEARNERS = ("ann", "bob", "cat", "dan", "eve", "fay")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some did it all, some a part, one handed in what is no notebook."""
    submitted = tmp_path / "submitted"
    for number, learner in enumerate(LEARNERS):
        submit(
            submitted, learner, "ex4-roles", solved_cells("ex4-roles", learner)[: 4 + 4 * number]
        )
    (submitted / "dan" / "ex4-roles.ipynb").write_text("[")
    return submitted


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """Notebooks that run until somebody ends them."""
    submitted = tmp_path / "waiting"
    for learner in LEARNERS:
        submit(submitted, learner, "ex4-roles", ["import time; time.sleep(600)"])
    return submitted


@pytest.mark.slow
def test_they_agree_with_one_grader(folder: Path, grader: Grader) -> None:
    alone = grader.grade(find(folder))
    reported: list[Result] = []
    with GraderPool(2, slots=3, limits=SHORT) as several:
        assert several.level == grader.level
        assert several.grade(find(folder), reported.append) == alone
        assert several.cpu_seconds > 0
        assert several.grade([]) == []
    assert sorted(result.learner for result in reported) == list(LEARNERS)
    assert {result.ended for result in alone} == {"done", "unreadable"}


@pytest.mark.slow
def test_what_a_grader_had_that_died_is_not_graded_and_the_others_go_on(
    folder: Path, tmp_path: Path
) -> None:
    submit(
        folder, "ann", "ex4-roles", ["import time; time.sleep(600)"]
    )  # so that one is at work when it dies
    out = tmp_path / "out"
    with GraderPool(2, slots=2, limits=SHORT) as several:
        killed: list[int] = []

        def kill(result: Result) -> None:
            if not killed:
                killed.extend(pid for pid in several.pids if _learners_below(pid))
                os.kill(killed[0], signal.SIGKILL)

        results = GradingSession(folder, out).run(several, kill)
    assert [result.learner for result in results] == list(LEARNERS)
    failed = [result for result in results if result.ended == FAILED]
    assert len(failed) == 1
    assert "start it again: its process has ended" in failed[0].outcome
    assert [entry.learner for entry in GradingSession(folder, out).ungraded] == [failed[0].learner]


@pytest.mark.slow
def test_where_no_grader_is_left_nothing_is_graded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what they had for a time is removed."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setenv("TMPDIR", str(room))
    with GraderPool(2, slots=2, limits=SHORT) as several:
        for pid in several.pids:
            os.kill(pid, signal.SIGKILL)
        results = several.grade(find(folder))
    assert [result.learner for result in results] == list(LEARNERS)
    assert {result.ended for result in results} == {FAILED}
    assert not list(room.iterdir())


def test_a_grader_that_does_not_begin_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "sys", type("Other", (), {"executable": "/bin/false"}))
    with pytest.raises(pool.GraderDied), GraderPool(2, slots=2, limits=SHORT):
        pass


@pytest.mark.slow
def test_what_the_system_refuses_a_grader_is_said() -> None:
    """Where no file can be written there is no temporary directory, and that is not for want of memory."""
    program = """
import resource
from labkit.grading.pools.pool import GraderPool
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    GraderPool(2, slots=2).__enter__()
except OSError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "No usable temporary directory" in done.stdout, done


@contextmanager
def _grading(
    folder: Path,
    room: Path,
    *options: str,
    labkit: Sequence[str] = (sys.executable, "-m", "labkit"),
) -> Iterator[subprocess.Popen[str]]:
    """The command at work: its temporary directory and its results are below a directory."""
    (room / "rooms").mkdir()
    command = [*labkit, "grade", str(folder), "--out", str(room / "out"), *options]
    environment = {**os.environ, "TMPDIR": str(room / "rooms")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("places", ["1", pytest.param("2", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "number",
    slow_but(
        [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL],
        signal.SIGINT,
        signal.SIGKILL,
    ),
)
def test_ended_from_outside_it_leaves_nothing_behind(
    number: signal.Signals, places: str, waiting: Path, tmp_path: Path
) -> None:
    """Ctrl-C, the end of a session, or no chance to say goodbye: nobody waits for the notebooks, and nothing stays."""
    with _grading(waiting, tmp_path, "--places", places, "--seconds", "600") as process:
        until(lambda: len(_learners_below(process.pid)) >= int(places))
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        _, said = process.communicate(timeout=SECONDS)
        assert not psutil.wait_procs(family, timeout=SECONDS)[1]
    assert process.returncode == (-number if number == signal.SIGKILL else 130)
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert not list((tmp_path / "rooms").iterdir())
    assert not (tmp_path / "out" / STORED).read_text().strip()


@pytest.mark.slow
def test_an_interrupt_that_came_ignored_ends_it(waiting: Path, tmp_path: Path) -> None:
    """As a shell gives it to what runs in the background: the command and its graders heed it all the same."""
    labkit = ["env", "--ignore-signal=INT", sys.executable, "-m", "labkit"]
    with _grading(waiting, tmp_path, "--places", "1", "--seconds", "600", labkit=labkit) as process:
        until(lambda: bool(_learners_below(process.pid)))
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
        assert not psutil.wait_procs(family, timeout=SECONDS)[1]
    assert process.returncode == 130


@pytest.mark.slow
def test_stopped_at_the_terminal_it_serves_the_notebooks_under_way(tmp_path: Path) -> None:
    """Ctrl-Z for longer than a notebook may take: that is not the notebook's fault."""
    folder = tmp_path / "submitted"
    for learner, seconds in zip(
        LEARNERS, (1, 3, 1), strict=False
    ):  # one waits for more work while another is at it
        wait = f"import time; time.sleep({seconds})"
        submit(folder, learner, "ex4-roles", [wait, *solved_cells("ex4-roles", learner)])
    with _grading(folder, tmp_path, "--places", "2", "--seconds", "5") as process:
        until(lambda: len(_learners_below(process.pid)) >= 2)
        process.send_signal(signal.SIGSTOP)
        until(lambda: not _learners_below(process.pid))
        time.sleep(6)
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=SECONDS) == 0
    results = GradingSession(folder, tmp_path / "out").results()
    assert [(result.outcome, result.full) for result in results] == [
        (f"{ENDED} {result.total_cells} of {result.total_cells} cells ran.", True)
        for result in results
    ]
    assert len(results) == 3


@pytest.mark.slow
def test_every_place_is_used(waiting: Path, tmp_path: Path) -> None:
    for number in range(10):
        submit(waiting, f"zed{number}", "ex4-roles", ["import time; time.sleep(600)"])
    with _grading(waiting, tmp_path, "--places", "16", "--seconds", "600") as process:
        until(lambda: len(_learners_below(process.pid)) == 16)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)


def test_a_start_that_is_interrupted_leaves_no_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(wire, "receive", interrupted)
    with pytest.raises(KeyboardInterrupt), Grader(limits=SHORT):
        pass
    assert not list(tmp_path.iterdir())


def test_a_grader_that_nobody_waits_for_any_more_ends_without_a_word() -> None:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "labkit.grading.pools.pool", str(theirs.fileno())]
    with subprocess.Popen(
        command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True
    ) as process:
        theirs.close()
        ours.close()  # long before it has loaded
        _, said = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (0, "")


@pytest.mark.slow
def test_a_fork_server_that_was_killed_is_replaced(folder: Path) -> None:
    """One notebook at the most is not graded, and not all that come after it."""
    with Grader(slots=1, limits=SHORT) as alone:
        alone.grade(find(folder)[:1])
        os.kill(alone.workers.fork_server_pid, signal.SIGKILL)
        results = alone.grade(find(folder))
    assert len([result for result in results if result.ended == FAILED]) <= 1
    assert len([result for result in results if result.ended == "done"]) >= len(LEARNERS) - 2


@pytest.mark.skipif(strongest_level() == "plain", reason="no namespaces here (docs/grading.md)")
def test_with_a_supervisor_that_was_killed_all_of_its_notebook_ends(tmp_path: Path) -> None:
    cell = "import subprocess, time; subprocess.Popen(['sleep', '600'], start_new_session=True); time.sleep(600)"
    submit(tmp_path, "eve", "ex4-roles", [cell])
    family: list[psutil.Process] = []

    def kill(above: int) -> None:
        until(
            lambda: any(
                "600" in each.cmdline() for each in psutil.Process(above).children(recursive=True)
            )
        )
        family.extend(psutil.Process(above).children(recursive=True))
        family[0].kill()

    with Grader(slots=1, limits=SHORT) as alone, ThreadPoolExecutor(1) as killer:
        killing = killer.submit(kill, alone.workers.fork_server_pid)
        result = alone.grade(find(tmp_path))[0]
        killing.result()
        assert not psutil.wait_procs(family, timeout=SECONDS)[1]
    assert (len(family), result.ended) == (4, FAILED)


@pytest.mark.parametrize(
    ("submissions", "places", "processors", "expected"),
    [
        (1, 0, 8, (1, 16)),
        (4, 0, 8, (1, 16)),
        (5, 0, 8, (2, 16)),
        (500, 0, 2, (2, 4)),
        (500, 0, 64, (8, 16)),
        (500, 32, 64, (32, 32)),
        (500, 0, 1, (1, 2)),
        (500, 3, 8, (3, 3)),
        (500, 1, 8, (1, 1)),
    ],
)
def test_there_are_as_many_as_are_of_use(
    submissions: int,
    places: int,
    processors: int,
    expected: Sequence[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "_processors", lambda: processors)
    made = pool_for(submissions, slots=places, limits=SHORT)
    assert (len(made.slots), sum(made.slots)) == tuple(expected)


@pytest.mark.slow
def test_a_grader_whose_pool_is_gone_prints_nothing() -> None:
    """Such as when there is no space for results: its event loop is interrupted anywhere."""
    ours, theirs = socket.socketpair()
    code = "import socket; from labkit.grading.pools import pool; pool._interrupt_when_closed(socket.socket(fileno=%d))"
    command = [sys.executable, "-c", code % theirs.fileno()]
    with (
        theirs,
        subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE) as process,
    ):
        ours.close()
        assert process.communicate(timeout=SECONDS)[1] == b""
    assert process.returncode != 0


def _learners_below(pid: int) -> list[int]:
    """Learners' processes that came from a process; recognized by their niceness."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.nice() == min(
                19, os.nice(0) + NICENESS
            ):  # it adds to what this process inherited
                found.append(child.pid)
    return found
