"""The far end of a command without a person: a text as input, and the output."""

from __future__ import annotations

from collections.abc import Awaitable

from kube_embedded.machinery.request import WINDOW


class TextIO:
    """The input and the output of a command.

    Args:
        stdin: The input.
        limit_bytes: After so much of one channel the rest is left out.
    """

    def __init__(self, stdin: bytes = b"", *, limit_bytes: int = 1 << 20) -> None:
        self._stdin = stdin
        self._limit_bytes = limit_bytes
        self.out: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        self.window = WINDOW

    async def read_stdin(self) -> bytes:
        """Return the rest of the text."""
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
