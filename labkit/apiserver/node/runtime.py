"""The first process of a container: a coroutine that lives on between the server's requests.

It runs until it sleeps, and is resumed when the cluster's clock says so. Nothing waits
for it: a container whose command is ``sleep 9999999`` costs one suspended coroutine.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from labkit.apiserver.node.container import Container, NotRunnable
from labkit.apiserver.node.logs import Log
from labkit.apiserver.node.shell.kernel import Budget

FOREVER = float("inf")
MIN_NAP_SECONDS = 0.01

START_STEPS = 20_000
"""What a container may do before it must sleep; then it goes on with the clock."""


@dataclass(frozen=True, slots=True)
class _Nap:
    seconds: float

    def __await__(self) -> Generator[_Nap, None, None]:
        yield self


class ProcessIO:
    """The far end of a container's first process: no input, and its log.

    Args:
        log: Where its output goes.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    async def read_stdin(self) -> bytes:
        """There is none."""
        return b""

    def stdin_ready(self) -> bool:
        """At once: there is none."""
        return True

    async def write(self, channel: int, data: bytes) -> None:
        """Into the log."""
        self._log.write(data)

    async def sleep(self, seconds: float) -> None:
        """Until the clock has come so far."""
        if seconds > 0:
            await _Nap(max(seconds, MIN_NAP_SECONDS))


class MainProcess:
    """A container's first process.

    Args:
        container: Where it runs.
        words: Its command.
        log: Where its output goes.
        now: Seconds since 1970.

    Raises:
        NotRunnable: It cannot be started.
    """

    def __init__(self, container: Container, words: list[str], log: Log, now: Callable[[], float]) -> None:
        container.look_up(words)
        self._log = log
        budget = Budget(steps=START_STEPS, steps_per_second=4_000, output_bytes=1 << 62, seconds=FOREVER, throttle=True)
        self._iterator: Generator[Any, Any, int] = container.run(words, ProcessIO(log), budget=budget).__await__()
        self.status: int | None = None
        self.wake_at = 0.0
        self._asleep_since = now()
        self._now = now
        self.resume(now())

    def resume(self, now: float) -> None:
        """Go on if it is time.

        Args:
            now: Seconds since 1970.
        """
        while self.status is None and self.wake_at <= now:
            try:
                nap = next(self._iterator)
            except StopIteration as end:
                self.status = int(end.value)
                self._log.close()
                return
            start = max(self.wake_at, now - 60) if self.wake_at else now
            self.wake_at = start + nap.seconds if isinstance(nap, _Nap) else now

    def stop(self) -> None:
        """End it (SIGTERM, then SIGKILL)."""
        self._iterator.close()
        if self.status is None:
            self.status = 137
            self._log.close()


__all__ = ["MainProcess", "NotRunnable", "ProcessIO"]
