"""Watches a learner's process from outside.

How a notebook ended is what the guard sees: an exit code, a signal, a limit. What the process says of
itself, such as how many cells ran, decides nothing.
"""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from labkit.grading.running import wire
from labkit.grading.running.messages import SIGNAL_BASE
from labkit.grading.running.processes import Descendants
from labkit.grading.walls.isolation import Limits

MEMORY_LIMIT, TIME_LIMIT = "memory limit", "time limit"

STARVED_SECONDS, STARVED_SHARE = 10.0, 0.25
"""How long, or for what share of its time, a notebook may wait for a processor before it is graded again, alone."""

REST_SECONDS = 0.005
"""How long more output may come before it is read: each time that the guard wakes, the notebook waits."""
EXIT_POLL_SECONDS = 0.002
POLL_SECONDS = 0.25
"""How often memory and time are checked."""

ASK_HELD = {"ask": "held"}
"""Asks the grader for how many seconds the notebook's server was held by others."""
ANSWER_SECONDS = 60.0
"""How long the guard waits for that: the grader cannot answer while it is held."""


class Guard:
    """Watches one process until its end.

    Args:
        child: The process.
        output: The pipe that it prints to.
        limits: What it may use.
        below: This process's descendants.
        out_of_memory: Returns whether the kernel has killed one of them for want of memory.
        ready: Returns whether cells can run; before, no time is counted, for as long as a notebook may run.
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
        self._child, self._output, self._limits = child, output, limits
        self._below, self._out_of_memory, self._ready = below, out_of_memory, ready
        self._printed = bytearray()
        self._ends: list[int | socket.socket] = [output]
        self._started = self._checked = time.monotonic()
        self._latest_start = self._started + limits.seconds
        self._held_seconds = self._waited_seconds = 0.0
        self._asked_at: float | None = None
        os.set_blocking(output, False)

    @property
    def starved(self) -> bool:
        """Whether the process has waited so long for a processor that its time limit says little."""
        return self._waited_seconds > min(STARVED_SECONDS, self._limits.seconds * STARVED_SHARE)

    def watch(self, connection: socket.socket) -> str:
        """Wait for the end of the process, a limit, or the end of the grader; return how it ended."""
        self._ends.append(connection)
        ended = ""
        while not ended:
            # With its output closed the process is ending, and no event will tell when.
            seconds = POLL_SECONDS if self._output in self._ends else EXIT_POLL_SECONDS
            ready = select.select(self._ends, [], [], seconds)[0]
            if connection in ready and not self._answered(connection):
                return "grader gone"
            if self._output in ready:
                # A busy notebook prints in small pieces; waking for each would take its processor from it.
                time.sleep(REST_SECONDS)
                self._read_output()
            finished, status = os.waitpid(self._child, os.WNOHANG)
            if finished:
                # A process that the kernel killed for want of memory has SIGKILL as its end, like any other kill.
                exit_code = os.waitstatus_to_exitcode(status)
                ended = MEMORY_LIMIT if self._out_of_memory() else _describe_exit(exit_code)
            else:
                ended = self._exceeded(connection)
        return ended

    def printed(self, waiting: bytes) -> str:
        """Return what was printed, when all that could print has been killed, with the text that was ``waiting``."""
        while self._output in self._ends and self._read_output():
            pass
        self._keep(waiting)
        return self._printed.decode("utf-8", "replace")

    def _read_output(self) -> bool:
        """Read a piece of the output; False if there is none."""
        with suppress(BlockingIOError):
            piece = os.read(self._output, 65536)
            if not piece:
                self._ends.remove(self._output)
            self._keep(piece)
            return bool(piece)
        return False

    def _keep(self, piece: bytes) -> None:
        self._printed += piece[: self._limits.output_bytes - len(self._printed)]

    def _answered(self, connection: socket.socket) -> bool:
        """Read how long the server was held, which at most doubles the time; False if the grader is gone."""
        try:
            held = float(wire.receive(connection)[0]["seconds"])
        except (wire.Closed, OSError):
            return False
        more = min(held, self._limits.seconds) - self._held_seconds
        self._held_seconds += max(more, 0)
        self._asked_at = None if more > 0 else -math.inf
        return True

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
