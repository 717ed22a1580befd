"""Commands for teachers: grade submissions, make a course."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from labkit.cli.cluster import report
from labkit.core.signals import interrupt_on_signals

if TYPE_CHECKING:
    from labkit.backends.base import Report
    from labkit.grading.intake.intake import Intake
    from labkit.grading.judging.result import Result
    from labkit.grading.pools.dask_pool import DaskPool
    from labkit.grading.pools.pool import GraderPool
    from labkit.grading.session import GradingSession, SubmissionGrader
    from labkit.grading.walls.isolation import Limits
    from labkit.lab.lab import Lab

PEM = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("grade")
@click.argument("submissions", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--roster",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A table (CSV) of learners' ids, names and mail: whom a system names becomes the id.",
)
@click.option(
    "--duplicates",
    type=click.Choice(("newest", "first", "refuse")),
    default="newest",
    help="Which of a learner's several notebooks of an exercise counts; newest when left out.",
)
@click.option("--late", type=click.Choice(("accept", "refuse")), default="accept", help="Whether late ones are graded.")
@click.option("--only", multiple=True, metavar="LEARNER", help="Grade nobody else: an id, name or mail; several times.")
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
@click.option("--regrade", is_flag=True, help="Grade again what is graded already; with --only, just theirs.")
@click.option(
    "--fresh",
    is_flag=True,
    help="Begin anew: as --regrade, and where a folder or archive is named, forget the results of what is not in it.",
)
@click.option("--backend", type=click.Choice(("embedded", "kind", "existing")), default=None, help="On what cluster.")
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="An existing cluster's."
)
@click.option("--context", default="", help="Its context; the file's current one when left out.")
@click.option("--image", default=None, help="kind's node image.")
@click.option(
    "--without-kubectl", is_flag=True, help="Go on where there is no kubectl; what calls it is left to be graded again."
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Grade on a Dask cluster: tls://HOST:PORT.")
@click.option("--tls-ca", type=PEM, help="Its authority; that of Dask's configuration when left out.")
@click.option("--tls-cert", type=PEM, help="Your certificate there.")
@click.option("--tls-key", type=PEM, help="The certificate's key.")
@click.option("--trust", is_flag=True, help="Grade where there are no walls: you trust every notebook.")
@click.option("--force", is_flag=True, help="Use an existing cluster although it looks like production.")
def grade_command(
    submissions: tuple[Path, ...],
    roster: Path | None,
    duplicates: str,
    late: str,
    only: tuple[str, ...],
    out: Path | None,
    slots: int | None,
    seconds: float | None,
    kernel: bool,
    regrade: bool,
    fresh: bool,
    backend: str | None,
    kubeconfig: Path | None,
    context: str,
    image: str | None,
    without_kubectl: bool,
    scheduler: str,
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    trust: bool,
    force: bool,
) -> int:
    """Grade notebooks: each in a cluster and a process of its own.

    SUBMISSIONS are folders, notebooks and zip archives: LEARNER/EXERCISE.ipynb, nbgrader's
    submitted/ tree, files named LEARNER__EXERCISE.ipynb, and what Canvas and Moodle hand out.
    Interrupted and started again, it goes on where it was; what was stored by another labkit,
    or of an exercise that has changed, is graded again. Scores are written as CSV, also for
    Canvas' and Moodle's gradebooks, as JUnit XML, for Gradescope and PrairieLearn, and as a
    page for each learner.

    With --backend kind, or existing and its --kubeconfig, a handful is graded on that one
    real cluster, one after the other, and then on embedded ones, to see that the scores
    agree. What such a cluster cannot show is left out of the score, and marked.

    With --scheduler, the workers of a Dask cluster grade; docs/scale.md says how to start one.
    """
    from labkit.grading.intake.intake import take_in
    from labkit.grading.intake.roster import Roster
    from labkit.grading.session import GradingSession
    from labkit.grading.walls.isolation import Limits

    backend = backend or ("existing" if kubeconfig else "embedded")
    real = backend != "embedded"
    if scheduler and (real or slots or trust):
        raise click.UsageError("--scheduler goes without --backend, --kubeconfig, --places and --trust.")
    seconds = seconds or (300.0 if real else 60.0)
    out = out or Path(f"results-{backend}" if real else "results")
    command = click.get_current_context()
    command.with_resource(interrupt_on_signals())
    unpacked = command.with_resource(TemporaryDirectory(prefix="labkit-intake-", ignore_cleanup_errors=True))
    people = Roster(roster) if roster else None
    intake = take_in(submissions, Path(unpacked), roster=people, duplicates=duplicates, late=late == "accept")
    fingerprint = _give_codes(intake, submissions)
    session = GradingSession(intake, out, fresh=fresh, regrade=regrade, only=only, cluster=backend, course=fingerprint)
    _describe(session, intake.lines)
    if not scheduler:  # workers without kubectl get nothing
        _look_for_kubectl(session, go_on=without_kubectl)
    left = len(session.left)
    if (left or real) and not (trust or scheduler):
        _need_walls()
    limits = Limits(seconds=seconds, cpu_seconds=int(seconds) + 1)
    if real:
        from labkit.grading.graders.real_cluster import lab_for

        open_lab = partial(lab_for, backend, kubeconfig=kubeconfig, context=context, image=image)
        _grade_on_a_real_cluster(session, open_lab, limits, kernel=kernel, force=force)
        return _exit_code(session.results())
    if not left:
        results = session.finish()
        _print_summary(session, results)
        return _exit_code(results)
    from labkit.grading.pools.pool import pool_for

    if scheduler:
        files = {"tls_ca_file": tls_ca, "tls_client_cert": tls_cert, "tls_client_key": tls_key}
        pool: DaskPool | GraderPool = _dask_pool(scheduler, files, limits, kernel=kernel)
    else:
        pool = pool_for(left, slots=slots or 0, limits=limits, kernel=kernel)
    with pool as grader:
        return _exit_code(_run_session(session, grader, grader.level, left))


def _dask_pool(address: str, files: Mapping[str, Path | None], limits: Limits, *, kernel: bool) -> DaskPool:
    """The workers of a Dask cluster.

    Raises:
        Missing: The library is not installed.
    """
    from labkit.core.errors import Missing

    try:
        from labkit.grading.pools.dask_pool import DaskPool
    except ModuleNotFoundError as error:
        todo = "Install labkit with its extra: pip install 'kube-labkit[scale]'"
        raise Missing("--scheduler needs the library distributed.", why=str(error), todo=todo) from error
    given = {name: str(path) for name, path in files.items() if path is not None}
    return DaskPool(address, given, limits=limits, kernel=kernel, report=report)


def _give_codes(intake: Intake, submissions: Sequence[Path]) -> str:
    """Give each submission its learner's code, if a secret lies beside what is named; return its fingerprint."""
    from labkit.grading.exercises.course_secret import read_secret

    # Never beside single notebooks: they lie among what was handed in.
    folders = [path.resolve().parent for path in submissions if path.suffix.lower() != ".ipynb"]
    secret = next((found for folder in folders if (found := read_secret(folder))), None)
    if secret is None:
        return ""
    intake.submissions = [replace(entry, code=secret.code(entry.learner)) for entry in intake.submissions]
    click.echo("Names depend on the course's secret.", err=True)
    return secret.fingerprint


