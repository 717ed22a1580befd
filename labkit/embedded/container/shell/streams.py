"""The streams behind file descriptors: the exec's ends, pipes, texts."""

from __future__ import annotations

from collections import deque

from labkit.embedded.container.shell.task_loop import (
    Block,
    BrokenPipe,
    MemoryExceeded,
    ReadInput,
    Task,
    TaskLoop,
    WriteOutput,
)

CHUNK_BYTES = 16 << 10
PIPE_BYTES = 64 << 10


def decode(data: bytes) -> str:
    """Bytes as text, keeping what is not UTF-8 for :func:`encode`."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Text as bytes, the reverse of :func:`decode`; a lone surrogate becomes ``?``."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


class StreamError(OSError):
    """Reading or writing failed; the reason is ``strerror``'s, such as ``Bad file descriptor``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stream:
    """An open file description; by itself one that was closed (``>&-``)."""

    terminal = False

    def __init__(self) -> None:
        self._unread = b""

    async def read(self, limit: int = CHUNK_BYTES) -> bytes:
        """Some bytes, at most ``limit``; none at the end."""
        if self._unread:
            data, self._unread = self._unread[:limit], self._unread[limit:]
            return data
        return await self._read(limit)

    def unread(self, data: bytes) -> None:
        """Put back bytes for the next reader."""
        self._unread = data + self._unread

    async def read_line(self) -> bytes:
        """One line with its newline; what is left at the end; nothing after it."""
        parts: list[bytes] = []
        size = 0
        while True:
            data = await self.read()
            if not data:
                return b"".join(parts)
            head, newline, rest = data.partition(b"\n")
            parts.append(head + newline)
            size += len(head)
            if newline:
                if rest:
                    self.unread(rest)
                return b"".join(parts)
            if size > 1 << 20:
                raise StreamError("Cannot allocate memory")

    async def _read(self, limit: int) -> bytes:
        raise StreamError("Bad file descriptor")

    async def write(self, data: bytes) -> None:
        """Write all of the bytes; ``StreamError`` if the stream takes none."""
        raise StreamError("Bad file descriptor")

    def close(self) -> None:
        """Close the stream."""


class ConsoleInput(Stream):
    """The exec's stdin."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = False

    async def _read(self, limit: int) -> bytes:
        if self._ended:
            return b""
        data: bytes = await ReadInput()
        if not data and not self.terminal:
            self._ended = True
        if len(data) > limit:
            self.unread(data[limit:])
        return data[:limit]


class ConsoleOutput(Stream):
    """The exec's stdout or stderr."""

    def __init__(self, channel: int) -> None:
        super().__init__()
        self._channel = channel

    async def write(self, data: bytes) -> None:
        """Send the bytes to the far end."""
        for start in range(0, len(data), CHUNK_BYTES):
            await WriteOutput(self._channel, data[start : start + CHUNK_BYTES])


class TextStream(Stream):
    """A text to read: a here-document, a here-string."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.unread(encode(text))

    async def _read(self, limit: int) -> bytes:
        return b""


class NullStream(TextStream):
    """``/dev/null``: reads nothing, takes everything."""

    async def write(self, data: bytes) -> None:
        """Discard the bytes."""


class Capture(Stream):
    """Collects what is written, for ``$(…)``; raises ``MemoryExceeded`` beyond the limit."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self.data = bytearray()
        self._limit_bytes = limit_bytes

    async def write(self, data: bytes) -> None:
        """Store the bytes."""
        if len(self.data) + len(data) > self._limit_bytes:
            raise MemoryExceeded
        self.data += data


class Pipe:
    """A pipe between two processes; a full one makes its writer wait."""

    def __init__(self, task_loop: TaskLoop) -> None:
        self._task_loop = task_loop
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._waiting: list[Task] = []
        self._write_closed = False
        self._read_closed = False
        self.reader = _PipeReader(self)
        self.writer = _PipeWriter(self)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._task_loop.wake(task)

    async def _wait(self) -> None:
        if self._task_loop.current is not None:
            self._waiting.append(self._task_loop.current)
        await Block()

    async def get(self, limit: int) -> bytes:
        """Some bytes; none once the writer has closed."""
        while not self._chunks:
            if self._write_closed or self._read_closed:
                return b""
            await self._wait()
        data = self._chunks.popleft()
        if len(data) > limit:
            self._chunks.appendleft(data[limit:])
            data = data[:limit]
        self._size -= len(data)
        self._wake()
        return data

    async def put(self, data: bytes) -> None:
        """Pass bytes on; ``BrokenPipe`` if the reader has closed."""
        while self._size >= PIPE_BYTES and not self._read_closed:
            await self._wait()
        if self._read_closed:
            raise BrokenPipe
        if data:
            self._chunks.append(data)
            self._size += len(data)
            self._wake()

    def close(self, *, reading: bool = False, writing: bool = False) -> None:
        """Close the reading end (writers then get SIGPIPE) or the writing end (readers then see the end)."""
        self._read_closed = self._read_closed or reading
        self._write_closed = self._write_closed or writing
        self._wake()


class _PipeReader(Stream):
    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    async def _read(self, limit: int) -> bytes:
        return await self._pipe.get(limit)

    def close(self) -> None:
        self._pipe.close(reading=True)


class _PipeWriter(Stream):
    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), PIPE_BYTES):
            await self._pipe.put(data[start : start + PIPE_BYTES])

    def close(self) -> None:
        self._pipe.close(writing=True)
