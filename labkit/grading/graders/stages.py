"""How one submission is graded: ``STAGES``, in order.

After ``close`` no process of the learner is left that could change the cluster, so the checks see it as the
learner left it. ``grade_submission`` has the set-up, the clean-up and the error handling around the stages.
"""

import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from labkit.core.language import Text, text
from labkit.core.redact import redact

from ..exercises.notebooks import blank_answers
from ..intake.declared import seed_of
from ..intake.submissions import Submission, Unreadable, code_cells, files_beside
from ..judging.findings import TaskFindings, TooManyGrants
from ..judging.result import FAILED, Result
from ..judging.score import Score, TaskScore, plain, score
from ..judging.weights import RULE
from ..running.workers import Report, ServedCluster, Worker, Workers
from ..tasks import find_exercise
from ..tasks.seed import Seed
from ..tasks.task import ExerciseSpec

TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")
"""ANSI colour sequences, as in IPython's tracebacks."""

MISSING = re.compile(r"ModuleNotFoundError: No module named '([^'\n]+)'")
"""The line that a notebook prints when an import fails."""

MAX_OUTPUT = 4000
"""Characters of a notebook's output that its result has."""


class LearnerCluster(Protocol):
    """The cluster that a submission works on: one of its own, or a real one that it shares."""

    def set_up(self) -> None:
        """Create the objects that the exercise starts with."""

    def serve(self, listener: socket.socket, lab_home: Path) -> ServedCluster:
        """Serve the cluster on a worker's socket, for a ``LABKIT_HOME`` at a path."""

    def check(self) -> list[TaskFindings]:
        """Ask all checks of the exercise.

        Raises:
            TooManyGrants: The cluster has more grants than can be judged.
        """

    @property
    def note(self) -> str:
        """The cluster's refusals of the submission's requests, as sentences; empty without a refusal."""

    def close(self) -> None:
        """Remove the created objects, or the cluster itself."""


NewCluster = Callable[[ExerciseSpec, str], LearnerCluster]
"""Makes the cluster for an exercise and the name of a learner's seed. ``set_up`` creates the first objects."""


@dataclass
class GradingRun:
    """One submission on its way through the stages; each stage sets what the later ones need.

    ``cleanup`` closes the stages' resources, the last first.
    """

    submission: Submission
    exercise: ExerciseSpec
    slot: int
    workers: Workers
    new_cluster: NewCluster
    cleanup: AsyncExitStack
    cells: list[str] = field(init=False)
    files: dict[str, bytes] = field(init=False)
    seed_name: str = field(init=False)
    worker: Worker = field(init=False)
    cluster: LearnerCluster = field(init=False)
    report: Report = field(init=False)
    findings: list[TaskFindings] = field(init=False)
    score: Score = field(init=False)


async def read(run: GradingRun) -> None:
    """Read the notebook's code cells, and the other files in its folder; ``Unreadable`` ends the run."""
    run.cells = code_cells(run.submission.path)
    run.files = files_beside(run.submission)
    run.seed_name = seed_of(run.submission, run.cells)


async def isolate(run: GradingRun) -> None:
    """Fork a worker into namespaces of its own."""
    run.worker = await run.workers.start(run.slot)
    run.cleanup.push_async_callback(run.worker.close)


async def open_cluster(run: GradingRun) -> None:
    """Set up the learner's cluster, and serve it on the worker's socket."""
    run.cluster = run.new_cluster(run.exercise, run.seed_name)
    run.cleanup.callback(run.cluster.close)
    # Closed before the cluster, so that the worker cannot create objects after the clean-up.
    run.cleanup.push_async_callback(run.worker.close)
    run.cluster.set_up()
    run.worker.connect(run.cluster.serve(run.worker.listener, run.worker.lab_home))


async def run_cells(run: GradingRun) -> None:
    """Run the cells in the worker, until they end or a limit ends them."""
    run.report = await run.worker.run(run.cells, run.submission.learner, run.files)
    run.workers.cpu_seconds += run.report.cpu_seconds


async def close(run: GradingRun) -> None:
    """Kill the worker's processes and close its socket: the cluster is as the learner left it."""
    await run.worker.close()


