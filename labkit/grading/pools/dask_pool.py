"""Grades on the workers of a Dask cluster, with the interface of ``GraderPool``.

The client's result store is the record: a submission without a result is submitted again after a worker or the
scheduler has gone. The submissions of a worker that ends are lost, so few are submitted ahead.
"""

import json
import math
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple, Self

from distributed import Client, Future, KilledWorker

from labkit.core.errors import Missing, Unreachable
from labkit.core.language import text, unpacked

from ..graders.grader import OnResult
from ..graders.stages import failed_result, unreadable_result
from ..intake.submissions import (
    LEARNERS_FOLDER,
    Key,
    Submission,
    Unreadable,
    files_beside,
    read_untrusted,
)
from ..judging.result import Result, by_exercise_and_learner
from ..walls.isolation import Limits
from .dask_connection import connect, require_labkit, security_for
from .dask_worker import GraderPlugin, grade_on_worker, installed

ATTEMPTS = 3
"""How often a submission whose worker ends or fails is graded together with others, before it is graded alone."""

TASKS_PER_SLOT = 2
"""One task that is being graded, and one that waits on the worker."""

POLL_SECONDS = 1.0
"""How often the client asks the scheduler for its workers."""

RESULT_SECONDS = 5.0
"""How long the client waits for a result that a worker has."""

RECONNECT_SECONDS = 600.0
"""How long the client waits for a scheduler that has gone."""

LOST = (OSError, CancelledError)
"""The errors of calls to a scheduler that has gone, and of futures that went with it."""

WORKER_ENDED = text("its worker has ended")


class _Task(NamedTuple):
    """A submission's task, and the workers that can run it."""

    submission: Submission
    future: Future[str]
    workers: frozenset[str]


