"""Graders beside each other, each a process of its own: one event loop keeps one processor busy.

A grader asks for a submission whenever a place is free, and tells each result as it comes,
so that none of them waits while there is work. What they say to each other is JSON; see ``wire``.
A single one is a process of its own as well: who stops the command at the terminal (Ctrl-Z, Ctrl-S)
does not stop the clusters of notebooks whose time runs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labkit.core.errors import LabkitError
from labkit.grading import wire
from labkit.grading.exercise import find_exercise
from labkit.grading.grader import Grader, Next, Told, cpu_seconds, failed
from labkit.grading.isolation import Limits
from labkit.grading.result import Result
from labkit.grading.submissions import Submission

PLACES_PER_PROCESSOR = 2
"""A place waits for its worker part of the time."""

UNASKED_PROCESSORS = 8
"""How many processors are used unasked: in a container one sees all of the machine's, and may get a few."""

SUBMISSIONS_PER_GRADER = 4
"""For fewer it does not pay to start another process."""

ENDING_SECONDS = 10.0
"""How long a grader may take to end its learners' processes."""

NEXT, RESULT, END, REFUSED = "next", "result", "end", "refused"
"""What a grader says: a place is free; what came of a submission; nothing is left; what the system refused it."""


class GraderDied(LabkitError):
    """A grader's process has ended before it could grade."""


