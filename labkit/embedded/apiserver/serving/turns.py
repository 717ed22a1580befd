"""Long requests take turns with all others.

The event loop answers most requests at once. One that takes longer than ``FIRST_SECONDS`` is begun again in a thread
of its own, which runs only while the loop waits for it: for a turn, until the request is where others may go on. So
nothing ever runs at the same time, and a short request waits for some turns at most.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from labkit.embedded.machinery.work import Turns, limited

FIRST_SECONDS = 0.02
"""How long a request may take before it is begun again."""

TURN_SECONDS = 0.005
MAX_LONG = 4
"""How many long requests take turns; others wait until one is answered."""

Result = TypeVar("Result")


class TooLong(BaseException):
    """A request is to be begun again, in turns."""


class Abandoned(BaseException):
    """The client of a long request has gone."""


def at_once(work: Callable[[], Result]) -> Result:
    """Do what should not take long; ``TooLong`` if it does."""
    with limited(Turns(_too_long, FIRST_SECONDS, first=True)):
        return work()


def _too_long() -> None:
    raise TooLong


class LongRequests:
    """The long requests of a server."""

    def __init__(self) -> None:
        self._most = asyncio.Semaphore(MAX_LONG)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do something long, in turns."""
        async with self._most:
            job = _Job(work)
            try:
                while not job.take_turn():
                    await asyncio.sleep(0)
            finally:
                job.end()
            return job.result()


class _Job(Generic[Result]):
    """Work in a thread that runs in turns."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._turn, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._done = self._abandoned = False
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take_turn(self) -> bool:
        """Go on until the next pause; whether it is done."""
        self._turn.release()
        self._paused.acquire()
        return self._done

    def end(self) -> None:
        """Give up what is not done."""
        self._abandoned = True
        while not self._done:
            self.take_turn()
        self._thread.join()

    def result(self) -> Result:
        """What the work returned; it raises what that raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        self._turn.acquire()
        try:
            with limited(Turns(self._pause, TURN_SECONDS)):
                self._results.append(self._work())
        except BaseException as error:
            self._error = error
        self._done = True
        self._paused.release()

    def _pause(self) -> None:
        self._paused.release()
        self._turn.acquire()
        if self._abandoned:
            raise Abandoned
