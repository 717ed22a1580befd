"""Many small questions to one API server, several on their way at a time.

While an answer is on its way the next question is already sent, on another connection.
One thread does it all: client and server work at the same time, and nothing waits for
Python's lock. Only for questions that change nothing, because one is asked again when a
kept connection turns out to be closed.
"""

from __future__ import annotations

import ssl
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

CONNECTIONS = 4
"""At the most."""
WORTH_A_CONNECTION = 16
"""Questions that make one more connection worth its handshake."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Args:
        status: The HTTP status.
        headers: The headers as they were written.
        data: The body.
    """

    status: int
    headers: Mapping[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask, and how.

    Args:
        address: Such as ``https://127.0.0.1:6443``.
        context: The TLS settings; a client certificate in them proves who asks.
        name: The name expected in the certificate, when not the address.
        connect_seconds: The longest that a connection may take.
        read_seconds: The longest silence while waiting for an answer.
    """

    address: str
    context: ssl.SSLContext
    name: str
    connect_seconds: float
    read_seconds: float


class Batch:
    """Connections to a server, kept open between batches.

    Args:
        server: Whom to ask.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: list[_Line] = []
        weakref.finalize(self, _hang_up, self._idle)

    def send(self, method: str, path: str, bodies: Sequence[bytes], headers: Mapping[str, str]) -> list[Reply]:
        """Ask all questions; the answers come in their order.

        Args:
            method: The same for all.
            path: The same for all.
            bodies: The questions.
            headers: The same for all.

        Raises:
            OSError: When the server cannot be reached, or falls silent.
            HTTPException: When what it says is no HTTP.
        """
        most = min(CONNECTIONS, 1 + len(bodies) // WORTH_A_CONNECTION)
        free = self._idle[:]
        self._idle.clear()
        waiting: deque[_Line] = deque()
        replies: list[Reply] = []
        try:
            for body in bodies:
                if len(waiting) == most:
                    free.append(waiting.popleft())
                    replies.append(free[-1].answer())
                waiting.append(free.pop() if free else _Line(self._server))
                waiting[-1].ask(method, path, body, headers)
            while waiting:
                free.append(waiting.popleft())
                replies.append(free[-1].answer())
        except BaseException:
            _hang_up([*free, *waiting])
            raise
        self._idle += free
        return replies

    def close(self) -> None:
        """Close all connections."""
        _hang_up(self._idle)


class _Line:
    """One connection, with at most one question on its way."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = _connection(server)
        self._asked: tuple[str, str, bytes, dict[str, str]] = ("", "", b"", {})

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a question."""
        prefix = urlsplit(self._server.address).path.rstrip("/")
        self._asked = (method, prefix + path, body, dict(headers))
        try:
            self._connection.request(*self._asked)
        except TimeoutError:
            raise
        except OSError:
            self._ask_again()

    def answer(self) -> Reply:
        """Wait for its answer."""
        try:
            return self._read()
        except TimeoutError:
            raise
        except (OSError, HTTPException):
            self._ask_again()
            return self._read()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _ask_again(self) -> None:
        self._connection.close()
        self._connection.request(*self._asked)

    def _read(self) -> Reply:
        response = self._connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())


def _hang_up(lines: list[_Line]) -> None:
    while lines:
        lines.pop().close()


def _connection(server: Server) -> HTTPConnection:
    """A connection that opens itself at the first question."""
    address = urlsplit(server.address)
    host = address.hostname or ""
    if address.scheme == "http":
        return HTTPConnection(host, address.port, timeout=server.read_seconds)
    return _Tls(host, address.port or 443, server)


class _Tls(HTTPSConnection):
    """An HTTPS connection that may expect another name than the address."""

    def __init__(self, host: str, port: int, server: Server) -> None:
        super().__init__(host, port, timeout=server.connect_seconds, context=server.context)
        self._server = server

    def connect(self) -> None:
        """Connect and shake hands."""
        HTTPConnection.connect(self)
        self.sock = self._server.context.wrap_socket(self.sock, server_hostname=self._server.name or self.host)
        self.sock.settimeout(self._server.read_seconds)
