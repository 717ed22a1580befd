"""The limits for connections, before a request is there: one machine in the room must not silence the class.

aiohttp has no limit for the time in which a client sends its first request, nor for the connections of an address.
"""

import asyncio
import errno
import ipaddress
from collections import defaultdict
from typing import Any

from aiohttp import web

HEAD_SECONDS = 10.0
"""A connection without a complete request ends after so long."""

BODY_SECONDS = 10.0
"""A request whose body is not there after so long is refused."""

MAX_CONNECTIONS = 600
"""The open connections of an address: a room behind one address has at most as many."""

MAX_WAITING, GRACE_SECONDS = 20, 1.0
"""How many connections of an address may be without a complete request for longer than this, in seconds."""


def client(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of IPv6, whose other half a machine can choose.

    An IPv4 address that is written as IPv6 (``::ffff:192.0.2.1``) is the same client; a zone (``%eth0``) makes none.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def raise_descriptor_limit() -> None:
    """Allow this process as many open files and connections as its hard limit does."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def ignore_full_table(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception handler: no traceback for each connection that finds no free descriptor; asyncio tries again."""
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)):
        loop.default_exception_handler(context)


class Connection(asyncio.Protocol):
    """One connection: aiohttp's handler, behind the limits.

    Args:
        handler: aiohttp's.
        waiting: The connections without a complete request yet, by client.
        open_ones: All connections, by client.
    """

    def __init__(
        self,
        handler: asyncio.Protocol,
        waiting: dict[str, dict["Connection", None]],
        open_ones: dict[str, set["Connection"]],
    ) -> None:
        self._handler = handler
        self._waiting = waiting
        self._open = open_ones
        self._client = ""
        self._transport: asyncio.Transport
        self._is_refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, and refuse one too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername") or ("",)
        self._client = client(str(peer[0]))
        self._open[self._client].add(self)
        self._waiting[self._client][self] = None
        self._is_refused = len(self._open[self._client]) > MAX_CONNECTIONS
        if self._is_refused:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        loop.call_later(GRACE_SECONDS, self._end_if_crowded)
        loop.call_later(HEAD_SECONDS, self._end_if_waiting)
        self._handler.connection_made(transport)

    def asked(self) -> None:
        """Note that the connection has sent a complete request."""
        self._waiting[self._client].pop(self, None)

    def _end_if_crowded(self) -> None:
        if len(self._waiting[self._client]) > MAX_WAITING:
            self._end_if_waiting()

    def _end_if_waiting(self) -> None:
        if self in self._waiting[self._client]:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._open[self._client].discard(self)
        self.asked()
        if not self._is_refused:
            self._handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if not self._is_refused:
            self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._handler.resume_writing()


class GuardedRunner(web.AppRunner):
    """A runner of aiohttp whose connections have limits."""

    def __init__(self, app: web.Application, **settings: Any) -> None:
        # Between two requests of a connection as well, the next head has so long to come.
        super().__init__(app, access_log=None, keepalive_timeout=HEAD_SECONDS, **settings)
        self._waiting: dict[str, dict[Connection, None]] = defaultdict(dict)
        self._open: dict[str, set[Connection]] = defaultdict(set)

    @property
    def server(self) -> Any:
        """Makes the handler of a connection."""
        server = super().server
        return server and (lambda: Connection(server(), self._waiting, self._open))


def has_asked(request: web.Request) -> None:
    """Note that a request's connection has sent a complete one."""
    protocol = request.transport.get_protocol() if request.transport else None
    if isinstance(protocol, Connection):
        protocol.asked()
