"""A WebSocket on a connection: wsproto frames the messages."""

import asyncio
import base64
import binascii
import contextlib
from collections.abc import AsyncIterator

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Event, Message, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import generate_accept_token

from ...machinery.request import Response
from .head import head
from .incoming import HttpRequest
from .wire import respond

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
KEY_BYTES = 16

CLOSE_SECONDS = 10.0
"""How long a client may take to answer the end."""


class WebSocket:
    """The server's end of a WebSocket. It answers pings while someone receives.

    Args:
        protocol: The subprotocol that is chosen; None if the client offered none.
    """

    def __init__(self, http: HttpRequest, protocol: str | None) -> None:
        self.protocol = protocol
        self.heard = asyncio.Event()
        """Set once the client has sent anything."""
        self._http = http
        self._frames = Connection(ConnectionType.SERVER)
        self._message = bytearray()

    async def open(self) -> bool:
        """Upgrade the connection, or refuse a bad handshake; whether it was upgraded."""
        http = self._http
        key = http.headers.get("sec-websocket-key", "").encode()
        with contextlib.suppress(binascii.Error):
            if (
                http.upgrades
                and http.headers.get("sec-websocket-version") == "13"
                and len(base64.b64decode(key)) == KEY_BYTES
            ):
                headers = {
                    "Connection": "upgrade",
                    "Sec-WebSocket-Accept": generate_accept_token(key).decode(),
                    "Upgrade": "websocket",
                }
                # Go sends an empty protocol, too.
                if self.protocol is not None:
                    headers["Sec-WebSocket-Protocol"] = self.protocol
                http.connection.upgrade(http)
                http.write(head(101, headers))
                return True
        text = {"Content-Type": "text/plain; charset=utf-8"}
        await respond(http, Response(400, text, b"bad handshake"), close=True)
        return False

    async def send(self, event: Event) -> None:
        """Send a message, a ping or the end; ``ConnectionError`` if the client has gone or ended it."""
        if self._frames.state not in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            raise ConnectionResetError("the WebSocket has ended")
        self._http.write(self._frames.send(event))
        await self._http.drain()

    async def receive(self) -> bytes | None:
        """Wait for the next message; None at the end."""
        while True:
            # A frame at a time, so that a client that sends many is slowed down.
            event = next(self._frames.events(), None)
            if event is None:
                self._frames.receive_data(await self._http.read())
                continue
            self.heard.set()
            if isinstance(event, Ping) and self._frames.state is ConnectionState.OPEN:
                await self.send(event.response())
            elif isinstance(event, CloseConnection):
                ended = self._frames.state is not ConnectionState.OPEN
                await self._end(CloseReason.NORMAL_CLOSURE if ended else event.code)
                return None
            elif isinstance(event, Message):
                text = isinstance(event, TextMessage)
                self._message += event.data.encode() if text else event.data
                if len(self._message) > MAX_MESSAGE_BYTES:
                    await self._end(CloseReason.MESSAGE_TOO_BIG)
                    return None
                if event.message_finished:
                    message = bytes(self._message)
                    self._message.clear()
                    return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self.receive()) is not None:
            yield message

    async def _end(self, code: int) -> None:
        if self._frames.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            await self.send(CloseConnection(code))

    async def close(self) -> None:
        """End the WebSocket, and wait for the client's end."""
        if self._frames.state is ConnectionState.OPEN:
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._end(CloseReason.NORMAL_CLOSURE)
                async with asyncio.timeout(CLOSE_SECONDS):
                    while await self.receive() is not None:
                        pass
