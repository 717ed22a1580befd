"""Requests as they arrive: a parser that does no input and output, and the requests that it finds.

Source: ``net/http/server.go`` (``readRequest``, ``badRequestError``).
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import httptools

from ...machinery.request import Response
from .target import collect_headers, decode

if TYPE_CHECKING:
    from .connection import Connection

MAX_HEADER_BYTES = 1 << 20
"""Go's limit for the request line and for the headers (``DefaultMaxHeaderBytes``)."""

MAX_HEADER_COUNT = 1000
MAX_UNREAD_BYTES = 2 * MAX_HEADER_BYTES
"""How much may arrive without a complete head or a piece of a body: all headers together, for example."""
PIECE_BYTES = 512
"""A smaller piece counts as much: with each one the parser copies all that it has of a header."""

USUAL = frozenset((b"DELE", b"GET ", b"HEAD", b"OPTI", b"PATC", b"POST", b"PRI ", b"PUT ", b"TRAC"))
"""How requests with common methods begin. The parser knows few other methods; Go accepts all."""
METHOD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) [^ \r\n]+ HTTP/1\.[01]\r?\n")
"""A request's first line."""
STAND_IN = b"PROPFIND"
"""A method that the parser accepts and gives no meaning."""


def refusal(status: str, detail: str = "") -> bytes:
    """The answer of Go's server to a request that it rejects; the connection is then closed."""
    head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close"
    line = f"{status}: {detail}" if detail else status
    return f"HTTP/1.1 {line}\r\n{head}\r\n\r\n{line}".encode()


BAD_REQUEST = refusal("400 Bad Request")
TOO_LARGE = refusal("431 Request Header Fields Too Large")


class BadBody(Exception):
    """The rest of a body is not HTTP."""


