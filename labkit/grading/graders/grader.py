"""Grades submissions in this process, several at once, each on its own embedded cluster.

The clusters live in this process, behind one event loop; the notebooks run in ``workers``.
``pool`` grades with several such processes.
"""

import asyncio
import logging
import resource
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial

from kube_embedded import Keys, run
from labkit.core.language import listed, text

from ..clusters.budget import Quota
from ..clusters.embedded_cluster import ClusterTemplate, EmbeddedCluster
from ..clusters.loop_watch import LoopWatch, Share
from ..intake.submissions import Submission
from ..judging.result import Result, by_exercise_and_learner
from ..running.workers import WithWorkers, Workers
from ..tasks.task import ExerciseSpec
from ..walls.isolation import Limits
from .stages import failed_result, grade_submission

OnResult = Callable[[Result], None]
NextSubmission = Callable[[], Awaitable[Submission | None]]

GRADED_AGAIN = text(
    "It was graded again, alone: something else had kept it or its server from running."
)
"""The note of a result that replaces one whose notebook or server was kept waiting."""

STILL_BUSY = text(
    "It was kept waiting then, too: grade it once more (--regrade --only) where nothing else runs."
)

log = logging.getLogger(__name__)

SLOTS = 4
"""How many submissions are graded at once; a slot waits for its worker part of the time."""


class Grader(WithWorkers):
    """Grades submissions on one processor, ``slots`` at once."""

    def __init__(
        self, *, slots: int = SLOTS, limits: Limits = Limits(), quota: Quota = Quota()
    ) -> None:
        self._quota = quota
        self.slots = slots
        self._template = ClusterTemplate()
        self._watch = LoopWatch()
        super().__init__(Workers(limits))

    @property
    def cpu_seconds(self) -> float:
        """Processor time of this process and of the workers that have ended."""
        return cpu_seconds() + self.workers.cpu_seconds

    def grade(
        self, submissions: Iterable[Submission], on_result: OnResult = lambda _result: None
    ) -> list[Result]:
        """Grade submissions, and call ``on_result`` with each result as it comes.

        Returns:
            The results, sorted by exercise and learner.

        Raises:
            OSError: ``on_result`` could not store a result.
        """
        waiting = iter(submissions)

        async def next_submission() -> Submission | None:
            return next(waiting, None)

        return by_exercise_and_learner(self.grade_all(next_submission, on_result))

    def grade_all(self, next_submission: NextSubmission, on_result: OnResult) -> list[Result]:
        """Grade until there is no next submission, which each free slot requests; return the results as they arrived.

        Raises:
            OSError: ``on_result`` could not store a result.
        """
        try:
            return run(self._grade_all(next_submission, on_result))
        except BaseExceptionGroup as group:
            # Several slots can fail at once, such as with a full disk; the first error is enough.
            raise group.exceptions[0] from None

    async def _grade_all(
        self, next_submission: NextSubmission, on_result: OnResult
    ) -> list[Result]:
        results: list[Result] = []
        blocked: list[Submission] = []

        def report(result: Result) -> None:
            results.append(result)
            on_result(result)

        async def fill(slot: int) -> None:
            while (submission := await next_submission()) is not None:
                result, is_blocked = await self._grade_one(submission, slot)
                if is_blocked:
                    blocked.append(submission)
                else:
                    report(result)

        # It notices when one submission's request blocks the loop for the others.
        watching = asyncio.create_task(self._watch.run())
        try:
            async with asyncio.TaskGroup() as group:
                for slot in range(self.slots):
                    group.create_task(fill(slot))
            # When all others have ended, so that a submission that had to wait for others gets a fair run.
            for submission in blocked:
                result, again = await self._grade_one(submission, 0)
                report(
                    replace(
                        result,
                        note=listed((GRADED_AGAIN, STILL_BUSY if again else "", result.note), " "),
                    )
                )
        finally:
            watching.cancel()
        return results

    async def _grade_one(self, submission: Submission, slot: int) -> tuple[Result, bool]:
        """Grade a submission; return its result, and whether its server was blocked during that time."""
        share = Share()
        new_cluster = partial(self._new_cluster, share)
        try:
            result = await grade_submission(submission, slot, self.workers, new_cluster, "embedded")
        except Exception as error:
            # One submission must not stop the grading of the others.
            log.exception("%s could not be graded", submission.path)
            return failed_result(submission, self.level, error), False
        return result, share.blocked

    def _new_cluster(self, share: Share, exercise: ExerciseSpec, learner: str) -> EmbeddedCluster:
        """Make a cluster; from the template if learners cannot reach each other's clusters."""
        template = self._template if self.workers.isolated else None
        keys = template.keys if template else Keys.generate(self._template.keys.token_key)
        return EmbeddedCluster(
            keys,
            exercise,
            learner,
            template=template,
            quota=self._quota,
            watch=self._watch,
            share=share,
        )


def cpu_seconds() -> float:
    """Return the processor time of this process."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
