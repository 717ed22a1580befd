"""What the light distributions install, and what their commands say without the rest."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from labkit.grading.tasks import EXERCISES
from tests.grading.support import solved_cells, submit
from tools.rehearsal import FILES

from .fresh import build, distributions, environment, megabytes

pytestmark = pytest.mark.slow

JUPYTER = {"aiohttp", "anywidget", "ipykernel", "ipython", "ipywidgets", "jupyterlab", "kubernetes"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheels"), "wheel")


@pytest.fixture(scope="module")
def core(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("core") / "env", wheels, "kube-labkit-core")


def labkit(folder: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "bin" / "labkit", *words],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LABKIT_HOME": str(home / "lab")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_server_needs_12_distributions_and_30_mb(wheels: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "env", wheels, "kube-embedded")
    assert len(distributions(env)) <= 12
    assert megabytes(env) <= 30


def test_the_command_line_needs_40_distributions_and_60_mb(core: Path) -> None:
    assert len(distributions(core)) <= 40
    assert megabytes(core) <= 60
    assert distributions(core) & JUPYTER == set()


def test_the_command_line_tests_a_policy(core: Path, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    done = labkit(core, tmp_path, "rbac", "test", "policy.yaml", "questions.yaml")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 answers are as expected." in done.stdout


def test_the_command_line_starts_a_cluster_and_the_drill(core: Path, tmp_path: Path) -> None:
    try:
        started = labkit(core, tmp_path, "up")
        assert started.returncode == 0, started.stderr
        assert labkit(core, tmp_path, "status").stdout.startswith("✔ The embedded cluster runs.")
        assert "May " in labkit(core, tmp_path, "drill").stdout
    finally:
        assert labkit(core, tmp_path, "down").returncode == 0


@pytest.mark.parametrize(
    ("command", "library", "install"),
    [
        ("lab", "jupyterlab", "kube-labkit"),
        ("demo", "rich", "kube-labkit"),
        ("class start", "aiohttp", "kube-labkit"),
        ("bundle save lab.tar --no-images", "packaging", "kube-labkit"),
        ("grade .", "ipykernel", "'kube-labkit-core[grade]'"),
    ],
)
def test_a_command_that_needs_more_says_what_to_install(
    core: Path, tmp_path: Path, command: str, library: str, install: str
) -> None:
    done = labkit(core, tmp_path, *command.split())
    assert done.returncode == 5
    assert done.stderr.splitlines()[-2:] == [
        f"labkit: The library {library} is not installed.",
        f"  try: pip install {install}",
    ]


def test_the_extra_grades_without_jupyterlab(wheels: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "env", wheels, "kube-labkit-core[grade]")
    assert distributions(env) & JUPYTER == {"anywidget", "ipykernel", "ipython", "ipywidgets"}
    submissions = tmp_path / "submissions"
    for exercise in EXERCISES:
        cells = ["from labkit.ui.board import Board", *solved_cells(exercise.id, "ann")]
        submit(submissions, "ann", exercise.id, cells)
    done = labkit(env, tmp_path, "grade", "--trust", "--without-kubectl", "submissions")
    assert done.returncode == 0, done.stderr
    assert "7 graded, 7 with full marks." in done.stdout
    page = (tmp_path / "results/feedback/ann.html").read_text()
    assert "ModuleNotFoundError" not in page
    # It has 128 MB, and only what is graded tells whether it is needed.
    cells = [*solved_cells("ex4-roles", "bob"), "from kubernetes import client"]
    submit(submissions, "bob", "ex4-roles", cells)
    refused = labkit(env, tmp_path, "grade", "--trust", "--without-kubectl", "submissions")
    assert refused.returncode == 5
    assert refused.stderr.splitlines()[-2:] == [
        "labkit: The library kubernetes is not installed.",
        "  try: pip install kube-labkit",
    ]
