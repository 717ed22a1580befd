"""The address that the server listens on, known before the server itself is loaded."""

import socket

BACKLOG = 512


def listen(port: int) -> socket.socket:
    """Open a listening socket on loopback; port 0 is any free one. OSError if the port is taken."""
    return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)


def url(port: int) -> str:
    """The URL of a loopback port."""
    return f"https://127.0.0.1:{port}"
