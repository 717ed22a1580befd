"""The frames of an exec WebSocket, both directions in one thread.

The first byte of a frame says which channel it belongs to. Sources: KEP-4006,
``k8s.io/apimachinery/pkg/util/httpstream/wsstream``.

One thread does it all, because a TLS connection that one thread reads while another writes
breaks now and then: CPython locks it only since 3.13.4 (gh-134698).
"""

from __future__ import annotations

import select
import ssl
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import websocket

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
"""What the first byte of a frame says. 255 closes a channel (v5 only)."""

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

PIECE_BYTES = 8192
"""The most input in a frame: a connection that takes any bytes takes so many without waiting."""

STALL_SECONDS = 0.2
"""How long the rest of a frame is waited for before looking after the other direction again."""


def typed(data: bytes, protocol: str | None) -> Iterator[bytes]:
    """The frames that give a command all of its input, and its end where the protocol can say it.

    Args:
        data: The input.
        protocol: What was negotiated.
    """
    for start in range(0, len(data), PIECE_BYTES):
        yield bytes((STDIN,)) + data[start : start + PIECE_BYTES]
    yield from end_of_input(protocol)


def end_of_input(protocol: str | None) -> list[bytes]:
    """The frame that says that no more input follows, if the protocol has one."""
    return [bytes((CLOSE, STDIN))] if protocol == PROTOCOLS[0] else []


def frames(
    socket: websocket.WebSocket,
    outgoing: Iterable[bytes] = (),
    sources: Mapping[int, Iterator[bytes]] | None = None,
    *,
    deadline: float | None = None,
) -> Iterator[tuple[int, bytes]]:
    """Read frames until the other side closes, and send others meanwhile.

    Args:
        socket: An exec WebSocket.
        outgoing: Frames to send, as fast as they are taken.
        sources: Descriptors to watch once those are sent, each with the frames that it gives when it is readable.
        deadline: When to give up, by ``time.monotonic``; None waits for ever.

    Yields:
        The channel and the data.

    Raises:
        WebSocketTimeoutException: At the deadline.
    """
    import websocket as library

    rest, waiting, watched = iter(outgoing), deque[bytes](), dict(sources or {})
    while True:
        if not waiting:
            waiting.extend(piece for piece in [next(rest, b"")] if piece)
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise library.WebSocketTimeoutException("the command took too long")
        if (connection := socket.sock) is None:
            return
        buffered = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        readable, writable, _ = select.select(
            [connection, *(() if waiting else watched)], [connection] if waiting else [], [], 0 if buffered else left
        )
        if writable:
            socket.send_binary(waiting.popleft())
        for descriptor in readable:
            if descriptor in watched:
                made = next(watched[descriptor], None)
                if made is None:
                    del watched[descriptor]
                else:
                    waiting.append(made)
        if buffered or connection in readable:
            try:
                frame = _received(socket)
            except library.WebSocketConnectionClosedException:
                return
            if frame:
                yield frame[0], frame[1:]


def _received(socket: websocket.WebSocket) -> bytes:
    """The next frame with data; nothing when what came is none, or not whole yet.

    Raises:
        WebSocketConnectionClosedException: When the other side closes.
    """
    import websocket as library

    socket.settimeout(STALL_SECONDS)
    try:
        opcode, data = socket.recv_data(control_frame=True)
    except library.WebSocketTimeoutException:
        return b""
    finally:
        socket.settimeout(None)
    if opcode == library.ABNF.OPCODE_CLOSE:
        raise library.WebSocketConnectionClosedException("the other side closed the connection")
    return bytes(data) if opcode in (library.ABNF.OPCODE_BINARY, library.ABNF.OPCODE_TEXT) else b""
