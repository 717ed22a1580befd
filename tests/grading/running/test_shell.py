"""The shell of forked notebooks: what it leaves alone before the fork, and that no notebook touches the next."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbclient
import pytest
from nbclient.exceptions import DeadKernelError

from kube_embedded.tests.support.slow import slow_but
from labkit.grading.graders.grader import Grader
from labkit.grading.intake.submissions import KUBECTL, MAX_BYTES, contains, files_beside, find
from labkit.grading.running.execution import needs_kernel, run_in_kernel
from labkit.grading.session import GradingSession
from tests.grading.conftest import SHORT
from tests.grading.support import IN_A_KERNEL, grade, solved_cells, submit

EXERCISE = "ex4-roles"
FORK_OR_KERNEL = [
    pytest.param("1", id="in-a-fork"),
    pytest.param(IN_A_KERNEL, id="in-a-kernel", marks=pytest.mark.slow),
]


@pytest.fixture
def one_slot() -> Grader:
    """A grader that runs one notebook after the other."""
    return Grader(limits=SHORT, slots=1)


def test_the_shell_is_prepared_without_threads_files_and_traces(tmp_path: Path) -> None:
    look = """
import json, os, threading
from labkit.grading.running.shell import prepare_shell
shell = prepare_shell()
print(json.dumps({
    "threads": len(threading.enumerate()),
    "files": os.listdir("."),
    "history": [len(shell.history_manager.input_hist_raw), len(shell.user_ns["Out"]), shell.execution_count],
    "names": sorted(name for name in shell.user_ns if not name.startswith("_")),
}))
"""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    command = [sys.executable, "-c", look]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {
        "threads": 1,
        "files": [],
        "history": [1, 0, 1],
        "names": ["In", "Out", "exit", "get_ipython", "open", "quit"],
    }


CHANGES = """
import atexit, builtins, os, signal, sys, threading, time
from IPython.core.interactiveshell import InteractiveShell
ip = get_ipython()
ip.events.register("post_run_cell", lambda result: print("hooked"))
ip.register_magic_function(lambda line: "mine", "line", "pwd")
ip.input_transformers_cleanup.append(lambda lines: ["print('rewritten')\\n"])
ip.user_ns["left"] = 1
InteractiveShell.left = 1
builtins.left = 1
ip.display_formatter.formatters["text/plain"].for_type(int, lambda *_: None)
sys.displayhook = ip.displayhook.__class__.__call__ = print
open("left", "w").close()
for directory in ("/tmp", "/dev/shm"):
    if os.access(directory, os.W_OK):
        open(directory + "/left", "w").close()
os.makedirs(os.path.expanduser("~/.ipython/profile_default/startup"))
with open(os.path.expanduser("~/.ipython/profile_default/startup/left.py"), "w") as file:
    file.write("print('startup')")
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
os.environ["LEFT"] = "1"
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""

