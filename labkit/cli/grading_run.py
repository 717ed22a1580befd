"""Run a grading session and print what it reports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from labkit.grading.result import Result
    from labkit.grading.session import Grades, GradingSession


def exit_code(results: list[Result]) -> int:
    """1 where the grader itself failed at a submission."""
    from labkit.grading.result import FAILED

    return 1 if any(result.ended == FAILED for result in results) else 0


def run_session(session: GradingSession, grader: Grades, level: str, left: int) -> list[Result]:
    """Grade with a bar, and say what came of it.

    Args:
        session: What is graded, and where to.
        grader: An entered grader.
        level: Its walls.
        left: How many are to be graded.

    Returns:
        All results.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    odd: list[Result] = []
    if level == "plain":
        click.echo("Warning: this platform gives no walls around a learner's code; see docs/grading.md.", err=True)
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("grading", total=left)

        def told(result: Result) -> None:
            if not result.complete:
                odd.append(result)
            bar.advance(task)

        results = session.run(grader, told)
    for result in odd:
        click.echo(f"{result.learner} {result.exercise}: {result.how}", err=True)
    tell(session, results)
    return results


def tell(session: GradingSession, results: list[Result]) -> None:
    """Say what came of it.

    Args:
        session: What was graded, and where to.
        results: All results.
    """
    full = sum(result.full for result in results)
    of_what = " of what can be judged there" if any(result.mark for result in results) else ""
    click.echo(f"{len(results)} graded, {full} with full marks{of_what}. Scores: {session.out / 'scores.csv'}")