def _describe(session: GradingSession, lines: Sequence[str]) -> None:
    """Print what is left out, what was worked on under another name, and what of earlier results is used."""
    from labkit.grading.intake.submissions import printable

    for line in lines:
        click.echo(line, err=True)
    for entry in session.chosen:
        if name := session.looks[entry.key].declared:
            line = f"was worked on as {name}, and is graded as {entry.learner}: its names are another's"
            click.echo(f"{printable(entry.path.name)} of {entry.learner} {line}.", err=True)
    for line in session.unused:
        click.echo(line, err=True)
    for entry in session.all:
        if entry not in session.chosen and entry.key not in session.done:
            click.echo(f"Not graded yet, and not in the reports: {entry.learner} {entry.exercise}.", err=True)
    graded = len(session.chosen) - len(session.left)
    if graded:
        click.echo(f"{graded} of {len(session.chosen)} are graded already.", err=True)


def _look_for_kubectl(session: GradingSession, *, go_on: bool) -> None:
    """Postpone the notebooks that call kubectl where there is none; without ``go_on``, raise ``UsageError``."""
    import shutil

    from labkit.core.errors import UsageError
    from labkit.grading.intake.submissions import calls_kubectl

    callers = [] if shutil.which("kubectl") else [entry for entry in session.left if calls_kubectl(entry.path)]
    if callers and not go_on:
        first = f"the first is {callers[0].learner} {callers[0].exercise}"
        raise UsageError(
            "Notebooks call kubectl, which is not on this machine.",
            why=f"{len(callers)} do, {first}: what it should have made would be missing",
            todo="Install kubectl, or grade the others: --without-kubectl.",
        )
    session.postpone(callers, "it calls kubectl, which is not on the grader's machine")
    for entry in callers:
        click.echo(f"Not graded: {entry.learner} {entry.exercise} calls kubectl. Grade it again where it is.", err=True)


def _need_walls() -> None:
    """Refuse to run others' code where nothing separates it from this user's files and processes.

    Raises:
        UsageError: There are no namespaces.
    """
    from labkit.core.errors import UsageError
    from labkit.grading.walls.isolation import strongest_level

    if strongest_level() == "plain":
        raise UsageError(
            "There are no walls around a learner's code on this platform.",
            why="a notebook could read and write your files, the results among them, and end the grader",
            todo="Grade on Linux, or with --trust if you trust every notebook.",
        )


