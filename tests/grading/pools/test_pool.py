"""Several graders, each a process of its own: the same results, and nobody is waited for in vain."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.until import SECONDS, until
from labkit.grading.graders.grader import Grader, cpu_seconds
from labkit.grading.graders.stages import unreadable_result
from labkit.grading.intake.submissions import Submission, find
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.pools import pool
from labkit.grading.pools.pool import GraderPool, pool_for
from labkit.grading.reports.result_store import STORED
from labkit.grading.running import wire, workers
from labkit.grading.session import GradingSession
from labkit.grading.walls.isolation import NICENESS, strongest_level
from tests.grading.conftest import SHORT
from tests.grading.support import solved_cells, submit

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


def test_a_pool_counts_the_processors_that_this_process_may_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container has fewer than its machine; other systems than Linux do not say."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2, 5})
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert pool_for(500).slots == [2] * 3
    monkeypatch.setattr(pool, "sys", SimpleNamespace(platform="darwin"))
    assert pool_for(500).slots == [2] * 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert pool_for(500).slots == [2]


@pytest.fixture
def signals() -> Iterator[None]:
    """Handlers of signals that the test may change."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(
    ("error", "answers"),
    [
        (OSError(28, "No space", "/tmp/x"), [{pool.REFUSED: [28, "No space", "/tmp/x"]}]),
        (ConnectionResetError(), []),
        (wire.Closed(), []),
        (KeyboardInterrupt(), []),
    ],
    ids=["a refusal", "the pool has gone", "the channel is closed", "an interrupt"],
)
def test_a_grader_answers_what_the_system_refused_it_and_is_quiet_otherwise(
    error: BaseException, answers: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_options: object) -> None:
        raise error

    monkeypatch.setattr(pool, "_interrupt_when_closed", lambda _channel: None)
    monkeypatch.setattr(pool, "Grader", fails)
    ours, theirs = socket.socketpair()
    with ours:
        wire.send(ours, {"slots": 1, "limits": {}})
        assert pool.main(theirs.detach()) == 0
        received = []
        # What it sent is there already; nothing more is waited for.
        ours.setblocking(False)
        with suppress(wire.Closed, BlockingIOError):
            while True:
                received.append(wire.receive(ours)[0])
    assert received == answers


class Scripted:
    """Graders that a test plays: each has its own part, and ends its channel after it."""

    def __init__(self, *parts: Callable[[socket.socket], None]) -> None:
        self._parts = list(parts)
        self._threads = ThreadPoolExecutor(len(parts))

    def start(self, _module: str, _environment: object) -> tuple[Any, socket.socket]:
        """Start the next one, as ``start_process``."""
        ours, theirs = socket.socketpair()
        self._threads.submit(self._play, self._parts.pop(0), theirs)
        return SimpleNamespace(pid=1), ours

    def _play(self, part: Callable[[socket.socket], None], channel: socket.socket) -> None:
        with channel, suppress(wire.Closed, OSError):
            wire.receive(channel)
            part(channel)


def _begins(channel: socket.socket) -> None:
    wire.send(channel, {"level": "user", "directory": ""})
    wire.receive(channel)


def _asks(channel: socket.socket) -> dict[str, Any]:
    wire.send(channel, {pool.NEXT: True})
    return wire.receive(channel)[0]


def _grades(channel: socket.socket) -> None:
    """Grade until there is nothing more, and end as a grader does."""
    _begins(channel)
    while entry := _asks(channel):
        submission = Submission(entry["learner"], entry["exercise"], Path(entry["path"]))
        result = replace(unreadable_result(submission, "user", ""), ended="done")
        wire.send(channel, {pool.RESULT: result.as_dict()})
    wire.send(channel, {pool.END: True, "cpu_seconds": 2.5})
    wire.receive(channel)


def _takes_two_and_dies(channel: socket.socket) -> None:
    _begins(channel)
    _asks(channel)
    _asks(channel)


def _dies(channel: socket.socket) -> None:
    _begins(channel)


@pytest.mark.parametrize(
    ("parts", "not_graded"),
    [([_grades], 0), ([_takes_two_and_dies], 6), ([_dies, _dies], 6), ([_dies, _grades], 0)],
    ids=["one", "one that dies", "none is left", "another is left"],
)
def test_every_submission_has_a_result_whichever_graders_die(
    parts: list[Callable[[socket.socket], None]],
    not_graded: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "start_process", Scripted(*parts).start)
    monkeypatch.setattr(pool, "end_process", lambda *_: None)
    reported: list[Result] = []
    with GraderPool(len(parts), slots=4) as several:
        assert several.level == "user"
        own = cpu_seconds()
        results = several.grade(find(folder), reported.append)
        if parts == [_grades]:
            assert several.cpu_seconds >= own + 2.5
    assert [result.learner for result in results] == list(LEARNERS)
    assert sorted(result.learner for result in reported) == list(LEARNERS)
    failed = [result for result in results if result.ended == FAILED]
    assert len(failed) == not_graded
    assert {result.note for result in failed} <= {
        "the grader failed, start it again: its process has ended"
    }


def test_a_grader_that_the_system_refuses_something_raises_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(channel: socket.socket) -> None:
        wire.send(channel, {pool.REFUSED: [28, "No space left on device", "/tmp/x"]})

    monkeypatch.setattr(pool, "start_process", Scripted(refused).start)
    monkeypatch.setattr(pool, "end_process", lambda *_: None)
    with pytest.raises(OSError, match="No space left on device") as raised, GraderPool(1, slots=1):
        pass
    assert (raised.value.errno, raised.value.filename) == (28, "/tmp/x")
