"""2,000 submissions, honest and hostile, graded twice: at rest, and while graders are killed. Both runs agree.

``LABKIT_SOAK_SUBMISSIONS`` makes it shorter.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from labkit.grading.reports.result_store import STORED
from tests.grading.independent_solutions import SOLUTIONS, independent
from tests.grading.support import SETUP, solved_cells, submit

COUNT = int(os.environ.get("LABKIT_SOAK_SUBMISSIONS", "2000"))
MOST_KILLS = max(4, COUNT // 50)
PATIENCE_SECONDS = 3600.0

RARE = (
    "while True: pass",
    "import time; time.sleep(3600)",
    "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "hoard = []\nwhile True: hoard.append(bytearray(50_000_000))",
    "import os\nfor n in range(2, 400000):\n    try: os.kill(n, 9)\n    except OSError: pass",
    'lab.admin.get("/api/v1/pods?labelSelector=" + ",".join(f"a{n}" for n in range(200_000)))',
)
"""What ends a notebook, or keeps others waiting; each takes its time."""

ODD = (
    "quit()",
    "1 / 0",
    "this is no Python",
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "while True: print('x' * 100_000) or 1 / 0",
    "with open('big', 'wb') as file:\n    while True: file.write(b'x' * 1_000_000)",
    "import asyncio; raise asyncio.CancelledError",
    "paper.check('4.9')",
)
"""What learners do, and what does no harm."""


def hand_in(folder: Path) -> None:
    """Every tenth is odd, every hundredth hostile, every hundredth needs a kernel, some are no notebooks."""
    in_fork = [
        number for number in range(len(SOLUTIONS)) if not {"!", "%"} & set(independent(number, "x"))
    ]
    for number in range(COUNT):
        learner, exercise = f"s{number:04}", ("ex4-roles", "ex5-cluster-roles")[number % 7 == 3]
        cells = solved_cells(exercise, learner)
        if number % 100 == 17:
            cells.insert(3, RARE[number // 100 % len(RARE)])
        elif number % 100 == 57:
            cells = [SETUP, independent(0, learner)]
        elif number % 10 == 4:
            cells.insert(number % len(cells), ODD[number // 10 % len(ODD)])
        elif number % 10 == 6:
            cells = [SETUP, independent(in_fork[number % len(in_fork)], learner)]
        elif number % 10 in (7, 8):
            cells = cells[: 3 + number % len(cells)]
        path = submit(folder, learner, exercise, cells)
        if number % 250 == 99:
            path.write_text(path.read_text()[: 100 * (number % 3)])


def grade(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """Begin to grade, or go on where an earlier run was killed."""
    command = [sys.executable, "-m", "labkit", "grade", str(folder), "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _kill_one(process: subprocess.Popen[bytes], source: random.Random) -> None:
    """Kill the command, one of its graders, or a fork server."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        victims = [each for each in family if "labkit.grading" in " ".join(each.cmdline()[:4])]
        # Learners' processes are forks of the fork server, with the same command line.
        servers = [
            each
            for each in victims
            if each.uids().real == os.getuid() and each.ppid() not in _pids(victims)
        ]
        chosen = source.choice([psutil.Process(process.pid), *servers])
        chosen.send_signal(signal.SIGKILL)


def _pids(processes: list[psutil.Process]) -> set[int]:
    return {each.pid for each in processes if "fork_server" in " ".join(each.cmdline()[:4])}


def contents(out: Path) -> dict[str, object]:
    """Return what a run has written; stored results without their order, and without a line that a kill cut off."""
    found: dict[str, object] = {}
    for path in out.rglob("*"):
        if path.name == STORED:
            found[path.name] = sorted(
                line for line in path.read_bytes().splitlines() if line.endswith(b"}")
            )
        elif path.is_file():
            found[str(path.relative_to(out))] = path.read_bytes()
    return found


@pytest.mark.soak
def test_two_runs_agree_although_graders_are_killed(tmp_path: Path) -> None:
    folder, calm, troubled = tmp_path / "submitted", tmp_path / "calm", tmp_path / "troubled"
    hand_in(folder)
    assert grade(folder, calm).wait(PATIENCE_SECONDS) == 0
    source, kills = random.Random(7), 0
    code, process = None, grade(folder, troubled)
    while code != 0:
        try:
            code = process.wait(source.uniform(4, 16) if kills < MOST_KILLS else PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            _kill_one(process, source)
            kills += 1
        else:
            process = process if code == 0 else grade(folder, troubled)
    assert kills > COUNT // 200
    one, other = contents(calm), contents(troubled)
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert len(list((calm / "feedback").glob("s*.html"))) == COUNT
