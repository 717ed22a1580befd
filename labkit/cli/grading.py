"""Commands for teachers: grade submissions, make a course."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("grade")
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Where the scores go."
)
@click.option(
    "--places", type=click.IntRange(1, 64), default=None, help="How many at once; three a processor when left out."
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="Wall-clock time of one notebook.",
)
@click.option("--kernel", is_flag=True, help="Run every notebook in a real kernel: slower, same scores.")
@click.option("--fresh", is_flag=True, help="Grade everything again, also what is graded already.")
def grade_command(submissions: Path, out: Path, places: int | None, seconds: float, kernel: bool, fresh: bool) -> int:
    """Grade notebooks: each in a cluster and a process of its own.

    SUBMISSIONS holds LEARNER/EXERCISE.ipynb, nbgrader's submitted/ tree, or files named
    LEARNER__EXERCISE.ipynb. Interrupted and started again, it goes on where it was.
    Scores are written as CSV, JUnit XML, for Gradescope and PrairieLearn, and as a page
    for each learner.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from labkit.grading.grader import Grader
    from labkit.grading.isolation import Limits
    from labkit.grading.result import Result
    from labkit.grading.session import GradingSession

    session = GradingSession(submissions, out, fresh=fresh)
    left = session.left
    if len(left) < len(session.all):
        click.echo(f"{len(session.all) - len(left)} of {len(session.all)} are graded already.", err=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    odd: list[Result] = []
    with (
        Grader(
            places=places or 0, limits=Limits(seconds=seconds, cpu_seconds=int(seconds) + 1), kernel=kernel
        ) as grader,
        Progress(*columns, console=Console(file=sys.stderr)) as bar,
    ):
        if grader.level == "plain":
            click.echo("Warning: this platform gives no walls around a learner's code; see docs/grading.md.", err=True)
        task = bar.add_task("grading", total=len(left))

        def told(result: Result) -> None:
            if not result.complete:
                odd.append(result)
            bar.advance(task)

        results = session.run(grader, told)
    for result in odd:
        click.echo(f"{result.learner} {result.exercise}: {result.how}", err=True)
    full = sum(result.passed for result in results)
    click.echo(f"{len(results)} graded, {full} with full marks. Scores: {out / 'scores.csv'}")
    return 0


@click.group("course")
def course_command() -> None:
    """Make an nbgrader course of the exercises, and judge it."""


@course_command.command("build")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def build_command(folder: Path) -> int:
    """Write a course that nbgrader accepts into FOLDER."""
    from labkit.grading import coursebook

    written = coursebook.build(folder)
    click.echo(f"{len(written)} assignments in {folder / 'source'}. How to go on: {folder / 'README.md'}")
    return 0


@course_command.command("checker")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def checker_command(folder: Path) -> int:
    """Judge a course's notebooks from outside their kernels, until Ctrl-C."""
    import asyncio

    from labkit.grading import checker

    path = (folder / "checker.sock").absolute()
    click.echo(f"The checker listens. In the shell of nbgrader: export LABKIT_CHECKER={path}")
    asyncio.run(checker.serve(path, folder / "ledger.jsonl"))
    return 0
