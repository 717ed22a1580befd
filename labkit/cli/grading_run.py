"""Run a grading session and print what it reports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from labkit.grading.result import Result
    from labkit.grading.session import GradingSession, SubmissionGrader


def exit_code(results: list[Result]) -> int:
    """Return the exit code: 1 where the grader itself failed at a submission, else 0."""
    from labkit.grading.result import FAILED

    return 1 if any(result.ended == FAILED for result in results) else 0


def run_session(session: GradingSession, grader: SubmissionGrader, level: str, left: int) -> list[Result]:
    """Grade with a progress bar, and print a summary.

    Args:
        session: The grading session.
        grader: An entered grader.
        level: Its isolation: ``root``, ``user`` or ``plain``.
        left: How many submissions are to be graded.

    Returns:
        All results.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    incomplete: list[Result] = []
    if level == "plain":
        click.echo("Warning: this platform gives no walls around a learner's code; see docs/grading.md.", err=True)
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("grading", total=left)

        def on_result(result: Result) -> None:
            if not result.complete:
                incomplete.append(result)
            bar.advance(task)

        results = session.run(grader, on_result)
    for result in incomplete:
        click.echo(f"{result.learner} {result.exercise}: {result.outcome}", err=True)
    print_summary(session, results)
    return results


def print_summary(session: GradingSession, results: list[Result]) -> None:
    """Print how many were graded, and where the scores are.

    Args:
        session: The grading session.
        results: All results.
    """
    full = sum(result.full for result in results)
    of_what = " of what can be judged there" if any(result.omissions for result in results) else ""
    click.echo(f"{len(results)} graded, {full} with full marks{of_what}. Scores: {session.out / 'scores.csv'}")
