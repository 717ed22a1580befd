"""What commands say where a library is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import SECONDS
from labkit.core.errors import Missing
from labkit.core.libraries import require
from labkit.grading.intake.submissions import PYTHON_CLIENT, contains
from tests.grading.support import submit

WITHOUT = """
import sys
without, *words = sys.argv[1:]
sys.modules[without] = None
from labkit.cli import run
sys.exit(run(words))
"""


def labkit(home: Path, without: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that cannot import a module."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, without, *words],
        cwd=home,
        env={"LABKIT_HOME": str(home / "lab"), "HOME": str(home), "PATH": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@pytest.mark.parametrize(
    ("without", "words", "install"),
    [
        ("jupyterlab", ["lab"], "kube-labkit"),
        ("rich", ["demo"], "kube-labkit"),
        ("aiohttp", ["class", "start"], "kube-labkit"),
        ("ipykernel", ["grade", "."], "'kube-labkit-core[grade]'"),
        ("rich", ["grade", "."], "'kube-labkit-core[grade]'"),
    ],
)
def test_a_missing_library_is_named_with_what_to_install(
    tmp_path: Path, without: str, words: list[str], install: str
) -> None:
    done = labkit(tmp_path, without, *words)
    assert done.stderr == (
        f"labkit: The library {without} is not installed.\n  try: pip install {install}\n"
    )
    assert done.returncode == 5
    assert list(tmp_path.rglob("*.ipynb")) == []


def test_a_missing_module_of_our_own_is_a_defect(tmp_path: Path) -> None:
    done = labkit(tmp_path, "labkit.presenter.demo", "demo")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError")


def test_what_is_installed_is_not_missing() -> None:
    require("click", "yaml")
    with pytest.raises(Missing, match="The library no_such_library is not installed"):
        require("click", "no_such_library")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("from kubernetes import client, config", True),
        ("if True:\n    import kubernetes.client as k", True),
        ("# import kubernetes", False),
        ("print('import kubernetes')", False),
        ("import kubernetes_asyncio", False),
        ("kubernetes = 1", False),
    ],
)
def test_which_notebooks_import_the_official_client(
    tmp_path: Path, cell: str, expected: bool
) -> None:
    notebook = submit(tmp_path, "ann", "ex4-roles", ["1", cell])
    assert contains(notebook, PYTHON_CLIENT) is expected


@pytest.mark.parametrize(("cell", "code"), [("1", 0), ("from kubernetes import client", 5)])
def test_a_notebook_is_not_graded_without_the_client_that_it_imports(
    tmp_path: Path, cell: str, code: int
) -> None:
    submit(tmp_path / "sent", "ann", "ex4-roles", [cell])
    done = labkit(tmp_path, "kubernetes", "grade", "--trust", "--without-kubectl", "sent")
    assert done.returncode == code, done.stderr
    wrong = "The library kubernetes is not installed." in done.stderr
    assert wrong is (code == 5)