LOOK = """
import os, signal, threading
found = [name for name in ("left",) if name in globals() or hasattr(__builtins__, name)]
found += [path for path in ("left", "/tmp/left", "/dev/shm/left") if os.path.exists(path)]
found += [name for name in os.environ if name == "LEFT"]
found += [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
found += ["class"] if hasattr(type(get_ipython()), "left") else []
found += ["signal"] if signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL else []
print("found", found, get_ipython().execution_count)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("isolated")
def test_a_notebook_that_changes_the_shell_does_not_touch_the_next(
    one_slot: Grader, tmp_path: Path
) -> None:
    submit(tmp_path, "ann", EXERCISE, [CHANGES, "1"])
    submit(tmp_path, "bob", EXERCISE, [LOOK, "pwd", "7"])
    submit(tmp_path, "cat", EXERCISE, solved_cells(EXERCISE, "cat"))
    with one_slot:
        results = grade(one_slot, tmp_path)
    assert "rewritten" in results["ann"].output, results["ann"].output
    assert "hooked" in results["ann"].output
    assert results["bob"].output.startswith("found [] 2\n"), results["bob"].output
    assert results["bob"].output.endswith("'\n7\n")
    assert "/home/learner" in results["bob"].output
    assert results["cat"].passed


@pytest.fixture
def isolated(patient_grader: Grader) -> None:
    """Skip where the platform has no namespaces."""
    if patient_grader.level == "plain":
        pytest.skip("no namespaces here (docs/grading.md); the test above needs none")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("get_ipython().kernel", True),
        ("from ipykernel.kernelapp import IPKernelApp", True),
        ("%connect_info", True),
        ("get_ipython().run_cell('1')", False),
        ("!kubectl get pods\n%pip install x\nawait f()\nlab.apply?", False),
        ("%%bash\nuname -r", False),
    ],
)
def test_only_what_uses_the_kernel_itself_needs_one(cell: str, expected: bool) -> None:
    assert needs_kernel(["1", cell]) is expected


@pytest.mark.slow
def test_a_notebook_that_needs_a_kernel_has_one(patient_grader: Grader, tmp_path: Path) -> None:
    submit(tmp_path, "ann", EXERCISE, ["type(get_ipython().kernel).__name__"])
    assert grade(patient_grader, tmp_path)["ann"].output == "'IPythonKernel'\n"


@pytest.mark.parametrize(("returned", "code"), [(0, 0), (3, 3), (-9, 128 + 9), (-11, 128 + 11)])
def test_a_kernel_that_dies_has_the_exit_code_of_a_shell(
    returned: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying:
        """A client whose kernel ends in the second cell."""

        def __init__(
            self, notebook: Any, *, on_cell_start: Callable[..., None], **_options: Any
        ) -> None:
            process = SimpleNamespace(returncode=returned)
            self.km = SimpleNamespace(provisioner=SimpleNamespace(process=process))
            self.sources = [cell.source for cell in notebook.cells]
            self.start = on_cell_start

        def execute(self, **_options: Any) -> None:
            """Run the first cell."""
            assert self.sources == ["1", "die()", "2"]
            self.start(cell_index=0)
            self.start(cell_index=1)
            self.km.provisioner.process = None
            raise DeadKernelError("Kernel died")

    monkeypatch.setattr(nbclient, "NotebookClient", Dying)
    counts: list[int] = []
    assert run_in_kernel(["1", "die()", "2"], counts.append, lambda *_: None) == code
    assert counts == [0, 1]


def test_a_task_goes_on_between_cells(grader: Grader, tmp_path: Path) -> None:
    """In a kernel it does while the next cell is on its way."""
    turns = "import asyncio\ndone = []\nasync def turns():\n    for _ in range(9):\n        await asyncio.sleep(0)\n"
    submit(
        tmp_path,
        "ann",
        EXERCISE,
        [turns + "    done.append(1)", "task = asyncio.create_task(turns())", "1", "done"],
    )
    assert grade(grader, tmp_path)["ann"].output == "1\n[1]\n"


def test_a_traceback_is_formatted_once(grader: Grader, tmp_path: Path) -> None:
    """One of a deep recursion takes a second of the processor's time."""
    count = """
times, shown = [], get_ipython().InteractiveTB.structured_traceback
def counted(*arguments, **options):
    times.append(1)
    return shown(*arguments, **options)
get_ipython().InteractiveTB.structured_traceback = counted
"""
    submit(tmp_path, "ann", EXERCISE, [count, "1 / 0", "(", "print(len(times))"])
    assert grade(grader, tmp_path)["ann"].output.endswith("\n1\n")


def test_a_notebook_that_says_that_it_exits_now_ends_after_that_cell(
    grader: Grader, tmp_path: Path
) -> None:
    submit(
        tmp_path,
        "ann",
        EXERCISE,
        ["get_ipython().exit_now = True\nprint('here')", "print('after')"],
    )
    result = grade(grader, tmp_path)["ann"]
    assert (result.ended, result.output) == ("done", "here\n")