def _exit_code(results: list[Result]) -> int:
    """The exit code: 1 where the grader itself failed at a submission, else 0."""
    from labkit.grading.judging.result import FAILED

    return 1 if any(result.ended == FAILED for result in results) else 0


def _run_session(session: GradingSession, grader: SubmissionGrader, level: str, left: int) -> list[Result]:
    """Grade with a progress bar, and print a summary."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[rate]}"), TimeRemainingColumn()),
    )
    incomplete: list[Result] = []
    if level == "plain":
        click.echo("Warning: this platform gives no walls around a learner's code; see docs/grading.md.", err=True)
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("grading", total=left, rate="")

        def on_result(result: Result) -> None:
            if not result.complete:
                incomplete.append(result)
            done = bar.tasks[task]
            rate = 60 * (done.completed + 1) / max(done.elapsed or 0, 1)
            bar.update(task, advance=1, rate=f"{rate:,.0f} a minute")

        results = session.run(grader, on_result)
    for result in incomplete:
        click.echo(f"{result.learner} {result.exercise}: {result.outcome}", err=True)
    _print_summary(session, results)
    return results


def _print_summary(session: GradingSession, results: list[Result]) -> None:
    """Print how many were graded, and where the scores are."""
    full = sum(result.full for result in results)
    of_what = " of what can be judged there" if any(result.omissions for result in results) else ""
    click.echo(f"{len(results)} graded, {full} with full marks{of_what}. Scores: {session.out / 'scores.csv'}")


def _grade_on_a_real_cluster(
    session: GradingSession,
    open_lab: Callable[[Report], AbstractContextManager[Lab]],
    limits: Limits,
    *,
    kernel: bool,
    force: bool,
) -> None:
    """Grade on one real cluster, then on embedded ones, and print where the scores differ."""
    from labkit.grading.graders.grader import Grader
    from labkit.grading.graders.real_cluster import RealClusterGrader

    left = session.left
    if left:
        with open_lab(report) as lab, RealClusterGrader(lab, limits=limits, kernel=kernel) as grader:
            grader.check(left, force=force, progress=report)
            results = _run_session(session, grader, grader.level, len(left))
    else:
        results = session.results()
    with Grader(limits=limits, kernel=kernel) as embedded:
        same = {result.key: result for result in embedded.grade(session.chosen)}
    for result in results:
        if result.key in same:
            _compare(result, same[result.key])


def _compare(real: Result, embedded: Result) -> None:
    """Print one submission's two scores."""
    from labkit.grading.graders.real_cluster import disagreements

    differ = disagreements(real, embedded)
    scores = [f"{one.score.points:g} of {one.score.most:g} on {one.cluster}" for one in (real, embedded)]
    verdict = "they differ" if differ else "they agree"
    click.echo(f"{real.learner} {real.exercise}: {', '.join(scores)}: {verdict}.")
    for line in (real.omissions, *real.note.splitlines(), *differ):
        if line:
            click.echo(f"  {line}")


@click.group("course")
def course_command() -> None:
    """Make an nbgrader course of the exercises, and judge it."""


@course_command.command("build")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def build_command(folder: Path) -> int:
    """Write a course that nbgrader accepts into FOLDER."""
    from labkit.grading.nbgrader import course as nbgrader_course

    written = nbgrader_course.build(folder)
    click.echo(f"{len(written)} assignments in {folder / 'source'}. How to go on: {folder / 'README.md'}")
    return 0


@course_command.command("secret")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--roster", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Print its codes as CSV.")
def secret_command(folder: Path, roster: Path | None) -> int:
    """Make the secret of the course in FOLDER; print learners' codes.

    With it, names in tasks depend on each learner's code. Keep the file, and give it to nobody.
    """
    import csv

    from labkit.grading.exercises.course_secret import FILE, make_secret
    from labkit.grading.intake.roster import Roster
    from labkit.grading.reports.scores import safe_cell

    secret, is_new = make_secret(folder)
    click.echo(f"{folder / FILE}: {'made' if is_new else 'was there, and stays'}.", err=True)
    rows = [("id", "name", "mail", "code")]
    for person in Roster(roster).people.values() if roster else ():
        rows.append((person.id, person.name, person.mail, secret.code(person.id)))
    csv.writer(sys.stdout).writerows([safe_cell(cell) for cell in row] for row in rows if roster)
    return 0


@course_command.command("checker")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def checker_command(folder: Path) -> int:
    """Judge a course's notebooks outside their kernels.

    It runs until Ctrl-C.
    """
    import asyncio

    from labkit.grading.exercises.course_secret import read_secret
    from labkit.grading.nbgrader import checker

    path = (folder / "checker.sock").absolute()
    click.echo(f"The checker listens. In the shell of nbgrader: export LABKIT_CHECKER={path}")
    asyncio.run(checker.serve(path, folder / "ledger.jsonl", read_secret(folder)))
    return 0
