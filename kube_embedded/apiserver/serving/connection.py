"""A connection: aiohttp's protocol, with Go's answers to malformed HTTP.

Source: ``net/http/server.go`` (``conn.serve``, ``badRequestError``).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any, Protocol, cast

from aiohttp.http import HttpVersion11
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

from ...machinery.request import Response, ShownCertificate
from .aiohttp_adapter import ConnectionServer, QueueingProtocol, RawResponse

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 1 << 20
"""Go's limit for the request line and for the headers (``DefaultMaxHeaderBytes``)."""

MAX_HEADER_COUNT = 1000
MAX_UNREAD_BYTES = 2 * MAX_HEADER_BYTES
"""The largest incomplete request head, all its headers together."""

IDLE_SECONDS = 90.0
"""After this long without a complete request a connection is closed. It bounds slow
senders of headers too. Source: the real server's ``IdleTimeout``."""

LINGER_SECONDS = 2.0
"""How long the rest of a refused body is read, so that the client receives the answer."""

HANG_UP_SECONDS = 0.5
"""How long data after a refused head is discarded before the connection is closed, for the same
reason. Source: Go's ``rstAvoidanceDelay``."""


USUAL = frozenset(
    (b"CONN", b"DELE", b"GET ", b"HEAD", b"OPTI", b"PATC", b"POST", b"PRI ", b"PUT ", b"TRAC")
)
"""How requests with common methods begin. The parser knows few other methods; Go accepts all."""
METHOD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) [^ \r\n]+ HTTP/1\.[01]\r?\n")
"""A request's first line."""
STAND_IN = b"PROPFIND"
"""A method that the parser accepts and gives no meaning."""

HOST_TROUBLE = {
    "Missing 'Host' header in request.": "missing required Host header",
    "Duplicate 'Host' header found.": "too many Host headers",
}
"""aiohttp's error texts, and Go's texts for the same errors."""


class Refusal(RawResponse):
    """The response of Go's server to a request that it rejects; the connection is then closed."""

    def __init__(self, code: int, phrase: str, detail: str = "") -> None:
        super().__init__(code, keep_alive=False)
        line = f"{code} {phrase}"
        if detail:
            line += f": {detail}"
        head = f"HTTP/1.1 {line}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close"
        self.data = f"{head}\r\n\r\n{line}".encode()

    async def send(self, request: BaseRequest, *, close: bool) -> None:
        """Write the response, unless the client has gone."""
        if request.transport is not None:
            request.transport.write(self.data)


def bad_request(detail: str = "") -> Refusal:
    """400: Go would not accept the request."""
    return Refusal(400, "Bad Request", detail)


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

    def answer_now(self, connection: Connection, message: RawRequestMessage) -> bool:
        """Answer a request without a body; False if it needs a task."""

    async def __call__(self, http: BaseRequest) -> StreamResponse:
        """Answer any request."""