def test_what_was_printed_before_a_limit_is_kept(tmp_path: Path) -> None:
    killed = "import os, time\ntime.sleep(0.1)\nprint('here')\nos.kill(os.getpid(), 9)"
    submit(tmp_path, "ann", EXERCISE, ["print('before')", killed])
    submit(tmp_path, "bob", EXERCISE, ["for n in range(9000): print('line', n)", "print('end')"])
    with Grader(limits=SHORT) as grader:
        results = grade(grader, tmp_path)
    assert results["ann"].output == "before\nhere\n"
    assert results["bob"].output.startswith("line 0\nline 1\n")
    assert results["bob"].output.endswith("line 8999\nend\n")


@pytest.mark.parametrize(
    "end",
    [
        "os.kill(os.getpid(), 11)",
        "os._exit(3)",
        "os.abort()",
        "__import__('signal').raise_signal(9)",
    ],
)
def test_what_a_notebook_that_ends_itself_printed_is_kept(
    end: str, grader: Grader, tmp_path: Path
) -> None:
    submit(
        tmp_path, "ann", EXERCISE, ["print('before')", f"import os\nprint('a')\nprint('b')\n{end}"]
    )
    assert grade(grader, tmp_path)["ann"].output == "before\na\nb\n"


def test_what_the_cells_before_a_crash_printed_is_kept(grader: Grader, tmp_path: Path) -> None:
    crash = "import ctypes; ctypes.string_at(0)"
    submit(tmp_path, "ann", EXERCISE, ["print('a', end='')", "print('b')", crash])
    assert grade(grader, tmp_path)["ann"].output.startswith("ab\n")


@pytest.mark.parametrize("begin", FORK_OR_KERNEL)
def test_a_missing_module_is_named_in_the_first_line_of_the_feedback(
    begin: str, patient_grader: Grader, tmp_path: Path
) -> None:
    caught = "try:\n    import not_missed\nexcept ImportError:\n    pass"
    submit(tmp_path / "s", "ann", EXERCISE, [begin, caught, "import torch.nn", "import another"])
    session = GradingSession(tmp_path / "s", tmp_path / "out")
    result = session.run(patient_grader, lambda _result: None)[0]
    assert result.notices[0] == "There is no module torch where it was graded."
    page = (tmp_path / "out" / "feedback" / "ann.html").read_text()
    assert 'points</h2>\n<p class="lk-no">There is no module torch where it was graded.' in page


def test_a_module_with_an_odd_name_is_only_text(patient_grader: Grader, tmp_path: Path) -> None:
    odd = "raise ModuleNotFoundError(\"No module named '<script>\\x1b[2J\" + 'x' * 5000 + \"'\")"
    submit(tmp_path / "s", "eve", EXERCISE, [odd])
    result = GradingSession(tmp_path / "s", tmp_path / "out").run(
        patient_grader, lambda _result: None
    )[0]
    assert 0 < len(result.missing_module) < 200
    page = (tmp_path / "out" / "feedback" / "eve.html").read_text()
    assert "<script>" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("begin", FORK_OR_KERNEL)
@pytest.mark.parametrize("package", ["numpy", "pandas", "matplotlib"])
def test_packages_for_figures_and_tables_work_where_they_are_installed(
    package: str, begin: str, patient_grader: Grader, tmp_path: Path
) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed (the test of a missing module is its neighbour)")
    cells = {
        "numpy": ["import numpy as np\nint(np.arange(6).reshape(2, 3).dot(np.ones(3)).sum())"],
        "pandas": ["import pandas as pd\npd.DataFrame({'a': [1, 14]}).a.sum().item()"],
        "matplotlib": [
            "%matplotlib inline\nimport matplotlib.pyplot as plt",
            "plt.plot([1, 2])\nplt.show()",
            "5 * 3",
        ],
    }
    submit(tmp_path, "ann", EXERCISE, [begin, *cells[package]])
    result = grade(patient_grader, tmp_path)["ann"]
    assert result.output.endswith("15\n"), result.output
    assert not result.missing_module
    assert package != "matplotlib" or "<Figure size" in result.output


