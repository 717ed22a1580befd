"""Submissions to results: each in a process and a cluster of its own.

The clusters live in this process, behind one event loop. For each submission a worker
is forked from the prepared interpreter; it hands us the listening socket it opened inside
its walls, and we serve its cluster there. When the notebook has ended, the worker's
processes are gone and the socket is closed *before* the first probe looks.
"""

from __future__ import annotations

import asyncio
import logging
import re
import resource
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from labkit.client.discovery import Resources
from labkit.client.manifests import apply
from labkit.core.redact import redact
from labkit.embedded.apiserver.authentication.signer import TokenSigner
from labkit.embedded.apiserver.serving.server import ApiServer
from labkit.embedded.apiserver.storage import MemoryStore
from labkit.embedded.cluster import Cluster
from labkit.embedded.machinery.pki.keys import Keys
from labkit.embedded.process import run
from labkit.grading.budget import Allowance, Meter
from labkit.grading.exercise import find_exercise, setup
from labkit.grading.inprocess import admin_of, anonymous_of, decide_in, policy_of
from labkit.grading.isolation import Limits
from labkit.grading.lab_home import home_files
from labkit.grading.probes import Ground
from labkit.grading.result import FAILED, Result
from labkit.grading.score import Score, TaskScore, TooMuch, plain, score
from labkit.grading.seed import Draw
from labkit.grading.submissions import Submission, Unreadable, cells_of
from labkit.grading.task import Exercise
from labkit.grading.workers import Door, WithWorkers, Workers

Told = Callable[[Result], None]
Next = Callable[[], Awaitable[Submission | None]]

log = logging.getLogger(__name__)

PLACES = 4
"""How many submissions are graded at once; a place waits for its worker part of the time."""

COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")
"""How a terminal is told of colours, as in IPython's tracebacks."""

KEPT_OUTPUT = 4000
"""Characters of a notebook's output that are kept."""


class Grader(WithWorkers):
    """Grades submissions, several at once, on one processor; ``graders`` has more.

    Args:
        places: How many at once.
        limits: What one submission may use.
        kernel: Run every notebook in a real kernel, and not only those that need one.
        allowance: What one submission may ask of its cluster.
    """

    def __init__(
        self,
        *,
        places: int = PLACES,
        limits: Limits | None = None,
        kernel: bool = False,
        allowance: Allowance | None = None,
    ) -> None:
        self._allowance = allowance or Allowance()
        self.places = places
        self._foundry = Foundry()
        super().__init__(Workers(limits, kernel=kernel))

    @property
    def cpu_seconds(self) -> float:
        """The processor time of this process and of the learners' processes that have ended."""
        return cpu_seconds() + self.workers.cpu_seconds

    def grade(self, submissions: Iterable[Submission], told: Told = lambda _result: None) -> list[Result]:
        """Grade them all.

        Args:
            submissions: What to grade.
            told: Called with each result as it comes.

        Returns:
            The results, sorted by exercise and learner.

        Raises:
            OSError: A result could not be kept.
        """
        waiting = iter(submissions)

        async def following() -> Submission | None:
            return next(waiting, None)

        results = self.grade_what_comes(following, told)
        return sorted(results, key=lambda result: (result.exercise, result.learner))

    def grade_what_comes(self, following: Next, told: Told) -> list[Result]:
        """Grade until nothing comes any more.

        Args:
            following: Asked for a submission whenever there is a place for it; None ends that place.
            told: Called with each result as it comes.

        Returns:
            The results, in the order in which they came.

        Raises:
            OSError: A result could not be kept.
        """
        try:
            return run(self._grade_all(following, told))
        except BaseExceptionGroup as group:  # several places at work may fail at once: such as at a full disk
            raise group.exceptions[0] from None

    async def _grade_all(self, following: Next, told: Told) -> list[Result]:
        results: list[Result] = []

        async def work(place: int) -> None:
            while (submission := await following()) is not None:
                try:
                    result = await self._grade_one(submission, place)
                except Exception as error:  # one submission must not keep the others from being graded
                    log.exception("%s could not be graded", submission.path)
                    result = failed(submission, find_exercise(submission.exercise), self.level, error)
                results.append(result)
                told(result)

        async with asyncio.TaskGroup() as group:
            for place in range(self.places):
                group.create_task(work(place))
        return results

    async def _grade_one(self, submission: Submission, place: int) -> Result:
        exercise = find_exercise(submission.exercise)
        try:
            cells = cells_of(submission.path)
        except Unreadable as error:
            return unread(submission, exercise, self.level, str(error))
        foundry = self._foundry if self.workers.walled else None
        keys = foundry.keys if foundry else Keys.generate(self._foundry.keys.token_key)
        cluster, events = fresh_cluster(keys, submission.learner, exercise, foundry)
        ground = ground_in(cluster, events)
        try:
            with Meter(cluster, self._allowance) as meter:
                report = await self._run(submission, meter, cells, place)
            return Result(
                submission.learner,
                exercise.id,
                str(report["ended"]),
                int(report["cells"]),
                len(cells),
                score(exercise, submission.learner, ground),
                self.level,
                f"It used up what it may ask of its cluster: {meter.used_up}." if meter.used_up else "",
                kept_output(report),
            )
        except TooMuch as error:
            return unread(submission, exercise, self.level, f"it left more than can be judged: {error}")
        finally:
            cluster.close()

    async def _run(self, submission: Submission, cluster: Meter, cells: list[str], place: int) -> dict[str, Any]:
        """Run a notebook behind walls, against its cluster; how it ended."""

        def open_door(listener: socket.socket, lab_home: Path) -> Door:
            server = ApiServer(cluster, listener, connections=self._allowance.connections)
            # When it is closed, all of the learner's processes are gone.
            return Door(home_files(server.url, cluster.keys, lab_home), partial(server.close, farewell=0))

        return await self.workers.run(submission.learner, cells, place, open_door)