class HttpRequest:
    """A request on a connection, whose body may still arrive.

    Args:
        version: ``1.0`` or ``1.1``.
        keep_alive: Whether the connection goes on after the answer.
        upgrades: Whether the client would go on in another protocol.
    """

    __slots__ = (
        "_arrived",
        "_pieces",
        "broken",
        "complete",
        "connection",
        "header_values",
        "headers",
        "keep_alive",
        "method",
        "response",
        "target",
        "unread",
        "upgraded",
        "upgrades",
        "version",
    )

    connection: Connection
    """Set when the request is to be answered."""

    def __init__(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        header_values: Mapping[str, Sequence[str]],
        version: str,
        keep_alive: bool,
        upgrades: bool,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.header_values = header_values
        self.version = version
        self.keep_alive = keep_alive
        self.upgrades = upgrades
        self.upgraded = False
        """Whether everything that arrives from now on is the body."""
        self.complete = self.broken = False
        self.unread = 0
        """How many bytes of the body have arrived and were not read."""
        self.response: Response | None = None
        """The cluster's response, once there is one."""
        self._pieces: list[bytes] = []
        self._arrived: asyncio.Future[None] | None = None

    @property
    def has_body(self) -> bool:
        """Return whether there is anything to read."""
        return self.unread > 0 or not self.complete or self.broken

    def feed(self, data: bytes) -> None:
        """Add a piece of the body."""
        self._pieces.append(data)
        self.unread += len(data)
        self._wake()

    def end(self, *, broken: bool = False) -> None:
        """End the body; with ``broken``, its rest is not HTTP."""
        self.complete = True
        self.broken = broken
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def read(self) -> bytes:
        """Wait for the next bytes of the body and return them; ``b""`` at its end."""
        if not self.unread and not self.complete:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        if self.broken:
            raise BadBody
        data = b"".join(self._pieces)
        self._pieces.clear()
        self.unread = 0
        self.connection.resume_reading()
        return data

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes; ``ConnectionResetError`` if the client has gone."""
        transport = self.connection.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has read most of what was sent."""
        await self.connection.drain()


class RequestParser:
    """Parses what arrives on a connection. ``requests`` has those whose head is complete, and the refusal of what is none.

    Args:
        line_bytes: The longest target of a request.
    """

    def __init__(self, line_bytes: int) -> None:
        self.requests: deque[HttpRequest | bytes] = deque()
        self._line_bytes = line_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._ended = False
        """Whether further data is ignored: after a refusal, and after the last request."""
        self._between = True
        """Whether the next byte begins a request."""
        self._unread = 0
        self._own_method = ""
        self._target = b""
        self._raw: list[tuple[bytes, bytes]] = []
        self._last_raw: list[tuple[bytes, bytes]] = []
        self._headers: dict[str, str] = {}
        self._values: dict[str, list[str]] = {}
        self._refusal = BAD_REQUEST
        self._request: HttpRequest | None = None
        """The request that is not complete."""
        self._framing = ""
        """The header that frames the body of a request that would be upgraded."""

    def feed(self, data: bytes) -> bytes:
        """Parse; return the bytes that follow a request to upgrade, which may be of another protocol."""
        if self._ended or not data:
            return b""
        if self._between and data[:4] not in USUAL:
            data = self._with_known_method(data)
        self._unread += max(len(data), PIECE_BYTES)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            if not self._framing:
                return rest
            # The parser skips the body of such a request, which Go reads: a head without an upgrade brings it back.
            return self.feed(f"PUT / HTTP/1.1\r\n{self._framing}\r\n\r\n".encode() + rest)
        except httptools.HttpParserError:
            # To the parser anything after the last request is an error.
            if not self._ended:
                self._refuse()
        if self._unread > MAX_UNREAD_BYTES:
            self._refusal = TOO_LARGE
            self._refuse()
        return b""

    def _refuse(self) -> None:
        self._ended = True
        self._unread = 0
        if self._request is None:
            self.requests.append(self._refusal)
        else:
            self._request.end(broken=True)

    def _fail(self, answer: bytes) -> None:
        self._refusal = answer
        raise httptools.HttpParserError

    def _with_known_method(self, data: bytes) -> bytes:
        """Replace an uncommon method by one that the parser accepts, and remember it."""
        begins = METHOD.match(data)
        if begins is None:
            return data
        self._own_method = begins[1].decode()
        return STAND_IN + data[begins.end(1) :]

    # Called by the parser

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._between = False

    def on_url(self, piece: bytes) -> None:
        """Collect the target."""
        self._target += piece
        if len(self._target) > self._line_bytes:
            self._fail(TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._raw.append((name, value))
        if len(value) > MAX_HEADER_BYTES:
            self._fail(TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Make a request of its head."""
        target = self._target
        raw = self._raw
        self._target = b""
        self._raw = []
        if self._framing:
            self._framing = ""
            return
        if len(raw) > MAX_HEADER_COUNT:
            self._fail(BAD_REQUEST)
        # Most requests of a connection have the same headers.
        if raw != self._last_raw:
            self._last_raw = raw
            self._headers, self._values = collect_headers(
                [(decode(name), decode(value.rstrip(b" \t"))) for name, value in raw]
            )
        headers = self._headers
        parser = self._parser
        version = parser.get_http_version()
        if not version.startswith("1."):
            # Source: http1ServerSupportsRequest in Go's net/http.
            self._fail(refusal("505 HTTP Version Not Supported", "unsupported protocol version"))
        if version == "1.1" and "host" not in headers:
            self._fail(refusal("400 Bad Request", "missing required Host header"))
        if "host" in self._values:
            self._fail(refusal("400 Bad Request", "too many Host headers"))
        if "transfer-encoding" in self._values:
            self._fail(BAD_REQUEST)
        upgrades = parser.should_upgrade()
        if upgrades and headers.get("content-length", "0").strip("0"):
            self._framing = f"Content-Length: {headers['content-length']}"
        elif upgrades and "transfer-encoding" in headers:
            self._framing = f"Transfer-Encoding: {headers['transfer-encoding']}"
        self._request = HttpRequest(
            self._own_method or parser.get_method().decode(),
            target.decode("utf-8", "surrogateescape"),
            headers,
            self._values,
            version,
            parser.should_keep_alive(),
            upgrades and not self._framing,
        )
        self._own_method = ""
        self._unread = 0
        self.requests.append(self._request)

    def on_body(self, piece: bytes) -> None:
        """Pass on a piece of a body."""
        assert self._request is not None
        self._unread = 0
        self._request.feed(piece)

    def on_message_complete(self) -> None:
        """End a request."""
        if self._framing:
            return
        assert self._request is not None
        self._unread = 0
        self._between = True
        self._ended = not self._request.keep_alive
        self._request.end()
        self._request = None
