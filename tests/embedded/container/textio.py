"""The far end of a command that nobody sits at: a text in, the output kept."""

from __future__ import annotations

from collections.abc import Awaitable

from labkit.embedded.machinery.request import WINDOW


class TextIO:
    """What a command reads, and what it has written.

    Args:
        stdin: What is typed.
        limit_bytes: After so much of one channel the rest is left out.
    """

    def __init__(self, stdin: bytes = b"", *, limit_bytes: int = 1 << 20) -> None:
        self._stdin = stdin
        self._limit_bytes = limit_bytes
        self.out: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        self.window = WINDOW

    async def read_stdin(self) -> bytes:
        """What is left of the text."""
        data, self._stdin = self._stdin, b""
        return data

    def stdin_ready(self) -> bool:
        """Always."""
        return True

    async def write(self, channel: int, data: bytes) -> None:
        """Keep the output."""
        if len(self.out[channel]) < self._limit_bytes:
            self.out[channel] += data

    async def sleep(self, seconds: float) -> None:
        """Do not wait."""


def drive(awaitable: Awaitable[int]) -> int:
    """Run a coroutine that never really waits."""
    iterator = awaitable.__await__()
    try:
        while True:
            next(iterator)
    except StopIteration as end:
        return int(end.value)
