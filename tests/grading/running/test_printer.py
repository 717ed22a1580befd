"""What a notebook printed is there, however it ends; and a machine that is busy costs it nothing silently."""

from __future__ import annotations

import math
import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.grading.graders.grader import GRADED_AGAIN, STILL_BUSY, Grader
from labkit.grading.judging.result import Result
from labkit.grading.running import guard, printer, wire
from labkit.grading.running.printer import Printer, SharedPage
from labkit.grading.running.processes import Descendants
from labkit.grading.walls.isolation import Limits
from tests.grading.support import IN_A_KERNEL, grade, submit

KILL = "import ctypes, os; ctypes.CDLL(None).kill(os.getpid(), 9)"
"""Ends the process behind Python's back."""

ENDS = {
    "loop": "print('before the loop')\nwhile True: pass",
    "unfinished": "import time\nprint('no line', end='')\ntime.sleep(60)",
    "killed": f"print('a'); print('b', end='')\n{KILL}",
    "much": f"for number in range(3000): print(number)\n{KILL}",
    "program": f"print('first'); import os; os.system('echo second'); print('third')\n{KILL}",
    "descriptor": f"import os\nprint('first')\nos.write(1, b'second\\n')\nprint('third')\n{KILL}",
    "thread": "import threading\nwork = lambda: [print('x' * 9) for _ in range(50)]\nfor n in range(4):\n"
    f"    t = threading.Thread(target=work)\n    t.start()\n    t.join()\n{KILL}",
    "child": f"import os\nprint('parent')\nif os.fork() == 0:\n    print('child')\n    os._exit(0)\nos.wait()\n{KILL}",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Notebooks that do not come to their end."""
    folder = tmp_path_factory.mktemp("ends")
    for learner, cell in ENDS.items():
        submit(folder, learner, "ex4-roles", [cell])
    with Grader(limits=Limits(seconds=3.0, cpu_seconds=10)) as running:
        return grade(running, folder)


@pytest.mark.parametrize(
    ("learner", "output"),
    [
        ("loop", "before the loop\n"),
        ("unfinished", "no line"),
        ("killed", "a\nb"),
        ("program", "first\nsecond\nthird\n"),
        ("descriptor", "first\nsecond\nthird\n"),
        ("thread", 200 * "xxxxxxxxx\n"),
        ("child", "parent\nchild\n"),
    ],
)
def test_what_was_printed_before_the_end_is_there(
    learner: str, output: str, results: dict[str, Result]
) -> None:
    assert results[learner].ended in ("time limit", "signal SIGKILL")
    assert results[learner].output == output


def test_much_is_there_from_the_first_to_the_last_line(results: dict[str, Result]) -> None:
    assert results["much"].output.startswith("0\n1\n2\n")
    assert results["much"].output.endswith("2998\n2999\n")


@pytest.mark.slow
def test_a_kernel_shows_the_same(tmp_path: Path) -> None:
    # It sleeps: a loop would take a processor from the tests beside it until the time limit.
    sleeping = f"{IN_A_KERNEL}\nimport time; print('before the sleep'); time.sleep(3600)"
    submit(tmp_path, "sleeping", "ex4-roles", [sleeping])
    with Grader(limits=Limits(seconds=30.0, cpu_seconds=40)) as running:
        assert grade(running, tmp_path)["sleeping"].output == "before the sleep\n"


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """A pipe; nothing in this process is made to flush."""
    monkeypatch.setattr(printer, "PROGRAMS", ())
    monkeypatch.setattr(printer, "ENDS", ())
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None)
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def stream(text: str) -> dict[str, str]:
    """A message of a stream."""
    return {"name": "stdout", "text": text}


def test_text_waits_in_the_page_until_there_is_no_place(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = SharedPage()
    monkeypatch.setattr(os, "dup", lambda _: pipe[1])
    prints = Printer(page)
    prints("stream", stream("한"))
    assert page.waiting.decode() == "한"
    prints("stream", stream("x" * (page.size - 3)))
    assert len(page.waiting) == page.size
    prints("stream", stream("y"))
    assert page.waiting == b""
    assert os.read(pipe[0], 9999).decode() == "한" + "x" * (page.size - 3) + "y"
    prints("stream", stream("no line"))
    prints.end_cell()
    assert page.waiting == b"no line"  # nobody else prints: its order is no question
    prints._flushing(lambda: None)()
    assert (page.waiting, os.read(pipe[0], 9999)) == (b"", b"no line")
    prints("stream", stream("beside a program"))
    prints.end_cell()
    assert (page.waiting, os.read(pipe[0], 9999)) == (b"", b"beside a program")


def test_a_page_that_a_learner_wrote_is_no_more_than_a_page() -> None:
    page = SharedPage()
    page._memory[:] = b"\xff" * len(page._memory)
    assert len(page.waiting) == page.size
    assert page.cells == 2**32 - 2


@pytest.mark.parametrize(("size", "dropped"), [(99, False), (100, False), (101, True), (999, True)])
def test_output_beyond_the_limit_is_dropped_and_reported(
    size: int, dropped: bool, pipe: tuple[int, int]
) -> None:
    limits = Limits(seconds=10, cpu_seconds=1, output_bytes=100)
    watching = guard.Guard(1, pipe[0], limits, Descendants(), lambda: False)
    os.write(pipe[1], b"x" * (size - 1))
    output = watching.collect_output(b"y")  # the last character was still in the shared page
    printed, _, notice = output.partition("\n")
    assert printed == ("x" * 100 if dropped else "x" * (size - 1) + "y")
    assert notice == (
        "[labkit: this notebook printed more than 100 bytes; what it printed after them was dropped]\n"
        if dropped
        else ""
    )


def test_time_is_counted_from_where_cells_can_run_and_a_start_has_its_own(
    pipe: tuple[int, int],
) -> None:
    """A kernel that starts slowly does not meet its notebook's limit; one that never starts does."""
    page = SharedPage()
    assert (page.ready, page.cells) == (False, 0)
    limits = Limits(seconds=10, cpu_seconds=1)
    watching = guard.Guard(1, pipe[0], limits, Descendants(), lambda: False, lambda: page.ready)
    watching._asked_at = -math.inf  # nothing held its server
    begun = watching._started
    watching._started -= 30  # it has been starting for long
    unused = socket.socket()
    assert watching._exceeded(unused) == ""
    assert watching._started >= begun
    page.cells = 0
    assert page.ready
    watching._started -= 30
    assert watching._exceeded(unused) == "time limit"
    page.clear()
    unready = guard.Guard(1, pipe[0], limits, Descendants(), lambda: False, lambda: False)
    unready._asked_at = -math.inf
    unready._started -= 30
    unready._latest_start -= 30
    assert unready._exceeded(unused) == "time limit"
    unused.close()


@pytest.mark.parametrize(
    ("held", "ends_at"),
    [(0.0, 12.0), (4.0, 16.0), (10.0, 22.0), (99.0, 22.0), (None, 72.0)],
    ids=["free", "held", "held-for-its-limit", "held-for-longer", "no-answer"],
)
def test_time_is_added_while_others_hold_the_server_and_at_most_doubles(
    held: float | None, ends_at: float, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grader is asked at each limit, with a clock that goes on by a second when the guard looks."""
    now = 0.0
    grader, supervisor = socket.socketpair()
    grader.setblocking(False)

    def look(ends: list[int | socket.socket], *_: object) -> object:
        nonlocal now
        now += 1
        with suppress(BlockingIOError):
            assert wire.receive(grader) == (guard.ASK_HELD, None)
            if held is not None:
                wire.send(grader, {"seconds": held})
        return select.select(ends, [], [], 0)

    monkeypatch.setattr(guard, "select", SimpleNamespace(select=look))
    monkeypatch.setattr(guard, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(os, "waitpid", lambda *_: (0, 0))
    below = Descendants()
    monkeypatch.setattr(below, "find", list)
    limits = Limits(seconds=10, cpu_seconds=1)
    with grader, supervisor:
        watching = guard.Guard(1, pipe[0], limits, below, lambda: False)
        assert watching.watch(supervisor) == "time limit"
    assert now == ends_at


def test_whose_grader_is_gone_is_watched_no_longer(pipe: tuple[int, int]) -> None:
    grader, supervisor = socket.socketpair()
    grader.close()
    with supervisor, pytest.raises(wire.Closed):
        guard.Guard(1, pipe[0], Limits(), Descendants(), lambda: False).watch(supervisor)


@pytest.mark.slow
def test_a_notebook_that_waited_for_a_processor_is_graded_again_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor, which is forked from this grader's server, finds that each notebook waits for ever."""
    submit(tmp_path, "ann", "ex4-roles", ["import time; print('once'); time.sleep(0.6)"])
    runs = []
    with Grader(slots=1) as running:
        start = running.workers.start

        async def counted(slot: int):  # type: ignore[no-untyped-def] # as the workers' own
            worker = await start(slot)
            run = worker.run

            async def starved(*arguments, **options):  # type: ignore[no-untyped-def] # as the worker's own
                runs.append(slot)
                report = await run(*arguments, **options)
                assert worker._cluster is not None
                worker._cluster.on_starved()
                return report

            monkeypatch.setattr(worker, "run", starved, raising=False)
            return worker

        monkeypatch.setattr(running.workers, "start", counted)
        result = grade(running, tmp_path)["ann"]
    assert len(runs) == 2
    assert result.note == f"{GRADED_AGAIN} {STILL_BUSY}"


@pytest.mark.parametrize(
    ("waited", "seconds", "starved"), [(11, 60, True), (9, 60, False), (3, 8, True), (1, 8, False)]
)
def test_a_wait_counts_by_itself_or_by_its_share(
    waited: float, seconds: float, starved: bool, pipe: tuple[int, int]
) -> None:
    limits = Limits(seconds=seconds, cpu_seconds=1)
    watching = guard.Guard(1, pipe[0], limits, Descendants(), lambda: False)
    watching._waited_seconds = waited
    assert watching.starved is starved


def test_the_kernel_says_how_long_a_process_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    below = Descendants()
    monkeypatch.setattr(below, "find", lambda: [7, 8, 9, 10])
    texts = {
        "7/schedstat": b"1 2000000000 3\n",
        "8/schedstat": b"1 5000000000 3\n",
        "10/schedstat": b"1 90000000000 1\n",
    }
    monkeypatch.setattr(below, "_read", lambda path: texts.get(path, b""))
    assert below.waited_seconds() == 5.0
    monkeypatch.setattr(below, "find", list)
    assert below.waited_seconds() == 0.0


def test_memory_is_counted_in_pages_and_shared_ones_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    below = Descendants()
    monkeypatch.setattr(below, "find", lambda: [7, 8, 9])  # the last one has just ended
    texts = {"7/statm": b"999 300 1 1 0 1 0\n", "8/statm": b"999 200 1 1 0 1 0\n"}
    monkeypatch.setattr(below, "_read", lambda path: texts.get(path, b""))
    page = os.sysconf("SC_PAGE_SIZE")
    assert not below.exceed(500 * page)
    assert below.exceed(500 * page - 1)
    texts["7/smaps_rollup"] = b"Rss:    1200 kB\nPss:     400 kB\nPss_Anon:     100 kB\n"
    assert not below.exceed(400 * 1024 + 200 * page)
    assert below.exceed(400 * 1024 + 200 * page - 1)
