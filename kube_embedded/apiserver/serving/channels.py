"""Exec and port-forward over WebSocket: channels in frames.

The first byte of a frame is the channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status,
4 the terminal's size, and 255 (version 5) closes another channel. Sources: KEP-4006;
``k8s.io/apimachinery/pkg/util/httpstream/wsstream``; ``k8s.io/cri-streaming``.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import orjson
from wsproto.events import BytesMessage, Ping, TextMessage

from ...machinery.request import WINDOW, ExecSession, Object, PortForward, Response
from ...machinery.status import ApiError, bad_request
from ..handlers.represent.encode import dump
from .incoming import HttpRequest
from .port_forward import CHANNELS, TUNNEL, Forwarding, Serve
from .websocket import WebSocket
from .wire import respond, status_response

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255

MAX_SESSIONS = 64
"""How many commands may run at a time."""

MAX_STDIN_BYTES = 1024 * 1024
"""How many bytes of input are buffered for a command that does not read."""

WRITE_BYTES = 32 * 1024
"""The largest piece of output in a frame."""

GREETING_SECONDS = 1.0
"""How long output waits for a sign that the client reads."""

STREAMS_SECONDS = 0.05
"""How long output waits for an old client-go, which reads before its streams exist."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A subprotocol.

    Args:
        binary: Binary frames; else text frames of base64.
        status: The end is reported by a Status in JSON; otherwise by a text, and only for a failure.
        closes: Channel 255 closes others.
    """

    name: str
    binary: bool = True
    status: bool = True
    closes: bool = False


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("v5.channel.k8s.io", closes=True),
        Protocol("v4.channel.k8s.io"),
        Protocol("v4.base64.channel.k8s.io", binary=False),
        Protocol("channel.k8s.io", status=False),
        Protocol("base64.channel.k8s.io", binary=False, status=False),
        Protocol("", status=False),
    )
}


def negotiate(offered: str, spoken: Collection[str]) -> str | None:
    """The first protocol in ``Sec-WebSocket-Protocol`` that is spoken; None if there is none."""
    return next((name for name in map(str.strip, offered.split(",")) if name in spoken), None)


class Input:
    """A command's standard input: bytes from the client that the command has not read yet.

    It is open until the client ends it, and full while it holds more than ``MAX_STDIN_BYTES``.
    """

    def __init__(self, *, is_open: bool) -> None:
        self.is_open = is_open
        self._buffer = bytearray()
        self._changed = asyncio.Condition()

    @property
    def is_ready(self) -> bool:
        """Return whether ``read`` would return at once."""
        return bool(self._buffer) or not self.is_open

    async def read(self) -> bytes:
        """Return the next bytes, or ``b""`` at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_ready)
            data = bytes(self._buffer)
            self._buffer.clear()
            self._changed.notify_all()
        return data

    async def put(self, data: bytes) -> None:
        """Add bytes, when there is room; after the end they are ignored."""
        async with self._changed:
            # Not reading the socket is the only way to slow a client down: TCP passes it on.
            await self._changed.wait_for(
                lambda: not self.is_open or len(self._buffer) <= MAX_STDIN_BYTES
            )
            if self.is_open:
                self._buffer += data
            self._changed.notify_all()

    async def end(self) -> None:
        """End the input; data that it already holds can still be read."""
        async with self._changed:
            self.is_open = False
            self._changed.notify_all()


