"""Commands that the kubelet runs in a container without waiting for real time: probes and hooks."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.embedded.container.container import Container
from labkit.embedded.container.shell.task_loop import Budget
from labkit.embedded.machinery.request import WINDOW

MAX_OUTPUT_BYTES = 10 << 10
STEPS = 20_000


class _TimeUp(Exception):
    """The command would take longer than it may."""


class CapturedOutput:
    """An ``ExecIO`` that captures output, and counts sleep instead of waiting."""

    def __init__(self, timeout_seconds: float) -> None:
        self._left = timeout_seconds
        self.output = bytearray()
        self.window = WINDOW

    async def read_stdin(self) -> bytes:
        """The end of the input: there is none."""
        return b""

    def stdin_ready(self) -> bool:
        """Whether the end of the input can be read."""
        return True

    async def write(self, channel: int, data: bytes) -> None:
        """Store the beginning of the output."""
        self.output += data[: max(0, MAX_OUTPUT_BYTES - len(self.output))]

    async def sleep(self, seconds: float) -> None:
        """Count the time, up to the limit."""
        self._left -= seconds
        if self._left < 0:
            raise _TimeUp


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit status of a command, None if it took too long, and what it wrote, both streams together."""

    status: int | None
    output: str


def run_once(container: Container, words: list[str], timeout_seconds: float) -> CommandResult:
    """Run a command in a container to its end; ``timeout_seconds`` limits its simulated sleep.

    Raises:
        NotRunnable: It cannot be started.
    """
    captured = CapturedOutput(timeout_seconds)
    running = container.run(words, captured, budget=Budget(steps=STEPS)).__await__()
    status: int | None = None
    try:
        while True:
            next(running)
    except StopIteration as end:
        status = int(end.value)
    except _TimeUp:
        pass
    return CommandResult(status, captured.output.decode("utf-8", "replace"))
