"""Accepts connections: looks at the first byte, then starts TLS.

A client that speaks plain HTTP to the TLS port gets Go's answer instead of a failed handshake.
"""

import asyncio
import contextlib
import logging
import resource
import socket
from functools import partial

from OpenSSL import SSL

from .connection import HttpServer
from .tls import Reading, handshake, until
from .transport import TlsTransport

log = logging.getLogger(__name__)

HANDSHAKE_RECORD = b"\x16"
PLAIN_HTTP = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for the handshake."""

REFUSING_SECONDS = 0.1
"""How long others wait after a connection of clients that have cost enough."""

MAX_CONNECTIONS = 4096
SPARE_FILES = 64
"""File descriptors kept for the database, logs and the like."""


def connection_limit() -> int:
    """How many connections the system allows; raises the soft limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE_FILES
    # macOS and some distributions start with 256 or 1,024 open files; raising the soft limit needs no privilege.
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(8, min(MAX_CONNECTIONS, soft - SPARE_FILES))


class Listener:
    """Accepts connections for a server, at most ``most`` and as many as the system allows.

    ``context`` can be replaced, for new connections.
    """

    def __init__(
        self,
        listening: socket.socket,
        server: HttpServer,
        context: SSL.Context,
        most: int = MAX_CONNECTIONS,
        surround: Reading = contextlib.nullcontext,
        sending: set[TlsTransport] | None = None,
    ) -> None:
        listening.setblocking(False)
        self._socket = listening
        self._server = server
        self.context = context
        self._surround = surround
        self._sending = sending
        self._limit = min(most, connection_limit())
        self._greeting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            # Not `loop.sock_accept`: if it is cancelled, it can have accepted a connection that would never be
            # closed.
            await until(loop.add_reader, loop.remove_reader, self._socket)
            try:
                connection, _ = self._socket.accept()
            except BlockingIOError:
                continue
            except OSError as error:
                log.warning("accepting a connection failed: %s", error.strerror)
                await asyncio.sleep(0.1)
                continue
            # Closed at once rather than queued: a client sees an error now instead of a time-out later.
            if len(self._server.connections) + len(self._greeting) >= self._limit:
                connection.close()
                continue
            try:
                self._surround()
            except ConnectionError:
                connection.close()
                await asyncio.sleep(REFUSING_SECONDS)
                continue
            task = loop.create_task(self._greet(connection))
            self._greeting.add(task)
            task.add_done_callback(partial(self._greeted, connection))

    async def close(self) -> None:
        """Stop listening and drop unfinished handshakes."""
        self._socket.close()
        for task in list(self._greeting):
            task.cancel()
        await asyncio.gather(*self._greeting, return_exceptions=True)

    async def _greet(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await until(loop.add_reader, loop.remove_reader, connection)
                first = connection.recv(1, socket.MSG_PEEK)
                # 22 is the content type of a TLS handshake record (RFC 8446, 5.1); no HTTP method begins with it.
                if first == HANDSHAKE_RECORD:
                    tls = await handshake(self.context, connection, self._surround)
                    TlsTransport(connection, tls, self._server(), self._surround, self._sending)
                    return
            if first.isalpha():
                connection.recv(65536)
                connection.send(PLAIN_HTTP)
                connection.shutdown(socket.SHUT_WR)
        except (OSError, TimeoutError, SSL.Error) as error:
            log.debug("a connection ended before its first request: %s", error)
        connection.close()

    def _greeted(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        """Forget a handshake that has ended; a cancelled one has possibly not even begun."""
        self._greeting.discard(task)
        if task.cancelled():
            connection.close()
