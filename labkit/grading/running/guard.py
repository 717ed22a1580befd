"""Watches a learner's process from outside.

The guard decides how a notebook ended: by an exit code, a signal or a limit. The process's own account,
such as the number of cells that ran, has no influence.
"""

import math
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from ..walls.isolation import Limits
from . import wire
from .messages import SIGNAL_BASE
from .processes import Descendants

MEMORY_LIMIT = "memory limit"
TIME_LIMIT = "time limit"

STARVED_SECONDS = 10.0
STARVED_SHARE = 0.25
"""A notebook that waited longer for a processor, or for more of its time, is graded again, alone."""

REST_SECONDS = 0.005
"""How long the guard lets output gather before it reads it: each time that it wakes, the notebook waits."""

EXIT_POLL_SECONDS = 0.002
POLL_SECONDS = 0.25
"""How often memory and time are checked."""

ASK_HELD = {"ask": "held"}
"""Asks the grader for how many seconds other submissions held the notebook's server."""

ANSWER_SECONDS = 60.0
"""How long the guard waits for the answer: the grader cannot answer while its event loop is held."""


CUT_OFF = (
    "[labkit: this notebook printed more than {} bytes; what it printed after them was dropped]"
)
"""The last line of an output that is longer than ``Limits.output_bytes``."""


class Guard:
    """Watches one process until its end.

    Args:
        child: The process.
        output: The pipe that it prints to.
        limits: Its limits.
        below: This process's descendants.
        out_of_memory: Returns whether the kernel has killed one of them for want of memory.
        ready: Returns whether cells can run; until then no time is counted, but no longer than a notebook may run.
    """

    def __init__(
        self,
        child: int,
        output: int,
        limits: Limits,
        below: Descendants,
        out_of_memory: Callable[[], bool],
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._child = child
        self._output = output
        self._limits = limits
        self._below = below
        self._out_of_memory = out_of_memory
        self._ready = ready
        self._printed = bytearray()
        self._dropped = False
        self._ends: list[int | socket.socket] = [output]
        self._started = self._checked = time.monotonic()
        self._latest_start = self._started + limits.seconds
        self._held_seconds = self._waited_seconds = 0.0
        self._asked_at: float | None = None
        os.set_blocking(output, False)

    @property
    def starved(self) -> bool:
        """Return whether the process has waited so long for a processor that its time limit is not meaningful."""
        return self._waited_seconds > min(STARVED_SECONDS, self._limits.seconds * STARVED_SHARE)

    def watch(self, connection: socket.socket) -> str:
        """Wait for the end of the process, or a limit; return how it ended.

        Raises:
            Closed, OSError: The grader is gone.
        """
        self._ends.append(connection)
        ended = ""
        while not ended:
            # A process whose output is closed is ending, and no event will announce its end.
            seconds = POLL_SECONDS if self._output in self._ends else EXIT_POLL_SECONDS
            ready = select.select(self._ends, [], [], seconds)[0]
            if connection in ready:
                self._read_answer(connection)
            if self._output in ready:
                # A busy notebook prints in small pieces; waking for each would take its processor from it.
                time.sleep(REST_SECONDS)
                self._read_output()
            finished, status = os.waitpid(self._child, os.WNOHANG)
            if finished:
                # A process that the kernel killed for want of memory ends with SIGKILL, like any other kill.
                exit_code = os.waitstatus_to_exitcode(status)
                ended = MEMORY_LIMIT if self._out_of_memory() else _describe_exit(exit_code)
            else:
                ended = self._exceeded(connection)
        return ended

    def collect_output(self, waiting: bytes) -> str:
        """Return the output, once all processes that could print have been killed.

        Args:
            waiting: Text that the notebook had not printed yet.

        Returns:
            At most ``output_bytes``, and a line that reports the loss if there was more.
        """
        while self._output in self._ends and self._read_output():
            pass
        self._store(waiting)
        printed = self._printed.decode("utf-8", "replace")
        most = self._limits.output_bytes
        return f"{printed}\n{CUT_OFF.format(most)}\n" if self._dropped else printed

    def _read_output(self) -> bool:
        """Read a piece of the output; return False if there is none."""
        with suppress(BlockingIOError):
            piece = os.read(self._output, 65536)
            if not piece:
                self._ends.remove(self._output)
            self._store(piece)
            return bool(piece)
        return False

    def _store(self, piece: bytes) -> None:
        # Without a bound, a loop that prints would fill the supervisor's memory, which no limit of the notebook counts.
        room = self._limits.output_bytes - len(self._printed)
        self._printed += piece[:room]
        self._dropped = self._dropped or len(piece) > room

    def _read_answer(self, connection: socket.socket) -> None:
        """Read how long the server was held, which at most doubles the time."""
        held = float(wire.receive(connection)[0]["seconds"])
        more = min(held, self._limits.seconds) - self._held_seconds
        self._held_seconds += max(more, 0)
        self._asked_at = None if more > 0 else -math.inf

    def _exceeded(self, connection: socket.socket) -> str:
        """Return the limit that is exceeded; empty if none is, or while the grader is asked for more time."""
        now = time.monotonic()
        if now < self._latest_start and not self._ready():
            self._started = now
        if now - self._started > self._limits.seconds + self._held_seconds:
            if self._asked_at is None:
                self._asked_at = now
                with suppress(OSError):
                    wire.send(connection, ASK_HELD)
            elif now - self._asked_at > ANSWER_SECONDS:
                return TIME_LIMIT
        if now - self._checked < POLL_SECONDS:
            return ""
        self._checked = now
        self._waited_seconds = max(self._waited_seconds, self._below.waited_seconds())
        return (
            MEMORY_LIMIT
            if self._out_of_memory() or self._below.exceed(self._limits.memory_bytes)
            else ""
        )


def _describe_exit(code: int) -> str:
    """Describe how a process ended, from its exit code; a shell's 128 + n is signal n."""
    number = -code if code < 0 else code - SIGNAL_BASE
    if number in set(signal.Signals):
        return f"signal {signal.Signals(number).name}"
    return "done" if code == 0 else f"exit code {code}"
