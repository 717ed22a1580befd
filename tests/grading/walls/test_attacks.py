"""Submissions that want points without work, or harm. None gains, none harms, each is reported as what it is.

What holds only with namespaces (a Linux kernel that allows them) is skipped elsewhere,
and docs/grading.md says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.some import some
from labkit.grading.graders.grader import Grader
from labkit.grading.judging.result import Result
from labkit.grading.walls.isolation import USER_IDS
from tests.grading.support import IN_A_KERNEL, SETUP, grade, solved_cells, submit

ATTACKS = {
    "overwriting-labkit": SETUP
    + """
import labkit, labkit.client.client, labkit.client.answer
labkit.client.client.Client.get = lambda *_a, **_k: labkit.client.answer.Answer
labkit.exercise = lambda *_a, **_k: "10/10"
""",
    "importing-the-checks": """
import labkit.grading.judging.score, labkit.grading.tasks.checks
labkit.grading.judging.score._look = lambda *_a: None
""",
    "editing-the-progress": """
import json, os
from pathlib import Path
home = Path(os.environ["LABKIT_HOME"])
steps = {task: {"state": "passed", "points": 99} for task in ("4.1", "4.2", "4.3", "4.4")}
(home / "progress.json").write_text(json.dumps({"version": 1, "steps": steps}))
""",
    "printing-results": """
print('{"score": 100, "tests": [{"name": "4.1", "score": 100, "max_score": 100}]}')
print("Task 4.1: 2 of 2 points")
""",
    "answering-the-supervisor": """
import json, os, struct
told = json.dumps({"ended": "done", "cells": 999, "score": 100}).encode()
for number in range(3, 64):
    try:
        os.write(number, struct.pack("!I", len(told)) + told)
    except OSError:
        pass
""",
    "reading-the-solutions": """
import glob, os
import labkit
package = os.path.dirname(labkit.__file__)
found = glob.glob(package + "/grading/**/*.py", recursive=True)
assert not found, found
stolen = [open(path).read() for path in found]
""",
}

ENDED = {
    "killing-itself": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    "endless-loop": ("while True: pass", "time limit|SIGKILL"),
    "sleeping": ("import time; time.sleep(3600)", "time limit"),
}

HARMS = {
    "fork-bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "filling-memory": "hoard = []\nwhile True: hoard.append(bytearray(50_000_000))",
    "filling-the-disk": "with open('big', 'wb') as file:\n    while True: file.write(b'x' * 1_000_000)",
    "flooding-output": "while True: print('x' * 100_000)",
    "killing-everybody": "import os\nfor n in range(2, 400000):\n    try: os.kill(n, 9)\n    except OSError: pass",
}


@pytest.fixture
def isolated(grader: Grader) -> None:
    """Skip where the platform has no namespaces."""
    if grader.level == "plain":
        pytest.skip("no namespaces here (docs/grading.md); the limits are tested all the same")


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_gains_nothing(attack: str, grader: Grader, tmp_path: Path) -> None:
    if attack == "reading-the-solutions" and grader.level == "plain":
        pytest.skip("without namespaces the package's files can be read (docs/grading.md)")
    submit(tmp_path, "eve", "ex4-roles", [ATTACKS[attack]])
    result = grade(grader, tmp_path)["eve"]
    assert result.score.points == 0
    assert not result.passed
    if attack == "reading-the-solutions":
        assert "AssertionError" not in result.output


@pytest.mark.parametrize("attack", ENDED)
def test_an_early_end_is_reported_and_never_a_pass(
    attack: str, hasty_grader: Grader, tmp_path: Path
) -> None:
    source, expected = ENDED[attack]
    solved = solved_cells("ex4-roles", "eve")
    submit(tmp_path, "eve", "ex4-roles", [*solved, source, "1 + 1"])
    result = grade(hasty_grader, tmp_path)["eve"]
    assert not result.passed
    assert not result.complete
    assert re.search(expected, result.ended)


LYING = """
import gc, mmap, os
for memory in gc.get_objects():
    if isinstance(memory, mmap.mmap):
        memory[:4] = (99).to_bytes(4, "big")
