"""Read and write the frames of an exec WebSocket in one thread.

The first byte of a frame is its channel. Sources: KEP-4006,
``k8s.io/apimachinery/pkg/util/httpstream/wsstream``.

One thread, because before CPython 3.13.4 a TLS connection can break when one thread reads from
it while another one writes (gh-134698).
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
"""The channels. 255 closes the channel that its data names (v5 only)."""

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

PIECE_BYTES = 8192
"""The maximum input in a frame: a writable connection accepts this many bytes without blocking."""

STALL_SECONDS = 0.2
"""The longest wait for the rest of a frame before writing again."""


def input_frames(data: bytes, protocol: str | None) -> Iterator[bytes]:
    """Yield the frames of a command's whole input, and of its end if the protocol has one."""
    for start in range(0, len(data), PIECE_BYTES):
        yield bytes((STDIN,)) + data[start : start + PIECE_BYTES]
    yield from end_of_input(protocol)


def end_of_input(protocol: str | None) -> list[bytes]:
    """Return the frame that closes standard input; none in v4."""
    return [bytes((CLOSE, STDIN))] if protocol == PROTOCOLS[0] else []


def frames(
    socket: websocket.WebSocket,
    outgoing: Iterable[bytes] = (),
    sources: Mapping[int, Iterator[bytes]] | None = None,
    *,
    deadline: float | None = None,
) -> Iterator[tuple[int, bytes]]:
    """Read frames until the other side closes the connection, and send frames at the same time.

    Args:
        socket: An exec WebSocket.
        outgoing: Frames to send.
        sources: Descriptors to watch once those are sent, each with the next frames to send when it is readable.
        deadline: The end of the wait, in ``time.monotonic`` seconds; None for no limit.

    Yields:
        The channel and the data.

    Raises:
        WebSocketTimeoutException: At the deadline.
    """
    import websocket as library

    rest = iter(outgoing)
    waiting = deque[bytes]()
    watched = dict(sources or {})
    while True:
        if not waiting:
            waiting.extend(piece for piece in [next(rest, b"")] if piece)
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise library.WebSocketTimeoutException("the command took too long")
        # websocket-client drops its socket when the other side has closed.
        if (connection := socket.sock) is None:
            return
        # Bytes that TLS has decrypted already are invisible to select, which would wait for more.
        buffered = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        readable, writable, _ = select.select(
            [connection, *(() if waiting else watched)],
            [connection] if waiting else [],
            [],
            0 if buffered else left,
        )
        if writable:
            socket.send_binary(waiting.popleft())
        for descriptor in readable:
            if descriptor in watched:
                piece = next(watched[descriptor], None)
                if piece is None:
                    del watched[descriptor]
                else:
                    waiting.append(piece)
        if buffered or connection in readable:
            try:
                frame = _received(socket)
            except library.WebSocketConnectionClosedException:
                return
            if frame:
                yield frame[0], frame[1:]


def _received(socket: websocket.WebSocket) -> bytes:
    """Return the next frame's data; empty when a control frame came, or the frame is not complete yet.

    Raises:
        WebSocketConnectionClosedException: When the other side closes.
    """
    import websocket as library

    # A frame can arrive in pieces; waiting for the last one must not stop the sending for long.
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
