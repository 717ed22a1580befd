"""The command that grades submissions: its options, and what it prints before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit.core.language import LANGUAGES, text, use
from labkit.core.scratch import scratch_directory
from labkit.core.signals import interrupt_on_signals

from .grading_plan import GradingPlan
from .grading_runs import grade_here, grade_on_a_real_cluster, grade_on_dask
from .output import FILE, INPUT, echo, report

if TYPE_CHECKING:
    from labkit.grading.intake.intake import Intake
    from labkit.grading.session import GradingSession


@click.command("grade")
@click.argument("submissions", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--roster",
    type=INPUT,
    help="A table (CSV) of learners' ids, names and mail addresses: maps the names used by Canvas or Moodle to ids.",
)
@click.option(
    "--duplicates",
    type=click.Choice(("newest", "first", "refuse")),
    default="newest",
    help="Which of a learner's several notebooks of an exercise counts; newest when left out.",
)
@click.option(
    "--due", default="", metavar="TIME", help="When it is due, with a zone: 2026-11-20T23:59+01:00."
)
@click.option(
    "--extensions", type=INPUT, help="A table of learners for whom it is due later: learner, due."
)
@click.option(
    "--groups", type=INPUT, help="A table of Moodle's groups, a member in each row: group, learner."
)
@click.option(
    "--late",
    type=click.Choice(("accept", "refuse")),
    default="accept",
    help="Whether late ones are graded.",
)
@click.option(
    "--earlier",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="A folder of an earlier class: code is compared with it too, and what was common there says less.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="LEARNER",
    help="Grade nobody else: an id, name or mail; several times.",
)
@click.option(
    "--overrides",
    type=FILE,
    help="A table of points that you decided: learner, task, points, reason; OUT-overrides.csv when left out.",
)
@click.option(
    "--overrides-template",
    is_flag=True,
    help="Write that table, to be filled in, with a row for each task.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where the scores go, not to results or results-BACKEND.",
)
@click.option(
    "--places",
    "slots",
    type=click.IntRange(1, 64),
    help="How many at once; two for each of up to 8 processors when left out.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    help="Wall-clock time of one notebook; 60, or 300 on a real cluster, when left out.",
)
@click.option(
    "--kernel", is_flag=True, help="Run every notebook in a real kernel: slower, same scores."
)
@click.option(
    "--regrade", is_flag=True, help="Grade again what is graded already; with --only, just theirs."
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Begin anew: as --regrade, and where a folder or archive is named, forget the results of what is not in it.",
)
@click.option(
    "--backend",
    type=click.Choice(("embedded", "kind", "existing")),
    default=None,
    help="On what cluster.",
)
@click.option("--kubeconfig", type=INPUT, help="An existing cluster's.")
@click.option("--context", default="", help="Its context; the file's current one when left out.")
@click.option("--image", default=None, help="kind's node image.")
@click.option(
    "--without-kubectl",
    is_flag=True,
    help="Go on without kubectl; what calls it is left to grade again.",
)
@click.option(
    "--scheduler", default="", metavar="ADDRESS", help="Grade on a Dask cluster: tls://HOST:PORT."
)
@click.option(
    "--tls-ca", type=INPUT, help="Its authority; that of Dask's configuration when left out."
)
@click.option("--tls-cert", type=INPUT, help="Your certificate there.")
@click.option("--tls-key", type=INPUT, help="The certificate's key.")
@click.option(
    "--trust", is_flag=True, help="Grade where there are no walls: you trust every notebook."
)
@click.option(
    "--force", is_flag=True, help="Use an existing cluster although it looks like production."
)
@click.option(
    "--lang",
    type=click.Choice(tuple(LANGUAGES)),
    # A callback, because it runs while options are parsed: texts that are made later are in
    # this language.
    callback=lambda _context, _parameter, lang: use(lang or ""),
    expose_value=False,
    help="The language of what people read; that of LABKIT_LANG or of the system when left out.",
)
def grade_command(**options: Any) -> int:
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
    from labkit.core.libraries import FOR_GRADING, require
    from labkit.grading.judging.result import FAILED

    # Most of them are for learners' processes.
    require("ipykernel", "nbclient", "packaging", "rich", install=FOR_GRADING)
    plan = GradingPlan(**options)
    command = click.get_current_context()
    # Both end with the command, in the opposite order: after SIGTERM too, the unpacked
    # submissions are deleted.
    command.with_resource(interrupt_on_signals())
    unpacked = command.with_resource(scratch_directory("labkit-intake-"))
    session = _open_session(plan, unpacked)
    if plan.scheduler:
        results = grade_on_dask(plan, session)
    elif plan.on_real_cluster:
        results = grade_on_a_real_cluster(plan, session)
    else:
        results = grade_here(plan, session)
    if plan.overrides_template:
        session.write_template(plan.overrides_table)
        echo(
            "Fill in points and reasons in {overrides}, and start the command again.",
            plan.overrides_table,
        )
    return 1 if any(result.ended == FAILED for result in results) else 0


def _open_session(plan: GradingPlan, unpacked: Path) -> GradingSession:
    """Collect the submissions, and print which of them, and of the earlier results, are not used."""
    from labkit.grading.intake.exports import read_groups
    from labkit.grading.intake.intake import collect
    from labkit.grading.intake.roster import Roster
    from labkit.grading.session import GradingSession, SessionOptions

    roster = Roster(plan.roster) if plan.roster else None
    intake = collect(
        plan.submissions,
        unpacked,
        roster=roster,
        duplicates=plan.duplicates,
        late=plan.late == "accept",
        deadline=plan.deadline(),
        groups=read_groups(plan.groups) if plan.groups else None,
    )
    # Before the session: stored results of another secret are not used again.
    fingerprint = _give_codes(intake, plan.submissions)
    overrides = plan.overrides_table
    options = SessionOptions(
        fresh=plan.fresh,
        regrade=plan.regrade,
        only=plan.only,
        cluster=plan.cluster,
        course=fingerprint,
        # GradingPlan has refused a missing table that was named; the default one is optional.
        overrides=overrides if overrides.exists() else None,
        earlier=plan.earlier,
    )
    session = GradingSession(intake, plan.results, options)
    _describe(session, intake.lines)
    return session


def _give_codes(intake: Intake, submissions: Sequence[Path]) -> str:
    """Give each submission its learner's code, if a secret lies beside what is named; return its fingerprint."""
    from labkit.grading.exercises.course_secret import read_secret

    # Never beside single notebooks: they lie among what was handed in.
    folders = [path.resolve().parent for path in submissions if path.suffix.lower() != ".ipynb"]
    secret = next((found for folder in folders if (found := read_secret(folder))), None)
    if secret is None:
        return ""
    intake.submissions = [
        replace(entry, code=secret.code(entry.learner)) for entry in intake.submissions
    ]
    report("Names depend on the course's secret.")
    return secret.fingerprint


def _describe(session: GradingSession, lines: Sequence[str]) -> None:
    """Print what is left out, what was worked on under another name, and what of earlier results is used."""
    from labkit.grading.intake.submissions import printable

    for line in lines:
        report(line)
    for entry in session.chosen:
        if name := session.inspections[entry.key].declared:
            file = printable(entry.path.name)
            learner = entry.learner
            line = text(
                "{file} of {id} was worked on as {name}, and is graded as {id}: its names are another's."
            )
            report(line, file, learner, name)
    for line in session.warnings():
        report(line)
    # With --only, others' results are reported too if they exist; this names those without any.
    for entry in session.intake.submissions:
        if entry not in session.chosen and entry.key not in session.results_by_key:
            report(
                "Not graded yet, and not in the reports: {learner} {exercise}.",
                entry.learner,
                entry.exercise,
            )
    graded = len(session.chosen) - len(session.ungraded)
    if graded:
        report("{graded} of {chosen} are graded already.", graded, len(session.chosen))