class ChannelIO:
    """The client's end of an exec, over a WebSocket (an ``ExecIO``)."""

    def __init__(self, socket: WebSocket, protocol: Protocol, session: ExecSession) -> None:
        self.window = WINDOW
        self.protocol = protocol
        self._socket = socket
        self._session = session
        self._input = Input(is_open=session.stdin)

    async def greet(self, agent: str) -> None:
        """Wait until the client reads.

        client-go before 1.33 reads before its streams exist, and discards the data that arrives for them. On a real
        node a container's program starts later than that. Ours would be faster, so the client gets a ping first.
        client-go's user
        agent (``agent``) names the commit of Kubernetes that it was built from.
        """
        # Every WebSocket client answers a ping (RFC 6455, 5.5.2), so the pong shows that it reads.
        await self._socket.send(Ping())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._socket.heard.wait(), GREETING_SECONDS)
        if " kubernetes/" in agent:
            await asyncio.sleep(STREAMS_SECONDS)

    async def read_stdin(self) -> bytes:
        """Return the next bytes of input, or ``b""`` at its end."""
        return await self._input.read()

    def stdin_ready(self) -> bool:
        """Return whether ``read_stdin`` would return at once."""
        return self._input.is_ready

    async def write(self, channel: int, data: bytes) -> None:
        """Send to channel 1 (stdout) or 2 (stderr), if the client asked for it."""
        if (channel == STDOUT and self._session.stdout) or (
            channel == STDERR and self._session.stderr
        ):
            for start in range(0, len(data), WRITE_BYTES):
                await self.send(channel, data[start : start + WRITE_BYTES])

    async def sleep(self, seconds: float) -> None:
        """Wait on the server's loop."""
        await asyncio.sleep(seconds)

    async def send(self, channel: int, data: bytes) -> None:
        """Send one frame, even an empty one."""
        if self.protocol.binary:
            await self._socket.send(BytesMessage(bytes((channel,)) + data))
        else:
            text = chr(ord("0") + channel) + base64.b64encode(data).decode()
            await self._socket.send(TextMessage(text))

    async def receive(self) -> None:
        """Receive frames until the client closes or loses the connection."""
        async for frame in self._socket:
            if frame:
                await self._take(frame[0], frame[1:])

    async def _take(self, channel: int, data: bytes) -> None:
        if not self.protocol.binary:
            channel -= ord("0")
            try:
                data = base64.b64decode(data, validate=True)
            except binascii.Error:
                return
        # Only v5 can end stdin: before it a client could only hang up (KEP-4006).
        if channel == CLOSE and self.protocol.closes and data[:1] == bytes((STDIN,)):
            await self._input.end()
        elif channel == STDIN:
            await self._input.put(data)
        elif channel == RESIZE:
            self._resize(data)

    def _resize(self, data: bytes) -> None:
        """Apply a terminal size; ignore a malformed one. Source: ``TerminalSize`` in client-go's ``remotecommand``."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            size = orjson.loads(data)
            self.window = (int(size["Height"]), int(size["Width"]))


class ExecSessions:
    """Runs exec sessions and port-forwards, a limited number at a time.

    ``before_end`` is called after a command ends, before its client is informed. ``serve_pod`` creates the server's
    end
    of an HTTP connection to a pod.
    """

    def __init__(self, before_end: Callable[[], None], serve_pod: Serve) -> None:
        self._before_end = before_end
        self._serve_pod = serve_pod
        self._running = 0

    def __len__(self) -> int:
        return self._running

    async def serve(self, http: HttpRequest, session: ExecSession | PortForward) -> None:
        """Upgrade to WebSocket and run the session until it ends or the client disconnects."""
        headers = http.headers
        refusal = self._refusal(headers)
        if refusal is not None:
            await respond(http, status_response(refusal))
            return
        forwards = isinstance(session, PortForward)
        spoken: Collection[str] = (TUNNEL, *CHANNELS) if forwards else PROTOCOLS
        protocol = negotiate(headers.get("sec-websocket-protocol", ""), spoken)
        if protocol is None:
            await respond(http, Response(403), close=True)
            return
        socket = WebSocket(http, protocol)
        if not await socket.open():
            return
        self._running += 1
        try:
            if isinstance(session, PortForward):
                await Forwarding(socket, session, self._serve_pod).run()
            else:
                io = ChannelIO(socket, PROTOCOLS[protocol], session)
                await self._run(io, session, headers.get("user-agent", ""))
        finally:
            # Before the closing handshake, which can take seconds: the command has ended, and its place is free.
            self._running -= 1
            self._before_end()
        await socket.close()

    def _refusal(self, headers: Mapping[str, str]) -> ApiError | None:
        """Return the error of a request that is not upgraded at all."""
        upgrade = headers.get("upgrade", "").lower()
        if upgrade != "websocket" or "upgrade" not in headers.get("connection", "").lower():
            message = "Upgrade request required"
            if upgrade.startswith("spdy"):
                # kubectl before 1.31 uses SPDY by default; 1.29 and 1.30 can be told to use WebSocket.
                message += ": this server runs commands over WebSocket only, which kubectl speaks since 1.31"
            return bad_request(message)
        if self._running >= MAX_SESSIONS:
            message = "Too many requests, please try again later."
            return ApiError(429, "TooManyRequests", message).with_retry_after(1)
        return None

    async def _run(self, io: ChannelIO, session: ExecSession, agent: str) -> None:
        client = asyncio.ensure_future(io.receive())
        command = asyncio.ensure_future(self._command(io, session, agent))
        try:
            await asyncio.wait((command, client), return_when=asyncio.FIRST_COMPLETED)
            self._before_end()
            if command.done():
                with contextlib.suppress(ConnectionError):
                    await self._finish(io, outcome(command))
        finally:
            for task in (command, client):
                task.cancel()
            await asyncio.gather(command, client, return_exceptions=True)

    @staticmethod
    async def _command(io: ChannelIO, session: ExecSession, agent: str) -> Object:
        await io.greet(agent)
        # The real server sends an empty frame first, as a sign to the client that it is connected.
        channel = STDERR if session.stderr else ERROR
        await io.send(STDOUT if session.stdout else channel, b"")
        return await session.run(io)

    async def _finish(self, io: ChannelIO, status: Object) -> None:
        if io.protocol.status:
            await io.send(ERROR, dump(status))
        elif status.get("status") != "Success":
            await io.send(ERROR, str(status.get("message", "")).encode())


def outcome(command: asyncio.Future[Object]) -> Object:
    """The Status of a finished session; an internal error if it raised."""
    try:
        return command.result()
    except ConnectionError:
        raise
    except Exception:
        log.exception("an exec session failed")
        return ApiError(500, "InternalError", "Internal error occurred").to_status()
