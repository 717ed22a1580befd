"""A pool of graders, each a process of its own, since one event loop uses one processor.

A grader requests a submission whenever a slot is free, and reports each result as it comes, so that
no grader is idle while there is work. The messages are JSON; see ``wire``. A single grader is a process of
its own as well: stopping the command at the terminal (Ctrl-Z, Ctrl-S) does not stop the clusters of
notebooks whose time is limited.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import selectors
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from labkit.core.errors import LabkitError
from labkit.core.language import text

from ..graders.grader import Grader, NextSubmission, OnResult, cpu_seconds
from ..graders.stages import failed_result
from ..intake.submissions import Key, Submission
from ..judging.result import Result, by_exercise_and_learner
from ..running import wire
from ..running.workers import end_process, start_process
from ..walls.isolation import Limits

SLOTS_PER_PROCESSOR = 2
"""A slot waits for its worker part of the time."""

DEFAULT_PROCESSORS = 8
"""How many processors are used by default: a container sees all of the machine's, and often gets only a few."""

SUBMISSIONS_PER_GRADER = 4
"""For fewer, starting another process costs more than it saves."""

ENDING_SECONDS = 10.0
"""How long a grader gets to end its learners' processes."""

NEXT = "next"
"""A grader's message that a slot is free."""

RESULT = "result"
"""A grader's message with a submission's result."""

END = "end"
"""A grader's message that all submissions are graded."""

REFUSED = "refused"
"""A grader's message with the system's error at its start."""


class GraderDied(LabkitError):
    """A grader's process has ended before it could grade."""