async def check(run: GradingRun) -> None:
    """Ask the cluster the exercise's checks; ``TooManyGrants`` ends the run."""
    run.findings = run.cluster.check()


async def count_points(run: GradingRun) -> None:
    """Turn findings into points."""
    blank = blank_answers(run.exercise, run.cells)
    for findings in run.findings:
        findings.untouched = findings.untouched and findings.task.id in blank
    run.score = score(run.exercise, run.submission.learner, run.findings)


STAGES: dict[str, Callable[[GradingRun], Awaitable[None]]] = {
    "read": read,
    "isolate": isolate,
    "open": open_cluster,
    "run": run_cells,
    # Before the checks: a process that went on could change the cluster between two of them.
    "close": close,
    "check": check,
    "score": count_points,
}
"""The stages in their order, by the names that ``docs/grading.md`` has."""


async def grade_submission(
    submission: Submission, slot: int, workers: Workers, new_cluster: NewCluster, cluster_name: str
) -> Result:
    """Take one submission through all stages; one that cannot be read or judged gets no points.

    Everything that the stages opened is closed: after the last one, after an error, and when the task is
    cancelled.

    Raises:
        Exception: A stage failed, through no fault of the submission.
    """
    exercise = find_exercise(submission.exercise)
    try:
        async with AsyncExitStack() as cleanup:
            run = GradingRun(submission, exercise, slot, workers, new_cluster, cleanup)
            for name, stage in STAGES.items():
                try:
                    await stage(run)
                except Exception as error:
                    error.add_note(f"Stage {name}: {stage.__doc__}")
                    raise
            return _result(run, cluster_name)
    except Unreadable as error:
        return unreadable_result(submission, workers.level, error.args[0], cluster_name)
    except TooManyGrants as error:
        reason = text("it left more than can be judged: {what}", error.args[0])
        return unreadable_result(submission, workers.level, reason, cluster_name)


def _result(run: GradingRun, cluster_name: str) -> Result:
    missing = MISSING.search(run.report.output)
    return Result(
        run.submission.learner,
        run.exercise.id,
        run.report.ended,
        run.report.claimed_cells,
        len(run.cells),
        run.score,
        run.workers.level,
        run.cluster.note,
        _readable_output(run.report.output),
        cluster_name,
        plain(missing[1], 100) if missing else "",
        rule=RULE,
    )


def unreadable_result(
    submission: Submission, level: str, reason: str, cluster_name: str = "embedded"
) -> Result:
    """Make the result of a submission that cannot be graded: no points, and the reason."""
    exercise = find_exercise(submission.exercise)
    seed = Seed(submission.learner)
    tasks = tuple(
        TaskScore(task.id, task.title, 0.0, task.variant(seed).max_points, (), (), 0)
        for task in exercise.tasks
    )
    empty = Score(exercise.id, submission.learner, tasks)
    return Result(
        submission.learner,
        exercise.id,
        "unreadable",
        0,
        0,
        empty,
        level,
        reason,
        cluster=cluster_name,
        rule=RULE,
    )


def failed_result(
    submission: Submission, level: str, error: object, cluster_name: str = "embedded"
) -> Result:
    """Make the result of a submission that the grader failed at; it is not stored, and graded the next time."""
    words = error if isinstance(error, Text) else f"{error}"[:160]
    reason = text("the grader failed, start it again: {error}", words)
    return replace(unreadable_result(submission, level, reason, cluster_name), ended=FAILED)


def _readable_output(output: str) -> str:
    """Return the start and the end of an output, without tokens, colours and control characters."""
    # Redacting is slow on some texts that a learner can choose, so it gets a short one.
    text = redact(TERMINAL_COLOURS.sub("", _shortened(output, 4 * MAX_OUTPUT)))
    return plain(_shortened(text.replace("\r\n", "\n"), MAX_OUTPUT), 2 * MAX_OUTPUT)


def _shortened(text: str, most: int) -> str:
    # Both ends: the first error is usually the cause, and the last lines show how it ended.
    return text if len(text) <= most else f"{text[: most // 2]}\n[…]\n{text[-most // 2 :]}"
