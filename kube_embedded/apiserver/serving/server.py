"""A running server: front end, listener and clock of a cluster."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ...machinery.pki.keys import Keys
from ...machinery.request import Handler
from .address import url
from .connection import HttpServer
from .http import Frontend
from .incoming import MAX_HEADER_BYTES
from .listener import MAX_CONNECTIONS, Listener
from .streams import Streams
from .tls import Reading, tls_context

if TYPE_CHECKING:
    from .channels import ExecSessions

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
STOP_SECONDS = 3.0
"""How long requests in progress may take when the server stops."""

FAREWELL_SECONDS = 0.05
"""How long the last bytes may take before connections are aborted."""


class Served(Protocol):
    """The part of a cluster that a server needs."""

    @property
    def keys(self) -> Keys:
        """For TLS."""

    @property
    def handle(self) -> Handler:
        """Answers a request."""

    def advance(self) -> None:
        """Does the work that is due by the clock."""


class ApiServer:
    """Serves one cluster until it is closed.

    Args:
        listening: See ``address.listen``.
        before_answer: Called before anything is sent to a client.
        connections: The most connections at once.
        line_bytes: The longest request line.
        surround: Surrounds whatever reads from clients.
    """

    def __init__(
        self,
        cluster: Served,
        listening: socket.socket,
        before_answer: Callable[[], None] = lambda: None,
        *,
        connections: int = MAX_CONNECTIONS,
        line_bytes: int = MAX_HEADER_BYTES,
        surround: Reading = contextlib.nullcontext,
    ) -> None:
        self.port: int = listening.getsockname()[1]
        self._cluster = cluster
        self._frontend = Frontend(cluster.handle, before_answer)
        self._server = HttpServer(self._frontend, line_bytes)
        flow = self._frontend.flow
        self._listener = Listener(
            listening, self._server, tls_context(cluster.keys), connections, surround, flow.sending
        )
        self._tasks = [asyncio.create_task(self._listener.run()), asyncio.create_task(self._tick())]

    @property
    def sessions(self) -> ExecSessions:
        """The running commands."""
        return self._frontend.sessions

    @property
    def streams(self) -> Streams:
        """The open watches."""
        return self._frontend.streams

    @property
    def held_bytes(self) -> int:
        """The bytes that wait in memory for clients."""
        return self._frontend.flow.held_bytes

    @property
    def url(self) -> str:
        """The server's URL."""
        return url(self.port)

    def renew(self, keys: Keys) -> None:
        """Use another certificate, from keys of the same CA, for new connections."""
        self._listener.context = tls_context(keys)

    async def close(self, farewell: float = FAREWELL_SECONDS) -> None:
        """Stop accepting, end streams, finish requests in progress, close connections.

        ``farewell`` is the time limit for the last bytes, in seconds.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.close()
        self._frontend.streams.stop()
        await self._server.close(STOP_SECONDS, farewell)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._frontend.flow.look()
            try:
                self._cluster.advance()
            except Exception:
                log.exception("what was due could not be done")
