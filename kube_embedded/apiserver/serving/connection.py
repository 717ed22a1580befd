"""A connection: its requests are answered in their order, at once where that is possible, else in a task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, cast

from ...machinery.request import ShownCertificate
from .incoming import MAX_HEADER_BYTES, HttpRequest, RequestParser

log = logging.getLogger(__name__)

IDLE_SECONDS = 90.0
"""After this long without a complete request a connection is closed. It bounds slow
senders of headers too. Source: the real server's ``IdleTimeout``."""

AHEAD_BYTES = 64 * 1024
"""How much of a body, or of later requests, is received before someone reads it."""


class Outbox:
    """Collects the responses of one turn of the event loop and sends them together.

    ``before`` is called before anything is sent.
    """

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []
        self._loop = asyncio.get_running_loop()

    def put(self, transport: asyncio.Transport, data: bytes) -> None:
        """Send a response at the end of the turn."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append((transport, data))

    def flush(self) -> None:
        """Send everything now."""
        self._before()
        if self._waiting:
            waiting = self._waiting
            self._waiting = []
            for transport, data in waiting:
                transport.write(data)


class Answering(Protocol):
    """Answers requests: at once, or in a task."""

    outbox: Outbox

    def answer_now(self, http: HttpRequest) -> bool:
        """Answer a request without a body; False if it needs a task."""

    async def __call__(self, http: HttpRequest) -> None:
        """Answer any request."""


class Connection(asyncio.Protocol):
    """One connection; the client's certificate and address are read once."""

    transport: asyncio.Transport | None = None
    """None before and after the connection."""
    certificate: ShownCertificate | None = None
    source_ip = ""
    _timer: asyncio.TimerHandle
    _idle_since = 0.0
    _current: HttpRequest | None = None
    """The request that the task answers."""
    _task: asyncio.Task[None] | None = None
    _room: asyncio.Future[None] | None = None
    """While the client does not read: done when it has."""
    _finishing = False
    """Whether the connection ends with the request that is being answered."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = RequestParser(server.line_bytes)
        self._rest = b""
        """What has arrived and is not parsed: while a request is answered, what follows it."""

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read the client's address and certificate."""
        peer = transport.get_extra_info("peername")
        self.source_ip = peer[0] if peer else ""
        self.certificate = transport.get_extra_info("client_certificate")
        self.transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        self._idle_since = self._loop.time()
        self._timer = self._loop.call_later(IDLE_SECONDS, self._close_if_idle)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel what is being answered."""
        self.transport = None
        self._server.connections.discard(self)
        self._timer.cancel()
        self.resume_writing()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let those go on who want to write."""
        if self._room is not None:
            self._room.set_result(None)
            self._room = None

    def data_received(self, data: bytes) -> None:
        """Parse requests and answer them, or keep the data until it is their turn."""
        http = self._current
        if http is None:
            self._rest += data
            self._proceed()
            return
        if http.upgraded:
            http.feed(data)
        else:
            self._rest += data
            if not http.complete:
                self._parse()
        # Not reading the socket is the only way to slow a client down.
        if len(self._rest) + http.unread > AHEAD_BYTES and self.transport is not None:
            self.transport.pause_reading()

    # Called by those who answer

    def send(self, data: bytes) -> None:
        """Send a complete response at the end of the turn."""
        if self.transport is not None:
            self._server.frontend.outbox.put(self.transport, data)

    async def drain(self) -> None:
        """Wait until the client has read most of what was sent."""
        if self._room is not None:
            # Shielded: others may wait for the same.
            await asyncio.shield(self._room)

    def resume_reading(self) -> None:
        """Receive more."""
        if self.transport is not None:
            self.transport.resume_reading()

    def upgrade(self, http: HttpRequest) -> None:
        """Give the request whatever arrives from now on, as its body."""
        http.upgraded = True
        http.keep_alive = http.complete = False
        if self._rest:
            http.feed(self._rest)
            self._rest = b""

    # Closing

    def finish(self) -> asyncio.Task[None] | None:
        """Close the connection, after the request that is being answered: the task that does so."""
        self._finishing = True
        if self._task is None:
            self.close()
        return self._task

    def close(self) -> None:
        """Close the connection after what was sent."""
        self._server.frontend.outbox.flush()
        if self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        """Abort the connection without a TLS shutdown."""
        if self.transport is not None:
            self.transport.abort()

    def _close_if_idle(self) -> None:
        rest = IDLE_SECONDS
        if self._current is None:
            rest -= self._loop.time() - self._idle_since
        if rest > 0:
            self._timer = self._loop.call_later(rest, self._close_if_idle)
        else:
            self.close()

    # Answering

    def _proceed(self) -> None:
        """Answer what has arrived, up to a request that needs a task."""
        requests = self._parser.requests
        while requests or self._rest:
            if not requests:
                self._parse()
                continue
            http = requests.popleft()
            if isinstance(http, bytes):
                self.send(http)
                self.close()
                return
            http.connection = self
            at_once = (
                self._room is None
                and http.keep_alive
                and http.version == "1.1"
                and not (http.upgrades or http.has_body)
            )
            # A task for each request would cost more than most requests.
            if not (at_once and self._server.frontend.answer_now(http)):
                self._current = http
                self._task = self._loop.create_task(self._answer(http))
                if not http.complete:
                    self._parse()
                return
            self._idle_since = self._loop.time()

    async def _answer(self, http: HttpRequest) -> None:
        try:
            await self._server.frontend(http)
        except ConnectionError:
            http.keep_alive = False
        except Exception:
            log.exception("answering %s %r failed", http.method, http.target)
            http.keep_alive = False
        self._current = self._task = None
        self._idle_since = self._loop.time()
        if self.transport is None or self._finishing or not (http.keep_alive and http.complete):
            self.close()
            return
        self.resume_reading()
        self._proceed()

    def _parse(self) -> None:
        self._rest = self._parser.feed(self._rest)


class HttpServer:
    """Makes connections, and closes them."""

    def __init__(self, frontend: Answering, line_bytes: int = MAX_HEADER_BYTES) -> None:
        self.frontend = frontend
        self.line_bytes = line_bytes
        self.connections: set[Connection] = set()

    def __call__(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self)

    async def close(self, patience: float, farewell: float) -> None:
        """Close all connections: idle ones now, others after their requests, for which there is some patience.

        ``farewell`` is the time limit for the last bytes. Both are in seconds.
        """
        tasks = [task for each in list(self.connections) if (task := each.finish()) is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
        await asyncio.sleep(farewell)
        for connection in list(self.connections):
            connection.cut()
        await asyncio.sleep(0)
