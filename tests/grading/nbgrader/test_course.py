"""The course with the real nbgrader: generate, autograde, feedback; with a checker and without."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import SECONDS
from labkit.core.errors import UsageError
from labkit.grading.exercises.course_secret import FILE
from labkit.grading.nbgrader import course as nbgrader_course
from labkit.grading.tasks import EXERCISES, find_exercise
from tests.grading.support import solved_cells

EXERCISE = "ex4-roles"


def test_a_course_has_an_assignment_for_each_exercise(tmp_path: Path) -> None:
    written = nbgrader_course.build(tmp_path / "course")
    assert [path.stem for path in written] == [exercise.id for exercise in EXERCISES]
    cells = json.loads(written[0].read_text())["cells"]
    marks = [cell["metadata"]["nbgrader"] for cell in cells if "nbgrader" in cell["metadata"]]
    assert len({mark["grade_id"] for mark in marks}) == len(marks)
    nbgrader_course.build(tmp_path / "course")  # again is fine


def test_each_task_has_its_text_a_display_an_answer_and_a_test() -> None:
    exercise = find_exercise(EXERCISE)
    cells = nbgrader_course.assignment(exercise)["cells"]
    assert [cell["id"] for cell in cells[2:6]] == [
        f"{part}-4-1" for part in ("task", "show", "answer", "test")
    ]
    assert "".join(cells[2]["source"]) == f"## 4.1 · {exercise.tasks[0].title}"
    assert len(cells) == 2 + 4 * len(exercise.tasks)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / FILE).write_text("a secret that was made before")
    with pytest.raises(UsageError, match="not empty"):
        nbgrader_course.build(tmp_path)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course, with one assignment handed out and two submissions."""
    if importlib.util.find_spec("nbgrader") is None:
        pytest.skip("nbgrader is an optional extra; nbgrader_course's own tests run all the same")
    folder = tmp_path / "course"
    nbgrader_course.build(folder)
    nbgrader(folder, "generate_assignment", EXERCISE)
    released = folder / "release" / EXERCISE / f"{EXERCISE}.ipynb"
    assert "### BEGIN SOLUTION" not in released.read_text()
    document = json.loads(released.read_text())
    for learner in ("ann", "bob"):
        target = folder / "submitted" / learner / EXERCISE / f"{EXERCISE}.ipynb"
        target.parent.mkdir(parents=True)
        if learner == "ann":
            fill(document, learner)
            target.write_text(json.dumps(document))
        else:
            shutil.copy(released, target)
    return folder


def fill(document: dict[str, list[dict[str, object]]], learner: str) -> None:
    """Put a learner's solutions where the placeholders are."""
    answers = iter(solved_cells(EXERCISE, learner)[2::3])
    for cell in document["cells"]:
        mark = cell["metadata"].get("nbgrader")  # type: ignore[attr-defined]  # JSON
        if mark and mark["solution"]:
            cell["source"] = next(answers)


@pytest.fixture
def checker(course: Path) -> Iterator[Path]:
    """A running checker; its socket."""
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit", "course", "checker", str(course)],
        stdout=subprocess.DEVNULL,
    )
    path = course / "checker.sock"
    until = time.monotonic() + SECONDS
    while not path.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert path.exists()
    yield path
    process.terminate()
    process.wait(SECONDS)


@pytest.mark.slow
def test_nbgrader_grades_with_the_checker(course: Path, checker: Path) -> None:
    assert oct(checker.stat().st_mode & 0o777) == "0o600"
    nbgrader(course, "autograde", EXERCISE, LABKIT_CHECKER=str(checker))
    graded = (course / "autograded" / "ann" / EXERCISE / f"{EXERCISE}.ipynb").read_text()
    assert scores(course) == {"ann": find_most(), "bob": 0.0}, graded
    ledger = [json.loads(line) for line in (course / "ledger.jsonl").read_text().splitlines()]
    assert sum(line["points"] for line in ledger if line["learner"] == "ann") == find_most()
    assert not any(line["points"] for line in ledger if line["learner"] == "bob")
    nbgrader(course, "generate_feedback", EXERCISE)
    page = (course / "feedback" / "bob" / EXERCISE / f"{EXERCISE}.html").read_text()
    assert "is allowed" in page
    assert "UNTRUSTED" not in page


@pytest.mark.soak
def test_without_a_checker_the_score_is_marked_untrusted(course: Path) -> None:
    nbgrader(course, "autograde", EXERCISE, "--student=ann")
    graded = (course / "autograded" / "ann" / EXERCISE / f"{EXERCISE}.ipynb").read_text()
    assert "UNTRUSTED" in graded


def find_most() -> float:
    """Full marks of the exercise."""
    document = nbgrader_course.assignment(find_exercise(EXERCISE))
    return float(
        sum(cell["metadata"].get("nbgrader", {}).get("points", 0) for cell in document["cells"])
    )


def scores(course: Path) -> dict[str, float]:
    """Each learner's score, from nbgrader's own database."""
    script = (
        "import json, sys; from nbgrader.api import Gradebook\n"
        "with Gradebook(sys.argv[1]) as book:\n"
        "    print(json.dumps({s.student.id: float(s.score) for s in book.assignment_submissions(sys.argv[2])}))"
    )
    command = [sys.executable, "-c", script, f"sqlite:///{course / 'gradebook.db'}", EXERCISE]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def nbgrader(course: Path, *arguments: str, **environment: str) -> None:
    """Run nbgrader in the course."""
    home = course.parent / "home"
    env = {
        **os.environ,
        "LABKIT_HOME": str(home / "labkit"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        **environment,
    }
    env["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"  # nbgrader calls alembic by its name
    )
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=course, env=env, capture_output=True, text=True)
    subprocess.run(
        [sys.executable, "-m", "labkit", "down"], env=env, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