def pool_for(submissions: int, *, slots: int = 0, limits: Limits = Limits()) -> GraderPool:
    """Size a pool for this machine; by default two slots for each of up to eight processors."""
    processors = _processors() if slots else min(_processors(), DEFAULT_PROCESSORS)
    slots = slots or SLOTS_PER_PROCESSOR * processors
    count = min(processors, slots, -(-submissions // SUBMISSIONS_PER_GRADER))
    return GraderPool(max(count, 1), slots=slots, limits=limits)


def _processors() -> int:
    # A container, or taskset, can leave fewer processors than the machine has.
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class GraderPool:
    """Grades submissions in several processes; see ``Grader``.

    Args:
        count: How many processes.
        slots: How many submissions are graded at once, in all of them together.
        limits: The limits of each submission.
    """

    def __init__(self, count: int, *, slots: int, limits: Limits = Limits()) -> None:
        self.slots = [slots // count + (number < slots % count) for number in range(count)]
        self._limits = asdict(limits)
        self._graders: list[_GraderProcess] = []
        self.level = ""
        """The isolation: ``root``, ``user`` or ``plain``; empty before the pool is entered."""

    def __enter__(self) -> Self:
        try:
            self._graders += [_GraderProcess() for _ in self.slots]
            for grader, slots in zip(self._graders, self.slots, strict=True):
                grader.send({"slots": slots, "limits": self._limits})
            self.level = [grader.wait_until_ready() for grader in self._graders].pop()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()

    @property
    def pids(self) -> list[int]:
        """The graders' process ids."""
        return [grader.process.pid for grader in self._graders]

    @property
    def cpu_seconds(self) -> float:
        """Processor time of this process, and of graders and workers until the last ``grade`` ended."""
        return cpu_seconds() + sum(grader.cpu_seconds for grader in self._graders)

    def grade(
        self, submissions: Iterable[Submission], on_result: OnResult = lambda _result: None
    ) -> list[Result]:
        """Grade submissions, and call ``on_result`` with each result as it comes.

        Returns:
            The results, sorted by exercise and learner. The submissions of a grader that died, and those for which
            no grader was left, have results that say so.
        """
        waiting = iter(submissions)
        results: list[Result] = []

        def add(result: Result) -> None:
            results.append(result)
            on_result(result)

        with selectors.DefaultSelector() as selector:
            for grader in self._graders:
                grader.send({})
                selector.register(grader.channel, selectors.EVENT_READ, grader)
            while selector.get_map():
                for key, _ in selector.select():
                    sender: _GraderProcess = key.data
                    message = sender.receive()
                    if message == NEXT:
                        sender.submit(next(waiting, None))
                    elif isinstance(message, Result):
                        add(message)
                    else:
                        selector.unregister(sender.channel)
                        for submission in sender.take_unfinished():
                            add(self._not_graded(submission))
        for submission in waiting:
            add(self._not_graded(submission))
        return by_exercise_and_learner(results)

    def _not_graded(self, submission: Submission) -> Result:
        return failed_result(submission, self.level, text("its process has ended"))

    def _end(self) -> None:
        # All channels first, so that the graders end at the same time.
        for grader in self._graders:
            grader.channel.close()  # ends the process
        for grader in self._graders:
            end_process(grader.process, ENDING_SECONDS)
            if grader.directory:
                shutil.rmtree(grader.directory, ignore_errors=True)
        self._graders.clear()


class _GraderProcess:
    """A grader in another process, which runs ``main``."""

    def __init__(self) -> None:
        self.cpu_seconds = 0.0
        self.directory = ""
        """Its temporary files, which remain if it is killed; empty before it is ready."""
        self._unfinished: dict[Key, Submission] = {}
        self.process, self.channel = start_process("labkit.grading.pools.pool", os.environ)

    def wait_until_ready(self) -> str:
        """Wait until it can grade; return its isolation level.

        Raises:
            GraderDied: Its process has ended.
            OSError: The system refused it something, such as a temporary directory.
        """
        try:
            answer, _ = wire.receive(self.channel)
        except (wire.Closed, OSError) as error:
            raise GraderDied(
                "A grader's process has ended before it could grade.",
                why="perhaps there is too little memory",
                todo="Grade fewer at once: --places 1.",
            ) from error
        if REFUSED in answer:
            raise OSError(*answer[REFUSED])
        self.directory = str(answer["directory"])
        return str(answer["level"])

    def send(self, message: dict[str, Any]) -> None:
        """Send a message. If its process has ended, the next ``receive`` returns ``END``."""
        with suppress(OSError):
            wire.send(self.channel, message)

    def receive(self) -> str | Result:
        """Receive ``NEXT``, a result, or ``END``, which is also returned at the end of its process."""
        try:
            message, _ = wire.receive(self.channel)
        except (wire.Closed, OSError):
            return END
        if RESULT in message:
            result = Result.from_dict(message[RESULT])
            self._unfinished.pop(result.key, None)
            return result
        self.cpu_seconds = message.get("cpu_seconds", self.cpu_seconds)
        return NEXT if NEXT in message else END

    def submit(self, submission: Submission | None) -> None:
        """Answer ``NEXT`` with a submission, or with none."""
        if submission is None:
            self.send({})
            return
        self._unfinished[submission.key] = submission
        self.send({**asdict(submission), "path": str(submission.path.absolute())})

    def take_unfinished(self) -> list[Submission]:
        """Return the submissions that have no result yet, and forget them."""
        unfinished = list(self._unfinished.values())
        self._unfinished.clear()
        return unfinished


def main(channel_number: int) -> int:
    """Run a grader, until the pool closes the channel with this file descriptor."""
    channel = socket.socket(fileno=channel_number)
    # asyncio cancels its tasks at SIGINT, which a shell lets background processes ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        threading.Thread(target=_interrupt_when_closed, args=(channel,), daemon=True).start()
        options, _ = wire.receive(channel)
        options["limits"] = Limits(**options["limits"])
        with Grader(**options) as grader:
            # Modules stay, so that collections need only look at clusters.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000)
            _serve(channel, grader)
    except (KeyboardInterrupt, wire.Closed, ConnectionError):
        # The pool has ended this grader, or has ended itself.
        pass
    except OSError as error:
        signal.signal(signal.SIGINT, _ignore)
        with suppress(OSError):
            wire.send(channel, {REFUSED: [error.errno, error.strerror, error.filename]})
    return 0


def _serve(channel: socket.socket, grader: Grader) -> None:
    try:
        wire.send(channel, {"level": grader.level, "directory": str(grader.workers.directory)})
        while True:
            wire.receive(channel)
            grader.grade_all(
                _requester(channel), lambda result: wire.send(channel, {RESULT: result.as_dict()})
            )
            wire.send(channel, {END: True, "cpu_seconds": grader.cpu_seconds})
    finally:
        # A second signal must not interrupt the clean-up, which kills the learners' processes.
        signal.signal(signal.SIGINT, _ignore)


def _ignore(*_: object) -> None:
    """Ignore the signal; with ``SIG_IGN``, Python would report a signal that is pending already."""


def _interrupt_when_closed(channel: socket.socket) -> None:
    """Interrupt this process when the pool's end of the channel is closed, even while it is not receiving."""
    end = select.poll()
    # No events but POLLHUP, which is always reported.
    end.register(channel, 0)
    end.poll()
    # The loop that is torn down now prints errors which would alarm a teacher for no reason.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.kill(os.getpid(), signal.SIGINT)


def _requester(channel: socket.socket) -> NextSubmission:
    """Make a function that requests a submission from the pool, while the loop goes on serving notebooks."""
    # One request at a time: two threads that read from the channel would receive each other's responses.
    lock = asyncio.Lock()

    async def next_submission() -> Submission | None:
        async with lock:
            wire.send(channel, {NEXT: True})
            answer, _ = await asyncio.to_thread(wire.receive, channel)
        return Submission(**{**answer, "path": Path(answer["path"])}) if answer else None

    return next_submission


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
