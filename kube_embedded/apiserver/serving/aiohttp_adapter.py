"""The internals of aiohttp that the server depends on, all in this module.

aiohttp's public server runs each request in a task, which costs more than most answers of this server. So requests
without a body are answered in the callback that parsed them, and responses are written as bytes. Both need
attributes that are not part of aiohttp's public API: 3.14.1 fixed a parser that stops after the first request of a
connection unless it is told that the message was consumed. `RELIED_ON` names every such attribute with its reason; the
tests compare it with the installed aiohttp, and run with the lowest and with the newest version that
`pyproject.toml` allows. No other module uses a private name of aiohttp.
"""

import asyncio
from collections import deque
from typing import Any

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server
from aiohttp.web_ws import WebSocketResponse

RELIED_ON: dict[type, dict[str, str]] = {
    RequestHandler: {
        "_current_request": "a request is being answered, and its body may still arrive",
        "_messages": "the parsed requests that wait for the handler's task",
        "_next_keepalive_close_time": "when an idle connection is closed; only the task moves it",
        "_parser": "has to be told when a request was answered without the task",
        "_paused": "the client does not read: its next request waits for the task",
        "_upgraded": "the data belongs to a WebSocket",
        "_waiter": "the future that wakes the handler's task",
    },
    Server: {"_connections": "the open connections, to cut them when the server stops"},
    StreamResponse: {
        "_eof_sent": "the task reads the next request after a response that is complete",
        "_keep_alive": "whether the task goes on with the connection",
        "_status": "read by aiohttp's own logging",
    },
    WebSocketResponse: {
        "_headers": "Go sends an empty protocol, and no Server header",
        "_prepare_headers": "adds the Server header",
    },
}
"""By class, the private attributes that this module uses, and what for."""

Message = tuple[RawRequestMessage, StreamReader]


class QueueingProtocol(RequestHandler):
    """aiohttp's protocol of a connection, whose queue of parsed requests can be taken over."""

    @property
    def queue(self) -> deque[Any]:
        """The parsed requests that wait for the task, each with its body."""
        return self._messages

    @property
    def request(self) -> BaseRequest | None:
        """The request that the task is answering."""
        return self._current_request

    @property
    def upgraded(self) -> bool:
        """Return whether the connection has become a WebSocket."""
        return self._upgraded

    @property
    def idle_waiter(self) -> asyncio.Future[None] | None:
        """Return the future that the task waits on, if it waits for a request and none is queued."""
        waiter = self._waiter
        if waiter is None or waiter.done() or self._messages or self._paused:
            return None
        return waiter

    def parse(self, data: bytes) -> None:
        """Parse data, and wake the task if a request is complete."""
        super().data_received(data)

    def parse_quietly(self, data: bytes, waiter: asyncio.Future[None]) -> None:
        """Parse data into the queue without waking the task, whose waiter is ``waiter``."""
        # aiohttp wakes the task as soon as a request is parsed. Without a waiter it only queues it.
        self._waiter = None
        try:
            super().data_received(data)
        finally:
            self._waiter = waiter

    def finish_queued(self) -> None:
        """Remove the queued requests, which have been answered."""
        self._messages.clear()
        # Since 3.14.1 the parser stops until a message is consumed, which aiohttp's task would report.
        if self._parser is not None:
            self._parser.message_consumed()

    def wake(self, waiter: asyncio.Future[None]) -> None:
        """Let the task answer the queued requests."""
        # On a connection that is closing nothing is parsed, so nothing is queued.
        if not waiter.done():
            waiter.set_result(None)

    def restart_idle_timeout(self, seconds: float) -> None:
        """Close the connection if no request comes for this long."""
        self._next_keepalive_close_time = self._loop.time() + seconds


class ConnectionServer(Server):
    """aiohttp's low-level server, which counts its connections."""

    @property
    def protocols(self) -> list[RequestHandler]:
        """The protocols of the open connections."""
        return list(self._connections)


class RawResponse(StreamResponse):
    """A response that is written to the transport as bytes.

    aiohttp's own response classes spend a third of a request on header dictionaries, add a ``Server`` header, and
    fold repeated headers.

    Args:
        status: The status code, for logging.
        keep_alive: Whether the connection can be used again; None leaves that to the request.
    """

    def __init__(self, status: int, *, keep_alive: bool | None) -> None:
        # The parent's constructor is skipped: it builds the header dictionaries.
        self._status = status
        self._keep_alive = keep_alive

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write the response with ``send``."""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        await self.send(request, close=not self._keep_alive)
        self._eof_sent = True
        return None

    async def send(self, request: BaseRequest, *, close: bool) -> None:
        """Write the bytes of the response; with ``close``, the connection ends after it."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: ``prepare`` has sent everything."""


class PlainWebSocket(WebSocketResponse):
    """aiohttp's WebSocket without its ``Server`` header. It sends an empty protocol too, as Go does."""

    def __init__(self, *protocols: str, max_frame_bytes: int, autoping: bool) -> None:
        super().__init__(
            protocols=protocols, max_msg_size=max_frame_bytes, compress=False, autoping=autoping
        )
        if protocols:
            self._headers["Sec-WebSocket-Protocol"] = protocols[0]

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self._headers.popall("Server", None)
