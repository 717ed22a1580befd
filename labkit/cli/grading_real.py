"""``labkit grade --backend kind|existing``: a handful on a real cluster, beside embedded ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from labkit.grading.isolation import Limits
    from labkit.grading.result import Result
    from labkit.grading.session import GradingSession


@dataclass(frozen=True)
class Choice:
    """The cluster that the command's options name.

    Args:
        backend: ``kind`` or ``existing``.
        kubeconfig: An existing cluster's kubeconfig.
        context: Its context; empty for the file's current one.
        image: kind's node image.
        force: Use a cluster that looks like production.
    """

    backend: str
    kubeconfig: Path | None
    context: str
    image: str | None
    force: bool


def grade_on_a_real_cluster(session: GradingSession, choice: Choice, limits: Limits, kernel: bool) -> None:
    """Grade on one real cluster, then on embedded ones, and print where the scores differ.

    Args:
        session: The grading session.
        choice: On which cluster.
        limits: What one submission's processes may use.
        kernel: Run every notebook in a real kernel.

    Raises:
        LabkitError: The cluster cannot be used, or objects cannot be created or deleted.
    """
    from labkit.cli.grading_run import run_session
    from labkit.grading.grader import Grader
    from labkit.grading.real_cluster import RealClusterGrader, lab_for

    def progress(line: str) -> None:
        click.echo(line, err=True)

    left = session.left
    if left:
        found = lab_for(
            choice.backend, progress, kubeconfig=choice.kubeconfig, context=choice.context, image=choice.image
        )
        with found as lab, RealClusterGrader(lab, limits=limits, kernel=kernel) as grader:
            grader.check(left, force=choice.force, progress=progress)
            results = run_session(session, grader, grader.level, len(left))
    else:
        results = session.results()
    with Grader(limits=limits, kernel=kernel) as embedded:
        same = {(result.learner, result.exercise): result for result in embedded.grade(session.all)}
    for result in results:
        compare(result, same[result.learner, result.exercise])


def compare(real: Result, embedded: Result) -> None:
    """Print one submission's two scores.

    Args:
        real: Its result on the real cluster.
        embedded: Its result on an embedded one.
    """
    from labkit.grading.real_cluster import disagreements

    differ = disagreements(real, embedded)
    scores = [f"{one.score.points:g} of {one.score.most:g} on {one.cluster}" for one in (real, embedded)]
    verdict = "they differ" if differ else "they agree"
    click.echo(f"{real.learner} {real.exercise}: {', '.join(scores)}: {verdict}.")
    for line in (real.omissions, *real.note.splitlines(), *differ):
        if line:
            click.echo(f"  {line}")