class TestFilesBeside:
    """What is handed in beside a notebook."""

    @pytest.mark.parametrize(
        "begin", slow_but(["1", IN_A_KERNEL], "1"), ids=["in-a-fork", "in-a-kernel"]
    )
    def test_they_are_there(self, begin: str, patient_grader: Grader, tmp_path: Path) -> None:
        read = "import helper\nprint(helper.word, open('data/role.yaml').read(), open('bytes', 'rb').read())"
        folder = submit(
            tmp_path, "ann", EXERCISE, [begin, read, "import os; sorted(os.listdir('.'))"]
        ).parent
        (folder / "helper.py").write_text("word = 'helped'")
        (folder / "data").mkdir()
        (folder / "data" / "role.yaml").write_text("kind: Role")
        (folder / "bytes").write_bytes(b"\0\xff")
        (folder / ".hidden").write_text("h")
        (folder / "labkit").mkdir()
        (folder / "labkit" / "admin.conf").write_text("another's")
        output = grade(patient_grader, tmp_path)["ann"].output
        assert "helped kind: Role b'\\x00\\xff'" in output, output
        assert ".hidden" not in output

    def test_another_learners_are_not(self, tmp_path: Path) -> None:
        for learner in ("ann", "eve"):
            (tmp_path / f"{learner}__{EXERCISE}.ipynb").write_text(json.dumps({"cells": []}))
        submit(tmp_path, "bob", EXERCISE, []).with_name("mine.txt").write_text("m")
        (tmp_path / "bob" / "link").symlink_to(tmp_path / f"ann__{EXERCISE}.ipynb")
        (tmp_path / "bob" / "folder").symlink_to(tmp_path)
        found = {entry.learner: files_beside(entry) for entry in find(tmp_path)}
        assert found == {"ann": {}, "eve": {}, "bob": {"mine.txt": b"m"}}

    def test_a_teachers_are_not(self, tmp_path: Path) -> None:
        """Whoever names one notebook may have it in a folder of their own, with the class's points."""
        notebook = submit(tmp_path, "downloads", EXERCISE, [])
        notebook.with_name("points.csv").write_text("ann,3")
        assert [files_beside(entry) for entry in find(notebook)] == [{}]

    def test_those_that_are_too_large_are_left_out(self, tmp_path: Path) -> None:
        folder = submit(tmp_path, "ann", EXERCISE, []).parent
        (folder / "a").write_bytes(b"a" * (MAX_BYTES - 10))
        (folder / "b").write_bytes(b"b" * 20)
        (folder / "c").write_bytes(b"c" * 10)
        assert list(files_beside(find(tmp_path)[0])) == ["a", "c"]

    def test_a_changed_one_is_graded_again(self, tmp_path: Path) -> None:
        beside = submit(tmp_path / "s", "ann", EXERCISE, ["1"]).with_name("data.txt")
        digests = []
        for text in ("", "one", "two", "one"):
            beside.write_text(text)
            digests.append(
                GradingSession(tmp_path / "s", tmp_path / "out").inspections["ann", EXERCISE].digest
            )
        assert digests[1] == digests[3]
        assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("!kubectl get pods", True),
        ("%%bash\nset -e\nkubectl apply -f x", True),
        ('lab.kubectl("get pods")', True),
        ('import subprocess\nsubprocess.run(["kubectl", "get"])', True),
        ("pods = !/usr/bin/kubectl get pods", True),
        ("# kubectl get pods\n1", False),
        ("answer.kubectl", False),
        ("mykubectl = 1", False),
    ],
)
def test_which_notebooks_call_kubectl(cell: str, expected: bool, tmp_path: Path) -> None:
    assert contains(submit(tmp_path, "ann", EXERCISE, ["1", cell]), KUBECTL) is expected
