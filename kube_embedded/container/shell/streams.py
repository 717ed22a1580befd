"""The streams behind file descriptors: the exec's ends, pipes, texts."""

from .task_loop import Block, BrokenPipe, MemoryExceeded, ReadInput, Task, TaskLoop, WriteOutput

CHUNK_BYTES = 16 << 10
PIPE_BYTES = 64 << 10
"""The capacity of a pipe, as Linux has it."""

MAX_LINE_BYTES = 1 << 20


def decode(data: bytes) -> str:
    """Return bytes as text, in which bytes that are not UTF-8 survive for :func:`encode`."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return text as bytes, the reverse of :func:`decode`; a lone surrogate becomes ``?``."""
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
    _unread = b""

    async def read(self, limit: int = CHUNK_BYTES) -> bytes:
        """Return some bytes, at most ``limit``; none at the end."""
        if not self._unread:
            return await self._read(limit)
        data = self._unread[:limit]
        self._unread = self._unread[limit:]
        return data

    def unread(self, data: bytes) -> None:
        """Put back bytes for the next reader."""
        self._unread = data + self._unread

    async def read_line(self) -> bytes:
        """Return one line with its newline; the last line can lack it; then ``b""``."""
        line = b""
        while data := await self.read():
            head, newline, rest = data.partition(b"\n")
            line += head + newline
            if newline:
                self.unread(rest)
                break
            if len(line) > MAX_LINE_BYTES:
                raise StreamError("Cannot allocate memory")
        return line

    async def _read(self, limit: int) -> bytes:
        raise StreamError("Bad file descriptor")

    async def write(self, data: bytes) -> None:
        """Write all of the bytes; ``StreamError`` if the stream is not for writing."""
        raise StreamError("Bad file descriptor")

    def close(self) -> None:
        """Close the stream."""


class ConsoleInput(Stream):
    """The exec's stdin."""

    _ended = False

    async def _read(self, limit: int) -> bytes:
        if self._ended:
            return b""
        data: bytes = await ReadInput()
        # Ctrl-D ends the input of one command only, as the terminal can be read again.
        self._ended = not data and not self.terminal
        self.unread(data[limit:])
        return data[:limit]


class ConsoleOutput(Stream):
    """The exec's stdout or stderr."""

    def __init__(self, channel: int) -> None:
        self._channel = channel

    async def write(self, data: bytes) -> None:
        """Send the bytes to the far end, in pieces, so that Ctrl-C can come between."""
        for start in range(0, len(data), CHUNK_BYTES):
            await WriteOutput(self._channel, data[start : start + CHUNK_BYTES])


class TextStream(Stream):
    """A text to read: a here-document, a here-string."""

    def __init__(self, text: bytes = b"") -> None:
        self._unread = text

    async def _read(self, limit: int) -> bytes:
        return b""


class NullStream(TextStream):
    """``/dev/null``: empty for readers, and without an end for writers."""

    async def write(self, data: bytes) -> None:
        """Discard the bytes."""


class Capture(Stream):
    """Collects output, for ``$(…)``; raises ``MemoryExceeded`` beyond the limit."""

    def __init__(self, limit_bytes: int) -> None:
        self.data = bytearray()
        self._limit_bytes = limit_bytes

    async def write(self, data: bytes) -> None:
        """Store the bytes."""
        if len(self.data) + len(data) > self._limit_bytes:
            raise MemoryExceeded
        self.data += data


class Pipe:
    """A pipe between two processes; if it is full, its writer waits.

    A writer without a reader gets SIGPIPE, a reader without a writer sees the end.
    """

    def __init__(self, task_loop: TaskLoop) -> None:
        self._task_loop = task_loop
        self._data = bytearray()
        self._waiting: list[Task] = []
        self.reader = _PipeReader(self)
        self.writer = _PipeWriter(self)

    def wake(self) -> None:
        """Resume the processes that wait for the pipe."""
        for task in self._waiting:
            self._task_loop.wake(task)
        self._waiting.clear()

    async def _wait(self) -> None:
        if self._task_loop.current is not None:
            self._waiting.append(self._task_loop.current)
        await Block()

    async def get(self, limit: int) -> bytes:
        """Return some bytes; none once the writer has closed."""
        while not self._data and not self.writer.closed:
            await self._wait()
        data = bytes(self._data[:limit])
        del self._data[:limit]
        self.wake()
        return data

    async def put(self, data: bytes) -> None:
        """Pass bytes on; ``BrokenPipe`` if the reader has closed."""
        while len(self._data) >= PIPE_BYTES and not self.reader.closed:
            await self._wait()
        if self.reader.closed:
            raise BrokenPipe
        # One write can exceed the capacity: a writer waits only while the pipe is full.
        self._data += data
        self.wake()


class _PipeEnd(Stream):
    closed = False

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def close(self) -> None:
        self.closed = True
        self._pipe.wake()


class _PipeReader(_PipeEnd):
    async def _read(self, limit: int) -> bytes:
        return await self._pipe.get(limit)


class _PipeWriter(_PipeEnd):
    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), PIPE_BYTES):
            await self._pipe.put(data[start : start + PIPE_BYTES])