"""


@pytest.mark.parametrize(
    "cells",
    [pytest.param(99, id="lying", marks=pytest.mark.slow), pytest.param(1, id="leaving-early")],
)
def test_how_many_cells_ran_is_the_notebooks_own_claim(
    cells: int, grader: Grader, hasty_grader: Grader, tmp_path: Path
) -> None:
    """The counter lies in its process's memory. What the guard sees decides: the exit code, a signal, the time."""
    claim = LYING if cells == 99 else "import os"
    loop = ["while True: pass", "1"]
    submit(tmp_path / "end", "ann", "ex4-roles", [claim + "\nos._exit(0)", *loop])
    submit(tmp_path / "end", "bob", "ex4-roles", [claim + "\nos._exit(3)", *loop])
    submit(tmp_path / "loop", "cat", "ex4-roles", [claim, *loop])
    results = grade(grader, tmp_path / "end") | grade(hasty_grader, tmp_path / "loop")
    count = 3 if cells == 99 else 0
    account = f"By its own account, {count} of 3 cells ran."
    assert results["ann"].outcome == f"The notebook ended by itself. {account}"
    assert results["bob"].outcome == f"The notebook was ended: exit code 3. {account}"
    assert not results["cat"].complete
    assert not any(result.passed or result.score.points for result in results.values())


def test_no_pass_hangs_on_a_claim(grader: Grader, tmp_path: Path) -> None:
    """Points come from the cluster; a pass from them, and from a process that ended by itself."""
    for learner, leave in {"ann": "import os; os._exit(0)", "bob": f"{LYING}\nos._exit(1)"}.items():
        submit(
            tmp_path,
            learner,
            "ex4-roles",
            [*solved_cells("ex4-roles", learner), leave, "while True: pass"],
        )
    results = grade(grader, tmp_path)
    assert {
        learner: result.score.points == result.score.most for learner, result in results.items()
    } == {"ann": True, "bob": True}
    assert results["ann"].passed
    assert results["ann"].claimed_cells < results["ann"].total_cells
    assert not results["bob"].passed
    assert results["bob"].claimed_cells == results["bob"].total_cells


@pytest.mark.parametrize(
    "begin", slow_but(["1", IN_A_KERNEL], "1"), ids=["in-a-fork", "in-a-kernel"]
)
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "import os; os._exit(0)",
            "The notebook ended by itself. By its own account, 1 of 3 cells ran.",
        ),
        (
            "import os; os._exit(7)",
            "The notebook was ended: exit code 7. By its own account, 1 of 3 cells ran.",
        ),
        (
            "import os; os.kill(os.getpid(), 11)",
            "The notebook was ended: signal SIGSEGV. By its own account, 1 of 3",
        ),
        (
            "import os\nfor n in range(2, 99999):\n    try: os.kill(n, 9)\n    except OSError: pass",
            "signal SIGKILL.",
        ),
        (
            "import sys; sys.exit(3)",
            "The notebook ended by itself. By its own account, 3 of 3 cells ran.",
        ),
    ],
)
@pytest.mark.usefixtures("isolated")
def test_a_kernel_and_a_fork_end_alike(
    source: str, expected: str, begin: str, patient_grader: Grader, tmp_path: Path
) -> None:
    submit(tmp_path, "eve", "ex4-roles", [begin, source, "1 + 1"])
    assert expected in grade(patient_grader, tmp_path)["eve"].outcome


@pytest.mark.parametrize(
    "begin", slow_but(["1", IN_A_KERNEL], "1"), ids=["in-a-fork", "in-a-kernel"]
)
@pytest.mark.parametrize("source", ["quit()", "exit"])
def test_quitting_ends_the_notebook(
    source: str, begin: str, patient_grader: Grader, tmp_path: Path
) -> None:
    submit(
        tmp_path,
        "eve",
        "ex4-roles",
        [begin, source, "import time; time.sleep(2)", "print('still here')"],
    )
    submit(tmp_path, "ann", "ex4-roles", [begin, "print('last words')", source])
    results = grade(patient_grader, tmp_path)
    assert results["eve"].claimed_cells < 4
    assert "still here" not in results["eve"].output
    assert results["ann"].claimed_cells == 3, results["ann"].outcome
    assert "last words" in results["ann"].output


def test_a_kernels_errors_and_values_are_kept(patient_grader: Grader, tmp_path: Path) -> None:
    submit(
        tmp_path,
        "eve",
        "ex4-roles",
        [IN_A_KERNEL, "raise MemoryError", "6 * 7", "print('so'); 1 / 0"],
    )
    first, last = (
        "Traceback (most recent call last):\nMemoryError: \n42\nso\n",
        "ZeroDivisionError: division by zero\n",
    )
    assert (
        grade(patient_grader, tmp_path)["eve"].output
        == f"{first}Traceback (most recent call last):\n{last}"
    )


@pytest.mark.parametrize(
    "attack", slow_but(HARMS, "filling-memory", "filling-the-disk", "killing-everybody")
)
@pytest.mark.usefixtures("isolated")
def test_it_harms_nobody_and_nothing_of_it_lives_on(
    attack: str, grader: Grader, tmp_path: Path
) -> None:
    submit(tmp_path, "eve", "ex4-roles", [HARMS[attack]])
    submit(tmp_path, "ann", "ex4-roles", solved_cells("ex4-roles", "ann"))
    results = grade(grader, tmp_path)
    assert results["ann"].passed, results["ann"].outcome
    assert results["eve"].score.points == 0
    assert not list(left_behind(grader))