def graders_for(submissions: int, *, places: int = 0, limits: Limits | None = None, kernel: bool = False) -> Graders:
    """As many graders as are of use on this machine.

    Args:
        submissions: How many are to be graded.
        places: How many at once; two for each of up to eight processors when left out.
        limits: What one submission may use.
        kernel: Run every notebook in a real kernel.
    """
    processors = _processors() if places else min(_processors(), UNASKED_PROCESSORS)
    places = places or PLACES_PER_PROCESSOR * processors
    count = min(processors, places, -(-submissions // SUBMISSIONS_PER_GRADER))
    return Graders(max(count, 1), places=places, limits=limits, kernel=kernel)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class Graders:
    """Grades submissions in several processes; see ``Grader``.

    Args:
        count: How many processes.
        places: How many submissions at once, in all of them together.
        limits: What one submission may use.
        kernel: Run every notebook in a real kernel.
    """

    def __init__(self, count: int, *, places: int, limits: Limits | None = None, kernel: bool = False) -> None:
        self.places = [places // count + (number < places % count) for number in range(count)]
        what = {"limits": asdict(limits or Limits()), "kernel": kernel}
        self._orders: list[dict[str, Any]] = [{"places": share, **what} for share in self.places]
        self._members: list[_Member] = []
        self.level = ""

    def __enter__(self) -> Self:
        try:
            for _ in self._orders:
                self._members.append(_Member())
            for member, order in zip(self._members, self._orders, strict=True):
                member.tell(order)
            self.level = [member.ready() for member in self._members].pop()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pids(self) -> list[int]:
        """The graders' process ids."""
        return [member.pid for member in self._members]

    @property
    def cpu_seconds(self) -> float:
        """The processor time of this process, and that of graders and learners until the last ``grade`` ended."""
        return cpu_seconds() + sum(member.cpu_seconds for member in self._members)

    def grade(self, submissions: Iterable[Submission], told: Told = lambda _result: None) -> list[Result]:
        """Grade them all.

        Args:
            submissions: What to grade.
            told: Called with each result as it comes.

        Returns:
            The results, sorted by exercise and learner. What a grader had that died, and what
            nobody was left to grade, is among them as not graded.
        """
        waiting = iter(submissions)
        results: list[Result] = []

        def take(result: Result) -> None:
            results.append(result)
            told(result)

        with selectors.DefaultSelector() as selector:
            for member in self._members:
                member.tell({})
                selector.register(member.channel, selectors.EVENT_READ, member)
            while selector.get_map():
                for key, _ in selector.select():
                    speaker: _Member = key.data
                    said = speaker.hear()
                    if said == NEXT:
                        speaker.give(next(waiting, None))
                    elif isinstance(said, Result):
                        take(said)
                    else:
                        selector.unregister(speaker.channel)
                        for submission in speaker.lost():
                            take(self._not_graded(submission))
        for submission in waiting:
            take(self._not_graded(submission))
        return sorted(results, key=lambda result: (result.exercise, result.learner))

    def _not_graded(self, submission: Submission) -> Result:
        return failed(
            submission, find_exercise(submission.exercise), self.level, ChildProcessError("its process has ended")
        )

    def _end(self) -> None:
        for member in self._members:
            member.stop()
        for member in self._members:
            member.wait()
        self._members.clear()


class _Member:
    """A grader in another process, seen from here."""

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair()
        self.cpu_seconds = 0.0
        self._given: dict[tuple[str, str], Submission] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "labkit.grading.pool", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            cwd="/",  # nothing that lies beside submissions is imported
            start_new_session=True,  # a terminal's Ctrl-C is for the first process alone, which ends the others
        )
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> str:
        """Wait until it can grade; its walls.

        Raises:
            GraderDied: It cannot.
            OSError: The system refused it something, such as a temporary directory.
        """
        try:
            said, _ = wire.receive(self.channel)
        except (wire.Closed, OSError) as error:
            raise GraderDied(
                "A grader's process has ended before it could grade.",
                why="perhaps there is too little memory",
                todo="Grade fewer at once: --places 1.",
            ) from error
        if REFUSED in said:
            raise OSError(*said[REFUSED])
        return str(said["level"])

    def tell(self, what: dict[str, Any]) -> None:
        """Say something to it. That it is gone is heard next."""
        with suppress(OSError):
            wire.send(self.channel, what)

    def hear(self) -> str | Result:
        """What it says, a result as one; ``END`` also when it is gone."""
        try:
            message, _ = wire.receive(self.channel)
        except (wire.Closed, OSError):
            return END
        if RESULT in message:
            result = Result.from_dict(message[RESULT])
            self._given.pop((result.learner, result.exercise), None)
            return result
        self.cpu_seconds = message.get("cpu_seconds", self.cpu_seconds)
        return NEXT if NEXT in message else END

    def give(self, submission: Submission | None) -> None:
        """Answer it: a submission, or that there is none."""
        if submission is None:
            self.tell({})
            return
        self._given[submission.learner, submission.exercise] = submission
        self.tell({**asdict(submission), "path": str(submission.path.absolute())})

    def lost(self) -> list[Submission]:
        """What it was given and will tell no result of."""
        lost = list(self._given.values())
        self._given.clear()
        return lost

    def stop(self) -> None:
        self.channel.close()

    def wait(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        self._process.kill()
        self._process.wait()


def main(channel_number: int) -> int:
    """Grade what is asked for, until the other side closes the channel.

    Args:
        channel_number: The file descriptor of the channel.
    """
    channel = socket.socket(fileno=channel_number)
    # asyncio ends its tasks at an interruption, which is ignored in what a script began in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        threading.Thread(target=_interrupt_when_alone, args=(channel,), daemon=True).start()
        order, _ = wire.receive(channel)
        order["limits"] = Limits(**order["limits"])
        with Grader(**order) as grader:
            gc.collect()
            gc.freeze()  # what was loaded stays; collections look at clusters only
            _serve(channel, grader)
    except (KeyboardInterrupt, wire.Closed, ConnectionError):
        pass  # we are told to end, or nobody is there any more
    except OSError as error:
        signal.signal(signal.SIGINT, _unheeded)
        with suppress(OSError):
            wire.send(channel, {REFUSED: [error.errno, error.strerror, error.filename]})
    return 0


def _serve(channel: socket.socket, grader: Grader) -> None:
    try:
        wire.send(channel, {"level": grader.level})
        while True:
            wire.receive(channel)
            grader.grade_what_comes(_asking(channel), lambda result: wire.send(channel, {RESULT: result.as_dict()}))
            wire.send(channel, {END: True, "cpu_seconds": grader.cpu_seconds})
    finally:
        signal.signal(signal.SIGINT, _unheeded)  # what is ending is not to be interrupted


def _unheeded(*_: object) -> None:
    """Of a signal that is on its way already Python would say that it is ignored."""


def _interrupt_when_alone(channel: socket.socket) -> None:
    """Wait until the other side has gone, which may be while notebooks run and nothing is said for minutes."""
    end = select.poll()
    end.register(channel, 0)  # tells of nothing but that
    end.poll()
    os.kill(os.getpid(), signal.SIGINT)


def _asking(channel: socket.socket) -> Next:
    """Asks for a submission. The notebooks under way are served meanwhile, however long the answer takes."""
    one_after_another = asyncio.Lock()

    async def ask() -> Submission | None:
        async with one_after_another:
            wire.send(channel, {NEXT: True})
            told, _ = await asyncio.to_thread(wire.receive, channel)
        return Submission(**{**told, "path": Path(told["path"])}) if told else None

    return ask


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
