"""Messages between the grader and its workers: a length, then JSON; a socket may come along."""

from __future__ import annotations

import array
import json
import socket
import struct
from typing import Any

LONGEST = 64 << 20
"""Bytes of one message at the most."""

_HEAD = struct.Struct("!I")

Message = tuple[dict[str, Any], socket.socket | None]
"""What was said, and the socket that came along."""


class Closed(Exception):
    """The other side has gone."""


def send(channel: socket.socket, message: dict[str, Any], handle: socket.socket | None = None) -> None:
    """Send a message, and with it a socket.

    Args:
        channel: A connected Unix socket.
        message: What to say; JSON.
        handle: A socket the receiver gets a copy of.
    """
    data = json.dumps(message).encode()
    head = _HEAD.pack(len(data))
    if handle is None:
        channel.sendall(head)
    else:
        rights = array.array("i", [handle.fileno()])
        channel.sendmsg([head], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    channel.sendall(data)


def receive(channel: socket.socket) -> Message:
    """The next message, and the socket that came with it.

    Args:
        channel: A connected Unix socket.

    Raises:
        Closed: The other side has gone, or said nonsense.
    """
    room = socket.CMSG_SPACE(array.array("i").itemsize)
    head, extra, _flags, _address = channel.recvmsg(_HEAD.size, room)
    handle = None
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(data[: numbers.itemsize])
            handle = socket.socket(fileno=numbers[0])
    if len(head) < _HEAD.size:
        head += _exactly(channel, _HEAD.size - len(head))
    (length,) = _HEAD.unpack(head)
    if length > LONGEST:
        raise Closed("a message that is too long")
    return json.loads(_exactly(channel, length)), handle


def _exactly(channel: socket.socket, count: int) -> bytes:
    pieces = []
    while count:
        piece = channel.recv(min(count, 1 << 20))
        if not piece:
            raise Closed("the other side has gone")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
