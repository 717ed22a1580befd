"""A command for authors of tasks: try a task file before a learner sees it."""

from pathlib import Path

import click

from .output import FILE, echo, report


@click.group("task")
def task_command() -> None:
    """Write tasks of your own, as files."""


@task_command.command("try")
@click.argument("file", type=FILE)
def try_command(file: Path) -> int:
    """Try a task file: its solution, an untouched cluster, and wrong policies.

    The solution must get all points, and an untouched cluster none. Each wrong
    policy beside the right one must lose points; where one does not, the question
    that is missing is printed. Exit codes: 0 the task is good, 1 it is not, 2 the
    file is broken.
    """
    from labkit.grading.graders.trial import TaskTrial
    from labkit.grading.tasks.own_tasks import read_task

    exercise = read_task(file)
    trial = TaskTrial(exercise, exercise.tasks[0])
    problems = list(trial.problems())
    for problem in problems:
        echo("{problem}", problem)
    if problems:
        report("{file}: not yet, {number} to mend.", file, len(problems))
        return 1
    echo(
        "{file}: the solution gets {points} points, an untouched cluster none. Wrong policies: {number}, all refused.",
        file,
        f"{trial.variant.max_points:g}",
        trial.wrong_policies,
    )
    return 0
