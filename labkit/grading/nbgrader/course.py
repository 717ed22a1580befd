"""An nbgrader course from the exercises: ``source/EXERCISE/EXERCISE.ipynb`` and its settings.

Source: https://nbgrader.readthedocs.io/en/stable/user_guide/creating_and_grading_assignments.html
"""

import json
from pathlib import Path
from typing import Any

from labkit.core.errors import UsageError
from labkit.core.html import TEMPLATES
from labkit.core.language import text

from ..exercises.course_secret import FILE, read_secret
from ..exercises.notebooks import METADATA, Cell, code, markdown
from ..tasks import EXERCISES
from ..tasks.own_tasks import own_file
from ..tasks.seed import Seed
from ..tasks.task import ExerciseSpec

INSTRUCTOR = "instructor"
"""The solutions in the source notebooks have this learner's names."""

CONFIG = """\
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "labkit"
c.ExecutePreprocessor.timeout = 120
c.ExecutePreprocessor.allow_errors = True
c.ClearSolutions.code_stub = {"python": "# Your turn: write it below this line."}
"""


def build(folder: Path) -> list[Path]:
    """Write the course into an empty folder, a new one, or its own; return the notebooks.

    Raises:
        UsageError: The folder holds something else.
    """
    config = folder / "nbgrader_config.py"
    if (
        folder.exists()
        # The secret is made before the course is built.
        and any(path.name != FILE for path in folder.iterdir())
        and not config.exists()
    ):
        raise UsageError(
            text("{folder} is not empty and is no course.", folder), todo="Name a new folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(CONFIG)
    (folder / "README.md").write_text((TEMPLATES / "course.md").read_text())
    with_code = read_secret(folder) is not None
    written = []
    for exercise in EXERCISES:
        path = folder / "source" / exercise.id / f"{exercise.id}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(assignment(exercise, with_code=with_code), indent=1) + "\n")
        if own := own_file(exercise.id):
            # A learner's lab reads the task from it. nbgrader hands out what lies beside the notebook.
            path.with_suffix(".yaml").write_bytes(own.read_bytes())
        written.append(path)
    return written


CODE = 'CODE = ""  # Write the code that your teacher gave you between the quotes.'
"""The cell for a learner's code, in a course with a secret."""


def assignment(exercise: ExerciseSpec, *, with_code: bool = False) -> dict[str, Any]:
    """Make an exercise's source notebook for nbgrader."""
    argument = ", CODE" if with_code else ""
    cells: list[Cell] = [
        markdown("title", f"# {exercise.title}\n\n*{exercise.about}*"),
        *([code("code", CODE)] if with_code else []),
        code(
            "setup",
            f'from labkit.lab.course import open_paper\n\nlab, paper = open_paper("{exercise.id}"{argument})',
            nbgrader=_mark("setup", locked=True),
        ),
    ]
    for task in exercise.tasks:
        name = task.id.replace(".", "-")
        variant = task.variant(Seed(INSTRUCTOR))
        cells += [
            markdown(f"task-{name}", f"## {task.id} · {task.title}"),
            code(
                f"show-{name}",
                f'print(paper.show("{task.id}"))',
                nbgrader=_mark(f"show-{name}", locked=True),
            ),
            code(
                f"answer-{name}",
                # nbgrader cuts out what is between these lines when it hands the notebook out.
                f"### BEGIN SOLUTION\n{variant.answer}\n### END SOLUTION",
                nbgrader=_mark(f"answer-{name}", solution=True),
            ),
            code(
                f"test-{name}",
                f'paper.points("{task.id}")',
                nbgrader=_mark(f"test-{name}", grade=True, locked=True, points=variant.max_points),
            ),
        ]
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def _mark(name: str, **facts: object) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell, by default of one that it leaves alone."""
    usual = {"grade": False, "locked": False, "schema_version": 3, "solution": False, "task": False}
    return {**usual, "grade_id": name, **facts}
