"""Grading the same notebooks three ways: forked, in a real kernel behind walls, and by nbgrader.

The notebooks are nbgrader's own assignment of exercise 4, solved, with cells added up to
thirty code cells that make real API calls.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.grading.exercises.notebooks import code
from labkit.grading.intake.submissions import find
from labkit.grading.judging.result import Result
from labkit.grading.nbgrader import course as nbgrader_course
from labkit.grading.pools.pool import pool_for
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import Seed
from labkit.grading.walls.isolation import Limits

EXERCISE = "ex4-roles"
KUBECTL = ("!kubectl get namespaces", "!kubectl create configmap made")
"""Cells that a notebook has at its end for the part about kubectl."""

CELLS = 30

CALLS = (
    'lab.admin.get("/api/v1/namespaces").status',
    'lab.as_anonymous().get("/api/v1/namespaces").status',
    'lab.admin.get("/version").body["gitVersion"]',
    'lab.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterroles").status',
    'lab.admin.post("/api/v1/namespaces/default/configmaps", {{"metadata": {{"name": "c{number}"}}}}).status',
    'lab.as_service_account("default/default").get("/api/v1/namespaces/default/pods").status',
    'lab.admin.get("/api/v1/namespaces/default/serviceaccounts").status',
)
"""What the added cells do, in turn."""


@dataclass(frozen=True, slots=True)
class Run:
    """One way of grading, measured.

    Args:
        notebooks: How many were graded.
        seconds: Wall-clock time.
        cpu_seconds: Processor time of all processes; 0 where it cannot be told.
        scores: Points by learner.
    """

    notebooks: int
    seconds: float
    cpu_seconds: float
    scores: dict[str, float]

    @property
    def per_minute(self) -> float:
        """Notebooks a minute."""
        return self.notebooks / self.seconds * 60

    @property
    def each_ms(self) -> float:
        """Processor milliseconds a notebook."""
        return self.cpu_seconds / self.notebooks * 1000


def notebook(learner: str, *more: str) -> dict[str, Any]:
    """A learner's solved notebook of thirty code cells, and some more."""
    document = nbgrader_course.assignment(find_exercise(EXERCISE))
    answers = iter(task.variant(Seed(learner)).answer for task in find_exercise(EXERCISE).tasks)
    for cell in document["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = next(answers)
    number = sum(cell["cell_type"] == "code" for cell in document["cells"])
    while number < CELLS:
        document["cells"].append(
            code(f"call-{number}", CALLS[number % len(CALLS)].format(number=number))
        )
        number += 1
    document["cells"] += [code(f"more-{number}", source) for number, source in enumerate(more)]
    return document


def hand_in(course: Path, count: int, *more: str) -> list[str]:
    """Put solved notebooks, with more cells, into a course's ``submitted/`` tree; the learners' names."""
    learners = [f"learner{number:04}" for number in range(count)]
    for learner in learners:
        path = course / "submitted" / learner / EXERCISE / f"{EXERCISE}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook(learner, *more)))
    return learners


def graded(course: Path, count: int, *, kernel: bool) -> Run:
    """Grade the first of them with labkit.

    Args:
        course: The course.
        count: How many.
        kernel: In a real kernel.
    """
    submissions = find(course / "submitted")[:count]
    with pool_for(count, limits=Limits(kernel=kernel)) as grader:
        grader.grade(submissions[:8])  # the first pay for what is then there
        before = grader.cpu_seconds
        begun = time.perf_counter()
        results = grader.grade(submissions)
        seconds = time.perf_counter() - begun
        cpu = grader.cpu_seconds - before
    return Run(count, seconds, cpu, _scores(results))


def autograded(course: Path, count: int) -> Run:
    """Grade the same notebooks with nbgrader's autograde, with labkit's checker outside the kernels.

    Args:
        course: Where to make a course of its own, since nbgrader grades all that was handed in.
        count: How many.

    Raises:
        RuntimeError: nbgrader is not installed, or fails.
    """
    if importlib.util.find_spec("nbgrader") is None:
        raise RuntimeError("nbgrader is not installed (it is in the environment of `make test`)")
    nbgrader_course.build(course)
    learners = hand_in(course, count)
    _nbgrader(course, "generate_assignment", EXERCISE)
    with _checker(course) as socket:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        _nbgrader(course, "autograde", EXERCISE, LABKIT_CHECKER=str(socket))
        seconds = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    ledger = [json.loads(line) for line in (course / "ledger.jsonl").read_text().splitlines()]
    scores = {
        learner: sum(line["points"] for line in ledger if line["learner"] == learner)
        for learner in learners
    }
    return Run(len(learners), seconds, cpu, scores)


def _scores(results: list[Result]) -> dict[str, float]:
    return {result.learner: result.score.points for result in results}


@contextmanager
def _checker(course: Path) -> Iterator[Path]:
    path = course / "checker.sock"
    command = [sys.executable, "-m", "labkit", "course", "checker", str(course)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not path.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        yield path
    finally:
        process.terminate()
        process.wait()


def _nbgrader(course: Path, *arguments: str, **environment: str) -> None:
    home = course.parent / "home"
    home.mkdir(exist_ok=True)
    names = (
        "LABKIT_HOME",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
    )
    own = {name: str(home / name.lower()) for name in names}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by its name
    command = [sys.executable, "-m", "nbgrader", *arguments]
    env = {**os.environ, **own, **environment, "PATH": path}
    done = subprocess.run(command, cwd=course, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"nbgrader {arguments[0]}: {done.stderr[-300:]}")