class DaskPool:
    """Grades submissions on a Dask cluster.

    Args:
        address: The scheduler's; see ``security_for``, as for ``files``.
        files: The TLS files.
        limits: The limits of one submission.
        report: Called with sentences about workers that cannot grade, and about a scheduler that has gone.
    """

    _client: Client

    def __init__(
        self,
        address: str,
        files: Mapping[str, str],
        *,
        limits: Limits = Limits(),
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._address = address
        self._security = security_for(address, files)
        self._report = report
        # Unique, since several commands can use the cluster at once.
        name = f"labkit-{secrets.token_hex(4)}"
        self._plugin = GraderPlugin(name, installed(), limits)
        self._numbers = count()
        self._tasks: dict[object, _Task] = {}
        self._done: SimpleQueue[Future[str]] = SimpleQueue()
        self._workers: set[str] = set()
        self._slots: dict[str, int] = {}
        self._reported: set[str] = set()
        self._scheduler = ""
        self._looked = -math.inf
        self.level = ""
        """The isolation on the workers: ``root`` or ``user``; empty before one can grade."""

    def __enter__(self) -> Self:
        self._client = connect(self._address, self._security)
        try:
            self._prepare()
            self._look()
            if self._workers and not self._slots:
                raise Missing(
                    text("None of the cluster's {workers} workers can grade.", len(self._workers)),
                    why="see above, for each of them",
                    todo="Mend one, or start others as docs/scale.md says.",
                )
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def grade(
        self, submissions: Iterable[Submission], on_result: OnResult = lambda _result: None
    ) -> list[Result]:
        """Grade submissions, and call ``on_result`` with each result as it arrives.

        Returns:
            The results, sorted by exercise and learner. A submission that ends its worker even when it is graded
        alone has a result that reports this.

        Raises:
            Unreachable: The scheduler has gone, and does not come back.
        """
        results: list[Result] = []

        def add(result: Result) -> None:
            results.append(result)
            on_result(result)

        for submission, _ in self._grade(submissions, add, alone=False):
            for _, reason in self._grade([submission], add, alone=True):
                why = text(
                    "it ended its grader several times, at last when graded alone: {reason}", reason
                )
                add(failed_result(submission, self.level, why))
        return by_exercise_and_learner(results)

    def _grade(
        self, submissions: Iterable[Submission], add: OnResult, *, alone: bool
    ) -> list[tuple[Submission, str]]:
        """Grade submissions; return those that no worker could grade, each with the reason."""
        waiting = deque(submissions)
        ended: Counter[Key] = Counter()
        failed: list[tuple[Submission, str]] = []
        while waiting or self._tasks:
            for submission, result in self._step(waiting, alone=alone):
                ended[submission.key] += 1
                if isinstance(result, Result):
                    add(result)
                elif result is WORKER_ENDED and not alone and ended[submission.key] < ATTEMPTS:
                    waiting.append(submission)
                else:
                    failed.append((submission, result))
        return failed

    def _step(
        self, waiting: deque[Submission], *, alone: bool
    ) -> list[tuple[Submission, Result | str]]:
        """Submit as many as there is room for, and wait for one to end.

        Returns:
            Each ended submission with its result, or the reason why it has none.
        """
        done: list[tuple[Submission, Result | str]] = []
        try:
            self._look()
            slots = sum(self._slots.values())
            room = min(slots, 1) if alone else TASKS_PER_SLOT * slots
            while waiting and len(self._tasks) < room:
                entry = waiting[0]
                try:
                    notebook = {entry.path.name: read_untrusted(entry.path)}
                    self._submit(entry, notebook | files_beside(entry), alone=alone)
                except Unreadable as error:
                    done.append((entry, unreadable_result(entry, self.level, error.args[0])))
                # Not before: a scheduler that goes while it is submitted leaves it waiting.
                waiting.popleft()
            for task in self._ended_tasks():
                done.append((task.submission, self._result_of(task)))
                del self._tasks[task.future.key]
        except LOST as error:
            waiting.extendleft(task.submission for task in self._tasks.values())
            self._reconnect(error)
        return done

    def _submit(self, submission: Submission, files: Mapping[str, bytes], *, alone: bool) -> None:
        """Submit a task. Alone, it runs on one worker and once, so that it must be the one that ended that worker."""
        number = next(self._numbers)
        workers = sorted(self._slots)
        # No more than grading needs: the sender's name and address stay here.
        path = Path(submission.path.name)
        sent = Submission(
            submission.learner,
            submission.exercise,
            path,
            depth=LEARNERS_FOLDER,
            code=submission.code,
        )
        if alone:
            workers = [workers[number % len(workers)]]
        future = self._client.submit(
            grade_on_worker,
            self._plugin.name,
            sent,
            files,
            key=f"grade-{self._plugin.name}-{number}",
            workers=workers,
            retries=0 if alone else ATTEMPTS - 1,
        )
        self._tasks[future.key] = _Task(submission, future, frozenset(workers))
        future.add_done_callback(self._done.put)

    def _ended_tasks(self) -> list[_Task]:
        """Wait a moment for a task to end; return it, and the tasks that lost all of their workers."""
        # A task whose workers have all gone never ends, because it must not run elsewhere.
        ended = [task for task in self._tasks.values() if not task.workers & self._workers]
        with suppress(Empty):
            task = self._tasks.get(self._done.get(timeout=0 if ended else POLL_SECONDS).key)
            ended += [task] if task and task not in ended else []
        return ended

    def _result_of(self, task: _Task) -> Result | str:
        """Return a task's result, or the reason why it has none."""
        try:
            seconds = RESULT_SECONDS if task.future.done() else 0.1
            result = Result.from_dict(json.loads(task.future.result(timeout=seconds)))
            if result.key == task.submission.key:
                return result
            return text("a worker sent another submission's result")
        except TimeoutError:
            # It went with its worker, before or after the result was made.
            self._client.cancel([task.future])
            return WORKER_ENDED
        except LOST:
            raise
        except KilledWorker as error:
            return text(
                "{number} workers that had it have ended, the last one {address}",
                error.allowed_failures + 1,
                error.last_worker.address,
            )
        except Exception as error:
            # Whatever a worker, or Dask itself, has failed at: the submission is tried again, alone.
            return str(error) or type(error).__name__

    def _look(self) -> None:
        """Find the workers, and those that can grade; report the others, once.

        Raises:
            OSError: The scheduler has gone, or was started again: Dask's client reconnects, and the tasks are lost.
        """
        if time.monotonic() - self._looked < POLL_SECONDS:
            return
        info = self._client.scheduler_info()
        if self._client.status != "running" or info["id"] != self._scheduler:
            raise ConnectionResetError("it was started again")
        self._workers = set(info["workers"])
        events = {event["worker"]: event for _, event in self._client.get_events(self._plugin.name)}
        present = [event for address, event in events.items() if address in self._workers]
        fit = [event for event in present if not event["refused"]]
        self._slots = {event["worker"]: event["slots"] for event in fit}
        self.level = fit[0]["level"] if fit else self.level
        lines = [
            text(
                "The worker {worker} gets nothing: {refused}.",
                event["worker"],
                unpacked(event["refused"]),
            )
            for event in present
            if event["refused"]
        ]
        if not self._workers:
            lines = [
                text(
                    "No worker is connected to {address}. Start one: this command waits for it.",
                    self._address,
                )
            ]
        for line in dict.fromkeys(lines):
            if line not in self._reported:
                self._report(line)
        self._reported.update(lines)
        self._looked = time.monotonic()

    def _prepare(self) -> None:
        require_labkit(self._client)
        self._scheduler = self._client.scheduler_info()["id"]
        # A worker, or the scheduler, can go at any time; the next call to the scheduler notices.
        with suppress(*LOST):
            self._client.register_plugin(self._plugin)
        # The next look asks at once, since the workers and slots of before are another scheduler's.
        self._looked = -math.inf

    def _reconnect(self, error: Exception) -> None:
        """Wait for a scheduler that has gone, and prepare its workers.

        Raises:
            Unreachable: It does not come back.
        """
        self._report(
            text(
                "The scheduler at {address} has gone ({error}): waiting for it. Results so far "
                "are stored.",
                self._address,
                error,
            )
        )
        deadline = time.monotonic() + RECONNECT_SECONDS
        self._close()
        while True:
            try:
                self._client = connect(self._address, self._security)
                return self._prepare()
            except (Unreachable, *LOST) as reason:
                if time.monotonic() > deadline:
                    raise Unreachable(
                        text(
                            "The scheduler at {address} has gone, and does not come back.",
                            self._address,
                        ),
                        why=str(reason),
                        todo="Start it and its workers, then the same command: it goes on where it was.",
                    ) from reason
                self._client.close()
                time.sleep(POLL_SECONDS)

    def _close(self) -> None:
        """End what runs on the workers, and the connection."""
        if self._client.status == "running":
            # The scheduler has perhaps gone, or is a new one that has no such plugin.
            with suppress(*LOST, TypeError, ValueError):
                self._client.cancel([task.future for task in self._tasks.values()])
                self._client.unregister_worker_plugin(self._plugin.name)
        self._tasks = {}
        self._done = SimpleQueue()
        self._slots = {}
        self._client.close()
