"""Commands for teachers: grade submissions, make a course."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.grading_run import exit_code, print_summary, run_session
from labkit.core.signals import cleaned_up


@click.command("grade")
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="Where the scores go; results, or results-BACKEND, when left out.",
)
@click.option(
    "--places",
    "slots",
    type=click.IntRange(1, 64),
    default=None,
    help="How many at once; two for each of up to 8 processors when left out.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=None,
    help="Wall-clock time of one notebook; 60, or 300 on a real cluster, when left out.",
)
@click.option("--kernel", is_flag=True, help="Run every notebook in a real kernel: slower, same scores.")
@click.option("--fresh", is_flag=True, help="Grade everything again, also what is graded already.")
@click.option("--backend", type=click.Choice(("embedded", "kind", "existing")), default=None, help="On what cluster.")
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="An existing cluster's."
)
@click.option("--context", default="", help="Its context; the file's current one when left out.")
@click.option("--image", default=None, help="kind's node image.")
@click.option("--force", is_flag=True, help="Use an existing cluster although it looks like production.")
def grade_command(
    submissions: Path,
    out: Path | None,
    slots: int | None,
    seconds: float | None,
    kernel: bool,
    fresh: bool,
    backend: str | None,
    kubeconfig: Path | None,
    context: str,
    image: str | None,
    force: bool,
) -> int:
    """Grade notebooks: each in a cluster and a process of its own.

    SUBMISSIONS holds LEARNER/EXERCISE.ipynb, nbgrader's submitted/ tree, or files named
    LEARNER__EXERCISE.ipynb. Interrupted and started again, it goes on where it was.
    Scores are written as CSV, JUnit XML, for Gradescope and PrairieLearn, and as a page
    for each learner.

    With --backend kind, or existing and its --kubeconfig, a handful is graded on that one
    real cluster, one after the other, and then on embedded ones, to see that the scores
    agree. What such a cluster cannot show is left out of the score, and marked.
    """
    from labkit.grading.isolation import Limits
    from labkit.grading.session import GradingSession
    from labkit.grading.submissions import declared_learner, printable, skipped

    backend = backend or ("existing" if kubeconfig else "embedded")
    real = backend != "embedded"
    seconds = seconds or (300.0 if real else 60.0)
    out = out or Path(f"results-{backend}" if real else "results")
    session = GradingSession(submissions, out, fresh=fresh, cluster=backend)
    for line in skipped(submissions):
        click.echo(f"Not graded: {line}.", err=True)
    for entry in session.all:
        if (name := declared_learner(entry.path)) not in ("", entry.learner):
            line = f"was worked on as {name}, and is graded as {entry.learner}: its names are another's"
            click.echo(f"{printable(entry.path.name)} of {entry.learner} {line}.", err=True)
    left = len(session.left)
    if left < len(session.all):
        click.echo(f"{len(session.all) - left} of {len(session.all)} are graded already.", err=True)
    limits = Limits(seconds=seconds, cpu_seconds=int(seconds) + 1)
    if real:
        from labkit.cli.grading_real import Choice, grade_on_a_real_cluster

        with cleaned_up():
            grade_on_a_real_cluster(session, Choice(backend, kubeconfig, context, image, force), limits, kernel)
        return exit_code(session.results())
    if not left:
        print_summary(session, session.finish())
        return 0
    from labkit.grading.pool import pool_for

    with cleaned_up(), pool_for(left, slots=slots or 0, limits=limits, kernel=kernel) as grader:
        return exit_code(run_session(session, grader, grader.level, left))


@click.group("course")
def course_command() -> None:
    """Make an nbgrader course of the exercises, and judge it."""


@course_command.command("build")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def build_command(folder: Path) -> int:
    """Write a course that nbgrader accepts into FOLDER."""
    from labkit.grading import nbgrader_course

    written = nbgrader_course.build(folder)
    click.echo(f"{len(written)} assignments in {folder / 'source'}. How to go on: {folder / 'README.md'}")
    return 0


@course_command.command("checker")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def checker_command(folder: Path) -> int:
    """Judge a course's notebooks outside their kernels.

    It runs until Ctrl-C.
    """
    import asyncio

    from labkit.grading import checker

    path = (folder / "checker.sock").absolute()
    click.echo(f"The checker listens. In the shell of nbgrader: export LABKIT_CHECKER={path}")
    asyncio.run(checker.serve(path, folder / "ledger.jsonl"))
    return 0
