"""Three ways to carry out a grading plan: on this machine, on a Dask cluster, on one real cluster."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from labkit.core.language import listed, said, text

from .output import echo, report

if TYPE_CHECKING:
    from labkit.grading.judging.result import Result
    from labkit.grading.pools.dask_pool import DaskPool
    from labkit.grading.session import GradingSession, SubmissionGrader

    from .grading_plan import GradingPlan


def grade_here(plan: GradingPlan, session: GradingSession) -> list[Result]:
    """Grade on the processors of this machine.

    Raises:
        Missing: A library is not installed.
        UsageError: There are no walls, or no kubectl.
    """
    from labkit.grading.pools.pool import pool_for

    # First, since it can postpone all that is left.
    _look_for_kubectl(session, go_on=plan.without_kubectl)
    _look_for_python_client(session)
    left = len(session.ungraded)
    if not left:
        return _finish(session)
    if not plan.trust:
        _need_walls()
    with pool_for(left, slots=plan.slots or 0, limits=plan.limits()) as grader:
        return _run_session(session, grader)


def grade_on_dask(plan: GradingPlan, session: GradingSession) -> list[Result]:
    """Grade on the workers of a Dask cluster. A worker without walls or kubectl gets nothing.

    Raises:
        Missing: The library is not installed.
    """
    if not session.ungraded:
        return _finish(session)
    with _dask_pool(plan) as grader:
        return _run_session(session, grader)


def grade_on_a_real_cluster(plan: GradingPlan, session: GradingSession) -> list[Result]:
    """Grade on one real cluster, then on embedded ones, and print where the scores differ.

    Raises:
        Missing: A library is not installed.
        UsageError: There are no walls, or no kubectl.
    """
    from labkit.grading.graders.grader import Grader
    from labkit.grading.graders.real_cluster import RealClusterGrader, lab_for

    _look_for_kubectl(session, go_on=plan.without_kubectl)
    _look_for_python_client(session)
    if not plan.trust:
        _need_walls()
    limits = plan.limits()
    left = session.ungraded
    if left:
        with (
            lab_for(
                plan.cluster,
                report,
                kubeconfig=plan.kubeconfig,
                context=plan.context,
                image=plan.image,
            ) as lab,
            RealClusterGrader(lab, limits=limits) as grader,
        ):
            grader.check(left, force=plan.force, progress=report)
            _run_session(session, grader)
    with Grader(limits=limits) as embedded:
        # All that was chosen, not only what was graded now: after an interruption the
        # comparison is whole.
        same = {result.key: result for result in embedded.grade(session.chosen)}
    for key, result in sorted(session.results_by_key.items()):
        if key in same:
            _compare(result, same[key])
    return session.results()


def _dask_pool(plan: GradingPlan) -> DaskPool:
    from labkit.core.errors import Missing

    try:
        # dask and distributed are the extra scale: most graders never need them.
        from labkit.grading.pools.dask_pool import DaskPool
    except ModuleNotFoundError as error:
        todo = text("Install labkit with its extra: pip install 'kube-labkit[scale]'")
        raise Missing(
            "--scheduler needs the library distributed.", why=str(error), todo=todo
        ) from error
    return DaskPool(plan.scheduler, plan.tls_files(), limits=plan.limits(), report=report)


def _look_for_kubectl(session: GradingSession, *, go_on: bool) -> None:
    """Postpone the notebooks that call kubectl where there is none; without ``go_on``, raise ``UsageError``."""
    import shutil

    from labkit.core.errors import UsageError
    from labkit.grading.intake.submissions import KUBECTL, contains

    callers = (
        []
        if shutil.which("kubectl")
        else [entry for entry in session.ungraded if contains(entry.path, KUBECTL)]
    )
    if callers and not go_on:
        # Refused and not graded with less: a missing kubectl would cost learners points.
        first = text("the first is {first}", f"{callers[0].learner} {callers[0].exercise}")
        raise UsageError(
            "Notebooks call kubectl, which is not on this machine.",
            why=text(
                "{callers} do, {first}: what it should have made would be missing",
                len(callers),
                first,
            ),
            todo="Install kubectl, or grade the others: --without-kubectl.",
        )
    session.postpone(callers, text("it calls kubectl, which is not on the grader's machine"))
    for entry in callers:
        report(
            "Not graded: {learner} {exercise} calls kubectl. Grade it again where it is.",
            entry.learner,
            entry.exercise,
        )


def _look_for_python_client(session: GradingSession) -> None:
    """Refuse to grade notebooks without a library that they import and ``kube-labkit-core[grade]`` does not install.

    Raises:
        Missing: It is the official client, which is larger than all the rest.
    """
    from importlib.util import find_spec

    from labkit.core.libraries import missing
    from labkit.grading.intake.submissions import PYTHON_CLIENT, contains

    if find_spec("kubernetes") is None and any(
        contains(entry.path, PYTHON_CLIENT) for entry in session.ungraded
    ):
        raise missing("kubernetes")


def _need_walls() -> None:
    """Refuse to run others' code where nothing separates it from this user's files and processes.

    Raises:
        UsageError: There are no namespaces.
    """
    from labkit.core.errors import UsageError
    from labkit.grading.walls.isolation import strongest_level

    # Walls are Linux namespaces (clone(2)); other systems, and some containers, have none for
    # this user.
    if strongest_level() == "plain":
        raise UsageError(
            "There are no walls around a learner's code on this platform.",
            why="a notebook could read and write your files, the results among them, and end the grader",
            todo="Grade on Linux, or with --trust if you trust every notebook.",
        )


def _finish(session: GradingSession) -> list[Result]:
    """Write the reports of what is graded already, and print a summary."""
    results = session.finish()
    _print_summary(session, results)
    return results


def _run_session(session: GradingSession, grader: SubmissionGrader) -> list[Result]:
    """Grade what is left with a progress bar, and print a summary."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[rate]}"), TimeRemainingColumn()),
    )
    incomplete: list[Result] = []
    if grader.level == "plain":
        report(
            "Warning: this platform gives no walls around a learner's code; see docs/grading.md."
        )
    # On standard error: a summary that is redirected holds no bar.
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(said("grading"), total=len(session.ungraded), rate="")

        def on_result(result: Result) -> None:
            if not result.complete:
                incomplete.append(result)
            done = bar.tasks[task]
            rate = 60 * (done.completed + 1) / max(done.elapsed or 0, 1)
            bar.update(task, advance=1, rate=said("{number} a minute", f"{rate:,.0f}"))

        results = session.run(grader, on_result)
    # After the bar, whose redrawing would overwrite these lines.
    for result in incomplete:
        report(listed((" ".join(result.key), result.outcome), ": "))
    _print_summary(session, results)
    return results


def _print_summary(session: GradingSession, results: list[Result]) -> None:
    """Print how many were graded, and where the scores are."""
    full = sum(result.full for result in results)
    incomplete = any(result.omissions for result in results)
    by_hand = sum(bool(task.corrected) for result in results for task in result.score.tasks)
    echo(
        "{results} graded, {full} with full marks{what}{corrected}. Scores: {csv}",
        len(results),
        full,
        text(" of what can be judged there") if incomplete else "",
        text(", {number} of the tasks corrected by hand", by_hand) if by_hand else "",
        session.out / "scores.csv",
    )


def _compare(real: Result, embedded: Result) -> None:
    """Print one submission's two scores."""
    from labkit.grading.graders.real_cluster import disagreements

    differ = disagreements(real, embedded)
    got = text("{points} of {most} on {cluster}")
    scores = [
        text(got, f"{one.score.points:g}", f"{one.score.most:g}", one.cluster)
        for one in (real, embedded)
    ]
    verdict = text("they differ.") if differ else text("they agree.")
    echo(listed((" ".join(real.key), listed(scores, ", "), verdict), ": "))
    for line in "\n".join(
        map(said, filter(None, (real.omissions, real.note, *differ)))
    ).splitlines():
        echo(f"  {line}")
