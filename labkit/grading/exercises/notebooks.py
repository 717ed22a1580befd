"""The exercises as notebooks, in the chosen language. The tasks are their only source.

A learner's copy is the same for everybody; its names come from the learner's seed when it runs.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from labkit.core.language import said

from ..tasks.task import ExerciseSpec, Task

Cell = dict[str, Any]

PLACEHOLDER = "# Your turn: write it below this line."
BOARD = "## How far you are\n\nThe points of each task, as its last check found them. Run it as often as you like."
BEGIN = (
    "The names in the tasks are your own: they are drawn from the name (or number) that you hand in under. "
    "Write it between the quotes first: under another name, your answers would be somebody else's. Solve each "
    "task however you like — YAML, kubectl, Python — and check it as often as you like. What counts is what "
    "the cluster does. Each task says what would be too much; for nobody may be granted more than is asked for, "
    'neither the account of the task nor anybody else. `paper.hint("…")` helps, a little more each time.'
)
"""The text before the first task."""

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def learner_notebook(exercise: ExerciseSpec) -> dict[str, Any]:
    """Make the copy that is handed out, as nbformat 4.5."""
    tasks = [cell for task in exercise.tasks for cell in _task(task)]
    board = markdown("board-title", said(BOARD))
    return _document([*_opening(exercise), *tasks, board, code("board", "paper.board()")])


def blank_answers(exercise: ExerciseSpec, cells: Sequence[str]) -> set[str]:
    """Return the ids of the tasks that have only comments between their ``show`` and their first ``check``.

    Args:
        exercise: The exercise.
        cells: The sources of the code cells of a submission.
    """
    blank = set()
    code = "\n".join(cells)
    for task in exercise.tasks:
        _, shown, rest = code.partition(f'paper.show("{task.id}")')
        answer, checked, _ = rest.partition(f'paper.check("{task.id}")')
        lines = map(str.strip, answer.splitlines())
        if shown and checked and all(not line or line.startswith("#") for line in lines):
            blank.add(task.id)
    return blank


# Cells have fixed ids, so that building a notebook again produces the same file.
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
        "title", f"# {said(exercise.title)}\n\n*{said(exercise.about)}*\n\n{said(BEGIN)}"
    )
    yield code(
        "setup",
        f'from labkit import Lab, exercise\n\nME = ""\nlab = Lab()\n'
        f'paper = exercise(lab, "{exercise.id}", ME).start()\npaper',
    )


def _task(task: Task) -> Iterator[Cell]:
    name = task.id.replace(".", "-")
    yield markdown(f"task-{name}", f"## {task.id} · {said(task.title)}")
    yield code(f"show-{name}", f'paper.show("{task.id}")')
    yield code(f"answer-{name}", said(PLACEHOLDER), tags=["exercise"])
    yield code(f"check-{name}", f'paper.check("{task.id}")', tags=["check"])