def kept_output(report: Mapping[str, Any]) -> str:
    """What is kept of what a notebook printed: its ends, without tokens, colours and what pages choke on."""
    # Tokens are looked for in a short text only: a learner can make that slow.
    text = redact(COLOURS.sub("", _ends(str(report.get("output", "")), 4 * KEPT_OUTPUT)))
    return plain(_ends(text.replace("\r\n", "\n"), KEPT_OUTPUT), 2 * KEPT_OUTPUT)


def _ends(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}\n[…]\n{text[-most // 2 :]}"


def cpu_seconds() -> float:
    """The processor time of this process."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


class Foundry:
    """Makes clusters that share what does not change: keys, the token signer, a new cluster's objects.

    Only for learners that cannot reach each other's clusters: they share a CA.
    """

    def __init__(self) -> None:
        self.keys = Keys.generate()
        self.signer = TokenSigner(self.keys.token_key)
        self.base = Cluster(self.keys, signer=self.signer).store.snapshot()


def fresh_cluster(
    keys: Keys, learner: str, exercise: Exercise, foundry: Foundry | None = None
) -> tuple[Cluster, list[dict[str, Any]]]:
    """A fresh cluster with what stands there first; its random choices follow the learner.

    Args:
        keys: Certificates and keys.
        learner: Whose, which decides the names.
        exercise: What is asked.
        foundry: What the cluster shares with others; it must have the same keys.

    Returns:
        The cluster, and the list that its audit events are added to.
    """
    events: list[dict[str, Any]] = []
    cluster = Cluster(
        keys,
        MemoryStore(foundry.base) if foundry else None,
        random=Random(f"{learner}\0{exercise.id}"),
        audit_sink=events.append,
        signer=foundry.signer if foundry else None,
    )
    admin = admin_of(cluster)
    apply(admin, Resources(admin), setup(exercise, learner), lambda manifest: manifest)
    events.clear()
    return cluster, events


def ground_in(cluster: Cluster, events: list[dict[str, Any]]) -> Ground:
    """What probes need, of a cluster in this process that no learner has seen yet."""
    before = policy_of(cluster)
    return Ground(
        admin_of(cluster),
        anonymous_of(cluster),
        partial(decide_in, cluster),
        lambda: policy_of(cluster),
        lambda: before,
        lambda: list(events),
        audited=True,
    )


def failed(
    submission: Submission, exercise: Exercise, level: str, error: Exception, cluster: str = "embedded"
) -> Result:
    """The result of a submission that the grader could not grade: it is not kept, and tried again."""
    why = f"the grader failed, start it again: {error}"[:200]
    return replace(unread(submission, exercise, level, why, cluster), ended=FAILED)


def unread(submission: Submission, exercise: Exercise, level: str, why: str, cluster: str = "embedded") -> Result:
    """The result of a submission that is no notebook: no points."""
    tasks = tuple(
        TaskScore(
            task.id,
            task.title,
            0.0,
            sum(probe.points for probe in task.brief(Draw(submission.learner)).probes if not probe.limit),
            (),
            (),
            0,
        )
        for task in exercise.tasks
    )
    empty = Score(exercise.id, submission.learner, tasks)
    return Result(submission.learner, exercise.id, "unreadable", 0, 0, empty, level, why, cluster=cluster)
