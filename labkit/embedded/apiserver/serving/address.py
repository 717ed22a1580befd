"""Where the server listens. Known before anything is loaded that answers."""

from __future__ import annotations

import socket

BACKLOG = 512


def listen(port: int) -> socket.socket:
    """A socket on loopback.

    Args:
        port: The port, 0 for any free one.

    Raises:
        OSError: The port is taken.
    """
    return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)


def url(port: int) -> str:
    """Where a port of ours is reached."""
    return f"https://127.0.0.1:{port}"
