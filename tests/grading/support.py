"""Submissions made for tests, and a grader for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from labkit.grading.exercises.notebooks import code, learner_notebook
from labkit.grading.graders.grader import Grader
from labkit.grading.intake.submissions import find
from labkit.grading.judging.result import Result
from labkit.grading.running import fork_server, workers
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import Seed, identity
from labkit.grading.tasks.task import ExerciseSpec
from tests.grading import weaker_fork_server

IN_A_KERNEL = "get_ipython().kernel;"
"""A cell that makes its notebook run in a real kernel."""

SETUP = 'from labkit import Lab, exercise\nlab = Lab()\npaper = exercise(lab, "ex4-roles").start()'


def submit(folder: Path, learner: str, exercise: str, cells: Sequence[str]) -> Path:
    """Write a notebook of these cells as a submission."""
    path = folder / learner / f"{exercise}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [code(f"c{number}", source) for number, source in enumerate(cells)]
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def solved_notebook(exercise: ExerciseSpec, learner: str) -> dict[str, Any]:
    """A copy without the board that gets full marks for one learner."""
    document = learner_notebook(exercise)
    answers = {
        f"answer-{task.id.replace('.', '-')}": task.variant(
            Seed(learner if ":" in learner else identity(learner))
        ).answer
        for task in exercise.tasks
    }
    kept = [cell for cell in document["cells"] if not cell["id"].startswith("board")]
    return {
        **document,
        "cells": [{**cell, "source": answers.get(cell["id"], cell["source"])} for cell in kept],
    }


def solved_cells(exercise: str, learner: str) -> list[str]:
    """The cells of a solved notebook."""
    document = solved_notebook(find_exercise(exercise), learner)
    return [cell["source"] for cell in document["cells"] if cell["cell_type"] == "code"]


def grade(grader: Grader, folder: Path) -> dict[str, Result]:
    """Grade a folder; results by learner."""
    return {result.learner: result for result in grader.grade(find(folder))}


def weaken(monkeypatch: pytest.MonkeyPatch, without: str) -> None:
    """Have graders start their fork servers as on a machine without ``control groups`` or ``namespaces``."""
    replace_fork_server(
        monkeypatch, weaker_fork_server.__name__, {weaker_fork_server.WITHOUT: without}
    )


def replace_fork_server(monkeypatch: pytest.MonkeyPatch, by: str, more: Mapping[str, str]) -> None:
    """Have graders start another module as their fork server, with more environment variables."""
    start = workers.start_process

    def start_other(module: str, environment: Mapping[str, str]) -> Any:
        if module != fork_server.__name__:
            return start(module, environment)
        return start(by, {**environment, **more})

    monkeypatch.setattr(workers, "start_process", start_other)