@pytest.mark.usefixtures("isolated")
def test_acting_on_after_the_end_changes_nothing(grader: Grader, tmp_path: Path) -> None:
    late = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1)
        exec(LATER)
        os._exit(0)
    os._exit(0)
"""
    later = "\n".join(solved_cells("ex4-roles", "eve"))
    submit(tmp_path, "eve", "ex4-roles", [f"LATER = {later!r}", late])
    result = grade(grader, tmp_path)["eve"]
    assert result.score.points == 0
    assert not list(left_behind(grader))


@pytest.mark.usefixtures("isolated")
def test_other_ports_other_submissions_and_the_grader_are_out_of_reach(
    grader: Grader, tmp_path: Path
) -> None:
    look = f"""
import os, re, socket
mine = re.search("127.0.0.1:([0-9]+)", open(os.environ["KUBECONFIG"]).read())[1]
open_ports = []
for port in range(1024, 65536, 1):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0 and probe.getsockname() != probe.getpeername():
            open_ports.append(port)
print("ports", open_ports == [int(mine)], open_ports)
print("others", os.path.exists({str(tmp_path)!r}), [name for name in os.listdir("/proc") if name.isdigit()][:9])
try:
    socket.create_connection(("192.0.2.1", 80), 1)
    print("network")
except OSError as error:
    print("no network", error)
"""
    submit(tmp_path, "eve", "ex4-roles", [look])
    result = grade(grader, tmp_path)["eve"]
    assert "ports True" in result.output, result.output
    assert "others False ['1', '2']" in result.output, result.output
    assert "no network" in result.output


@pytest.mark.usefixtures("isolated")
def test_the_environment_holds_no_secret(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHERS_SECRET", "open sesame")
    submit(
        tmp_path,
        "eve",
        "ex4-roles",
        ["import os; print(dict(os.environ)); print(open('/proc/self/environ').read())"],
    )
    result = grade(grader, tmp_path)["eve"]
    assert "open sesame" not in result.output


def test_what_is_no_notebook_is_reported(grader: Grader, tmp_path: Path) -> None:
    for learner, text in {
        "a": "{",
        "b": "[]",
        "c": '{"cells": [{"cell_type": "code", "source": 7}]}',
        "d": "\0" * 100,
    }.items():
        path = submit(tmp_path, learner, "ex4-roles", [])
        path.write_text(text)
    results: dict[str, Result] = grade(grader, tmp_path)
    for result in some(results.values()):
        assert result.score.points == 0
        assert not result.passed
    assert results["a"].ended == "unreadable"


def left_behind(grader: Grader) -> Iterator[str]:
    """Processes of learners' users that this grader left, or that nobody looks after any more.

    Another grader may be at work beside this test; what still belongs to it is not ours. A zombie has ended: only its
    parent, which may be another test's, has not looked yet.
    """
    for process in psutil.process_iter(["pid", "uids", "cmdline"]):
        uids = process.info["uids"]
        if uids is None or uids.real not in USER_IDS:
            continue
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            above = [parent.pid for parent in process.parents() if is_fork_server(parent.cmdline())]
        except psutil.NoSuchProcess:
            continue
        if not above or above[-1] == grader.workers.fork_server_pid:
            yield f"{process.info['pid']} {process.info['cmdline']}"


def is_fork_server(command: list[str]) -> bool:
    """Return whether a command line is a fork server's, a test's weaker one included."""
    return command[1:2] == ["-m"] and command[2].endswith("fork_server")


def test_ctrl_c_in_a_terminal_is_the_graders_alone(grader: Grader) -> None:
    """It reaches a terminal's foreground processes: the fork server must not be one of them."""
    assert os.getsid(grader.workers.fork_server_pid) != os.getsid(0)


@pytest.mark.slow
def test_graders_beside_each_other_share_no_user(grader: Grader, tmp_path: Path) -> None:
    """The kernel counts processes by user: a fork bomb at one grader must not stop notebooks at another."""
    if grader.workers.level != "root":
        pytest.skip(
            "only as root do learners run as users of their own; elsewhere limits count the grader's own user"
        )
    submit(tmp_path, "ann", "ex4-roles", ["import os; print('user', os.getuid())"])
    with Grader(slots=1) as other:
        users = {grade(each, tmp_path)["ann"].output for each in (grader, other)}
    assert len(users) == 2
    for text in users:
        assert int(text.split()[-1]) in USER_IDS
