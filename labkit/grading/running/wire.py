"""Messages between a grader and its processes: a length, then JSON, and optionally a socket.

JSON and not pickles: loading a pickle can run code, and some of these processes run learners' code.
"""

import json
import socket
import struct
from typing import Any

MAX_MESSAGE_BYTES = 64 << 20

_HEAD = struct.Struct("!I")

Message = tuple[dict[str, Any], socket.socket | None]
"""The JSON object, and the socket that was sent with it."""


class Closed(Exception):
    """The peer has closed the channel."""


def send(
    channel: socket.socket, message: dict[str, Any], attached: socket.socket | None = None
) -> None:
    """Send a message on a Unix socket, and perhaps a socket of which the receiver gets a duplicate."""
    data = json.dumps(message).encode()
    head = _HEAD.pack(len(data))
    if attached is None:
        channel.sendall(head)
    else:
        socket.send_fds(channel, [head], [attached.fileno()])
    channel.sendall(data)


def receive(channel: socket.socket) -> Message:
    """Receive the next message, and the socket that was sent with it.

    Raises:
        Closed: The peer has closed the channel, or announces a message that is too long.
    """
    head, numbers, _flags, _address = socket.recv_fds(channel, _HEAD.size, 1)
    attached = socket.socket(fileno=numbers[0]) if numbers else None
    if len(head) < _HEAD.size:
        head += _exactly(channel, _HEAD.size - len(head))
    (length,) = _HEAD.unpack(head)
    # A bound, since the message is read into memory.
    if length > MAX_MESSAGE_BYTES:
        raise Closed("a message that is too long")
    return json.loads(_exactly(channel, length)), attached


def _exactly(channel: socket.socket, count: int) -> bytes:
    pieces = []
    while count:
        piece = channel.recv(min(count, 1 << 20))
        if not piece:
            raise Closed("the other side has gone")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
