"""The exercises as notebooks: a learner's copy, and a solved one. The tasks are their only source.

The learner's copy is the same for everybody; its names come from the learner's seed when it runs.
A solved copy is for one learner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import ExerciseSpec, Task

Cell = dict[str, Any]

PLACEHOLDER = "# Your turn: write it below this line."
BOARD = "## How far you are\n\nThe points of each task, as its last check found them. Run it as often as you like."
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def learner_notebook(exercise: ExerciseSpec) -> dict[str, Any]:
    """Make the copy that is handed out, as nbformat 4.5."""
    tasks = [cell for task in exercise.tasks for cell in _task(task, PLACEHOLDER)]
    return _document([*_opening(exercise), *tasks, markdown("board-title", BOARD), code("board", "paper.board()")])


def solved_notebook(exercise: ExerciseSpec, learner: str) -> dict[str, Any]:
    """Make a copy that gets full marks for one learner."""
    cells = [*_opening(exercise)]
    for task in exercise.tasks:
        cells += _task(task, task.variant(Seed(learner)).answer)
    return _document(cells)


def markdown(name: str, text: str) -> Cell:
    """Make a Markdown cell."""
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def code(name: str, source: str, **metadata: Any) -> Cell:
    """Make a code cell that has not run."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


def _document(cells: list[Cell]) -> dict[str, Any]:
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def _opening(exercise: ExerciseSpec) -> Iterator[Cell]:
    yield markdown(
        "title",
        f"# {exercise.title}\n\n*{exercise.about}*\n\n"
        "The names in the tasks are your own: they are drawn from the name (or number) that you hand in under. "
        "Write it between the quotes first: under another name, your answers would be somebody else's. Solve each "
        "task however you like — YAML, kubectl, Python — and check it as often as you like. What counts is what "
        "the cluster does. Each task says what would be too much; for nobody may be granted more than is asked for, "
        'neither the account of the task nor anybody else. `paper.hint("…")` helps, a little more each time.',
    )
    yield code(
        "setup",
        f'from labkit import Lab, exercise\n\nME = ""\nlab = Lab()\n'
        f'paper = exercise(lab, "{exercise.id}", ME).start()\npaper',
    )


def _task(task: Task, answer: str) -> Iterator[Cell]:
    name = task.id.replace(".", "-")
    yield markdown(f"task-{name}", f"## {task.id} · {task.title}")
    yield code(f"show-{name}", f'paper.show("{task.id}")')
    yield code(f"answer-{name}", answer, tags=["exercise"])
    yield code(f"check-{name}", f'paper.check("{task.id}")', tags=["check"])