class Connection(QueueingProtocol):
    """One TLS connection.

    The client's certificate and address are read once; headers that repeat are decoded once.
    """

    certificate: ShownCertificate | None = None
    source_ip = ""
    _own_transport: asyncio.Transport | None = None
    last_raw_headers: tuple[tuple[bytes, bytes], ...] = ()
    last_headers: dict[str, str] = {}  # noqa: RUF012 - replaced whole, never changed
    last_header_values: dict[str, list[str]] = {}  # noqa: RUF012 - as above
    answer_now: Callable[[Connection, RawRequestMessage], bool]
    outbox: Outbox
    response: Response | None = None
    """A stream or session, for the handler's task to serve."""
    _unread = 0
    _own_method = ""
    _last_body: Any = EMPTY_PAYLOAD
    _in_head = False
    """Whether the head of a request is incomplete."""
    _refused = False
    """Whether further data from the client is ignored."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read the client's address and certificate."""
        peer = transport.get_extra_info("peername")
        self.source_ip = peer[0] if peer else ""
        self.certificate = transport.get_extra_info("client_certificate")
        self._own_transport = cast(asyncio.Transport, transport)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the transport."""
        self._own_transport = None
        super().connection_lost(exc)

    def cut(self) -> None:
        """Abort the connection without a TLS shutdown."""
        if self._own_transport is not None:
            self._own_transport.abort()

    def send(self, data: bytes) -> None:
        """Send a complete response and restart the idle timeout."""
        if self.transport is not None:
            self.outbox.put(self.transport, data)
        self.restart_idle_timeout(IDLE_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Answer a request at once, leave it to the handler's task, or reject it.

        A request without a body, on a connection that waits for one, is answered here.
        """
        if self._refused:
            return
        between = not self._in_head and self._last_body.is_eof()
        if between and data[:4] not in USUAL and not self._busy():
            data = self._with_known_method(data)
        waiter = self.idle_waiter
        if waiter is None:
            self.parse(data)
            self._note_progress(between, data)
            self._count_unread(data)
            return
        # Waking a task for each request would cost more than most requests.
        self.parse_quietly(data, waiter)
        self._note_progress(between, data)
        queue = self.queue
        if not queue:
            self._count_unread(data)
            return
        self._unread = 0
        if len(queue) == 1 and self._answered_now(*queue[0]):
            self.finish_queued()
        else:
            self.wake(waiter)

    def _busy(self) -> bool:
        """Return whether the data could belong to something other than a new request."""
        return bool(self.queue or self._own_method or self.upgraded)

    def _note_progress(self, between: bool, data: bytes) -> None:
        """Note whether the parsed data ended inside the head of a request."""
        queue = self.queue
        if queue:
            self._last_body = queue[-1][1]
            self._in_head = False
        elif between and data:
            self._in_head = True

    def _with_known_method(self, data: bytes) -> bytes:
        """Replace an uncommon method by one that the parser accepts, and remember it."""
        begins = METHOD.match(data)
        if begins is None:
            return data
        self._own_method = begins[1].decode()
        return STAND_IN + data[begins.end(1) :]

    def method(self, parsed: str) -> str:
        """Return the method of the request that is answered next; ``parsed`` is the result of the parser."""
        own = self._own_method
        self._own_method = ""
        return own or parsed

    def _answered_now(self, message: Any, payload: Any) -> bool:
        if (
            payload is not EMPTY_PAYLOAD
            or type(message) is not RawRequestMessage
            or message.should_close
            or message.upgrade
            or message.version != HttpVersion11
        ):
            return False
        return self.answer_now(self, message)

    def _count_unread(self, data: bytes) -> None:
        """Reject a request head that grows too large."""
        current = self.request
        if self.queue or self.upgraded or (current and not current.content.is_eof()):
            self._unread = 0
            return
        self._unread += len(data)
        if self._unread > MAX_UNREAD_BYTES and self.transport is not None:
            if current is None:
                self.outbox.flush()
                self.transport.write(Refusal(431, "Request Header Fields Too Large").data)
            self._refused = True
            # Not closed yet: a client that still writes would get a reset, and never see the answer.
            self._loop.call_later(HANG_UP_SECONDS, self.force_close)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """Reject a request that the parser could not read; ``request`` is a stand-in."""
        if isinstance(exc, LineTooLong):
            return Refusal(431, "Request Header Fields Too Large")
        return bad_request(HOST_TROUBLE.get(getattr(exc, "message", ""), ""))


class HttpServer(ConnectionServer):
    """aiohttp's low-level server, with ``Connection`` as its protocol."""

    def __init__(self, frontend: Answering, line_bytes: int = MAX_HEADER_BYTES) -> None:
        super().__init__(frontend, handler_cancellation=True)
        self._frontend = frontend
        self._options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,
            "keepalive_timeout": IDLE_SECONDS,
            "lingering_time": LINGER_SECONDS,
            "logger": log,
            "max_field_size": MAX_HEADER_BYTES,
            "max_headers": MAX_HEADER_COUNT,
            "max_line_size": line_bytes,
            "read_bufsize": 65536,
        }

    @property
    def open_connections(self) -> list[Connection]:
        """The open connections."""
        return [protocol for protocol in self.protocols if isinstance(protocol, Connection)]

    def __call__(self) -> RequestHandler:
        """Make the protocol of a new connection."""
        connection = Connection(self, loop=self._loop, **self._options)
        connection.answer_now = self._frontend.answer_now
        connection.outbox = self._frontend.outbox
        return connection
