"""A container's log: lines with their times, bounded, readable from any point."""

import datetime
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

# A bound of our own; the kubelet rotates logs at 10 MiB (containerLogMaxSize).
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """A numbered line, with its newline if it had one, and when it was written, in seconds since 1970."""

    number: int
    moment: float
    data: bytes

    def stamped(self) -> bytes:
        """The line with its time in front, as ``--timestamps`` shows it."""
        moment = datetime.datetime.fromtimestamp(self.moment, datetime.UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(self.moment % 1 * 1e9):09}Z ".encode() + self.data


class Log:
    """The output of a container."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self._count = 0
        self._open = b""
        self._listeners: list[Callable[[bytes], None]] = []
        self.closed = False

    def subscribe(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """Call a function with all output as it comes, unfinished lines too, until the returned function is called.

        At the end of the log it is called without any.
        """
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget

    def write(self, data: bytes) -> None:
        """Add output; an unfinished line waits for its end."""
        *whole, rest = (self._open + data).split(b"\n")
        for line in whole:
            self._add(line + b"\n")
        self._open = rest
        # containerd splits longer lines, too (max_container_log_line_size).
        if len(rest) > 16384:
            self._add(rest)
            self._open = b""
        self._notify(data)

    def close(self) -> None:
        """End the log; an unfinished line becomes a line."""
        if self._open:
            self._add(self._open)
            self._open = b""
        self.closed = True
        self._notify(b"")

    def _add(self, data: bytes) -> None:
        self._lines.append(Line(self._count, self._now(), data))
        self._count += 1
        self._bytes += len(data)
        while self._bytes > MAX_BYTES:
            self._bytes -= len(self._lines.popleft().data)

    def _notify(self, data: bytes) -> None:
        # A copy, because a client that is gone unsubscribes while it is called.
        for listener in list(self._listeners):
            listener(data)

    def lines(self, *, after: int = -1) -> list[Line]:
        """The lines after a number."""
        return [line for line in self._lines if line.number > after]


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which lines of a log to send.

    Negative limits are none; ``since`` is in seconds since 1970, and ``timestamps`` puts the time before each line.
    """

    tail_lines: int = -1
    limit_bytes: int = -1
    since: float = 0.0
    timestamps: bool = False

    def select(self, lines: list[Line], sent: int = 0) -> list[bytes]:
        """The lines as they are sent, up to the limit, of which some bytes have been sent."""
        chosen = [line for line in lines if line.moment >= self.since]
        # `--tail=0` means no lines at all, but a slice from -0 would be all of them.
        if self.tail_lines >= 0:
            chosen = chosen[-self.tail_lines :] if self.tail_lines else []
        pieces = [line.stamped() if self.timestamps else line.data for line in chosen]
        if self.limit_bytes < 0:
            return pieces
        out: list[bytes] = []
        left = self.limit_bytes - sent
        for piece in pieces:
            if left <= 0:
                break
            out.append(piece[:left])
            left -= len(piece)
        return out


class LogStream:
    """A followed log (an ``EventStream``)."""

    # The kubelet's streamingConnectionIdleTimeout.
    timeout_seconds = 4 * 3600.0

    def __init__(self, log: Log, options: LogOptions) -> None:
        self._log = log
        self._options = options
        self._last = -1
        self._sent = 0
        self._ended = False
        self._forget: Callable[[], None] = lambda: None

    def read(self) -> list[bytes]:
        """The lines since the last reading."""
        lines = self._log.lines(after=self._last)
        if lines:
            self._last = lines[-1].number
        pieces = self._options.select(lines, self._sent)
        # Only the lines of the first reading are too many.
        self._options = replace(self._options, tail_lines=-1)
        self._sent += sum(len(piece) for piece in pieces)
        return pieces

    @property
    def closed(self) -> bool:
        """True once the container has ended and every line was read."""
        full = 0 <= self._options.limit_bytes <= self._sent
        return self._ended or full or (self._log.closed and not self._log.lines(after=self._last))

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` at every new line."""
        self._forget = self._log.subscribe(lambda data: wake())

    def close(self) -> None:
        """Stop following: the client has gone."""
        self._ended = True
        self._forget()
