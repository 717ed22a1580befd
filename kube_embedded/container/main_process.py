"""The first process of a container: a coroutine that lives on between the server's requests.

It runs until it sleeps, and is resumed by the cluster's clock. No thread or timer waits
for it: a container whose command is ``sleep 9999999`` costs one suspended coroutine.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from ..machinery.request import WINDOW
from .container import Container
from .logs import Log
from .shell.task_loop import Budget
from .terminal import Terminal

log = logging.getLogger(__name__)

FOREVER = float("inf")
MIN_NAP_SECONDS = 0.01
MAX_TYPED_BYTES = 1 << 20

START_STEPS = 20_000
"""The steps that a container may use before it must wait for the clock."""


@dataclass(frozen=True, slots=True)
class _Nap:
    seconds: float

    def __await__(self) -> Generator[_Nap, None, None]:
        yield self


class ProcessIO:
    """The far end of a container's first process: attached clients write its input, and its output goes to the log.

    The input (``stdin: true``) stays open until a client attaches.
    """

    def __init__(self, log: Log, *, stdin: bool = False) -> None:
        self._log = log
        self._typed = bytearray()
        self._ended = not stdin
        self.waiting = False
        self.window = WINDOW

    def feed(self, data: bytes) -> None:
        """Add input of an attached client; empty data ends it."""
        if not data:
            self._ended = True
        elif len(self._typed) < MAX_TYPED_BYTES:
            self._typed += data

    async def read_stdin(self) -> bytes:
        """The input, as soon as there is some."""
        while not self.stdin_ready():
            self.waiting = True
            await _Nap(FOREVER)
        self.waiting = False
        data = bytes(self._typed)
        self._typed.clear()
        return data

    def stdin_ready(self) -> bool:
        """Return whether there is input, or its end."""
        return bool(self._typed) or self._ended

    async def write(self, channel: int, data: bytes) -> None:
        """Write output to the log."""
        self._log.write(data)

    async def sleep(self, seconds: float) -> None:
        """Sleep by the cluster's clock."""
        if seconds > 0:
            await _Nap(max(seconds, MIN_NAP_SECONDS))


class MainProcess:
    """A container's first process.

    Raises:
        NotRunnable: It cannot be started.
    """

    def __init__(
        self, container: Container, log: Log, *, stdin: bool = False, terminal: bool = False
    ) -> None:
        container.look_up(container.command)
        self._log = log
        budget = Budget(
            steps=START_STEPS,
            steps_per_second=4_000,
            output_bytes=1 << 62,
            seconds=FOREVER,
            # The first process is not killed for being busy; it waits, as with a limit of CPU.
            throttle=True,
        )
        self._io = ProcessIO(log, stdin=stdin)
        running = container.run(
            container.command,
            Terminal(self._io) if terminal else self._io,
            stdin=stdin,
            terminal=terminal,
            budget=budget,
        )
        self._iterator: Generator[Any, Any, int] = running.__await__()
        self.status: int | None = None
        self.wake_at = 0.0
        self._now = container.now
        self.resume(container.now())

    def resume(self, now: float) -> None:
        """Resume the process if it is time."""
        while self.status is None and self.wake_at <= now:
            try:
                nap = next(self._iterator)
            except StopIteration as end:
                self.status = int(end.value)
                self._log.close()
                return
            except Exception:
                # A defect of the shell ends this container, and not the node.
                log.exception("a container's process broke")
                self.status = 139
                self._log.close()
                return
            # After a jump of the clock, a loop with a `sleep` makes up for one minute at most, and not
            # for each round that it missed.
            start = max(self.wake_at, now - 60) if self.wake_at else now
            self.wake_at = start + nap.seconds if isinstance(nap, _Nap) else now

    def feed(self, data: bytes) -> None:
        """Pass input (empty at its end) to the process, and resume it if it waits for input."""
        self._io.feed(data)
        if self._io.waiting:
            self.wake_at = self._now()
        self.resume(self._now())

    def stop(self) -> None:
        """End the process (SIGTERM, then SIGKILL)."""
        self._iterator.close()
        if self.status is None:
            # The first process of a container has no default handler for SIGTERM, so that most programs
            # end by SIGKILL (9) after the grace period.
            self.status = 137
            self._log.close()
