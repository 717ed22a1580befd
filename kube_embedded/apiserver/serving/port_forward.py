"""Port-forward over WebSocket, to servers in pods that are functions of requests.

Two protocols: channels, two for each port that the query names (0 data, 1 error, and so on), and SPDY in binary
messages, with two streams for each connection. Sources: KEP-4006; k8s.io/cri-streaming ``pkg/streaming/portforward``;
k8s.io/apiserver ``pkg/util/proxy/streamtunnel.go``.
"""

import asyncio
import contextlib
import re
import socket
import zlib
from collections.abc import Callable
from functools import partial

from wsproto.events import BytesMessage

from ...machinery.request import Handler, PortForward
from . import spdy
from .websocket import WebSocket

TUNNEL = "SPDY/3.1+portforward.k8s.io"
CHANNELS = ("v4.channel.k8s.io", "")
MAX_CONNECTIONS = 128
"""How many connections this process forwards at once, and a WebSocket may begin: each has two descriptors."""
TOO_MANY = "too many connections are forwarded"

PORT = re.compile("[0-9]{1,5}")
MAX_STREAM = 2**31 - 1
PIECE_BYTES = 32 * 1024
LINGER_SECONDS = 1.0
"""How long a server may go on after its client has sent everything."""

Frame = Callable[[bytes], bytes]
"""Frames what is sent on one stream."""
Frames = tuple[bytes, ...]
Serve = Callable[[Handler], asyncio.Protocol]
"""Makes the server's end of an HTTP connection to a handler."""


class Forwarding:
    """The connections of one WebSocket."""

    connections = 0
    """The open connections of all WebSockets of this process."""

    def __init__(self, client: WebSocket, session: PortForward, serve: Serve) -> None:
        self._client = client
        self._session = session
        self._serve = serve
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self._streams: dict[str, dict[str, int]] = {}
        self._ending: set[int] = set()
        self._last = 0
        self._deflate = zlib.compressobj(zdict=spdy.DICTIONARY)

    async def run(self) -> None:
        """Forward until the client closes, or all connections of its channels have ended."""
        try:
            await (self._tunnel() if self._client.protocol == TUNNEL else self._channels())
        except (ConnectionError, spdy.SpdyError):
            pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._session.ended()

    async def _send(self, data: bytes) -> None:
        await self._client.send(BytesMessage(data))

    async def _open(
        self,
        stream: int,
        port: int,
        data: Frame,
        error: Frame,
        refused: Frames = (),
        ended: Frames = (),
    ) -> None:
        """Connect a stream to a port of the pod; ``refused`` follows an error, ``ended`` the end."""
        listener = (
            self._session.reach(port) if Forwarding.connections < MAX_CONNECTIONS else TOO_MANY
        )
        if isinstance(listener, str):
            # kubectl prints the text of the error stream and continues with other connections.
            for frame in (error(listener.encode()), *refused):
                await self._send(frame)
            return
        # Through a socket pair the pod's HTTP is answered as the server's own is.
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().connect_accepted_socket(
            partial(self._serve, listener), theirs
        )
        reader, writer = await asyncio.open_connection(sock=ours)
        self._writers[stream] = writer
        Forwarding.connections += 1
        task = asyncio.ensure_future(self._copy(reader, stream, data, ended))
        self._tasks.add(task)
        task.add_done_callback(partial(self._forget, stream))

    def _forget(self, stream: int, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        self._writers.pop(stream).close()
        self._ending.discard(stream)
        Forwarding.connections -= 1

    async def _copy(
        self, reader: asyncio.StreamReader, stream: int, data: Frame, ended: Frames
    ) -> None:
        """Send the response of the pod's server, to its end."""
        while piece := await reader.read(PIECE_BYTES):
            await self._send(data(piece))
        for frame in ended:
            await self._send(frame)

    async def _feed(self, stream: int, data: bytes) -> None:
        """Pass on the client's data; empty bytes at its end."""
        writer = self._writers.get(stream)
        if writer is not None and data:
            writer.write(data)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        elif writer is not None and stream not in self._ending:
            # The client has no more data to send, but can wait for the response to its data.
            self._ending.add(stream)
            asyncio.get_running_loop().call_later(LINGER_SECONDS, writer.close)

    # Channels

    async def _channels(self) -> None:
        pairs = [(2 * number, port) for number, port in enumerate(self._session.ports)]
        for channel, port in pairs:
            # Both channels of a port begin with its number, which clients read before any data.
            for each in (channel, channel + 1):
                await self._send(_on_channel(each, port.to_bytes(2, "little")))
        for channel, port in pairs:
            await self._open(
                channel, port, partial(_on_channel, channel), partial(_on_channel, channel + 1)
            )
        # Without connections (all ports refused) gather is done at once, and the socket closes after the errors.
        copied = asyncio.gather(*self._tasks, return_exceptions=True)
        received = asyncio.ensure_future(self._receive_channels())
        self._tasks.add(received)
        await asyncio.wait((copied, received), return_when=asyncio.FIRST_COMPLETED)

    async def _receive_channels(self) -> None:
        async for frame in self._client:
            if len(frame) > 1:
                await self._feed(frame[0], frame[1:])

    # SPDY

    async def _tunnel(self) -> None:
        frames = spdy.Reader()
        async for message in self._client:
            for frame in frames.read(message):
                if frame.kind == spdy.GOAWAY:
                    return
                if frame.kind == spdy.PING:
                    await self._send(spdy.control(spdy.PING, frame.data))
                elif frame.kind == spdy.SYN_STREAM:
                    await self._accept(frame.stream, frame.headers)
                elif frame.kind in (spdy.DATA, spdy.RST_STREAM):
                    await self._feed(frame.stream, frame.data if frame.kind == spdy.DATA else b"")

    async def _accept(self, stream: int, headers: dict[str, str]) -> None:
        """Take a stream; with the second of a pair there is a connection."""
        port = headers.get("port", "")
        kind = headers.get("streamtype", "")
        valid = (
            PORT.fullmatch(port) is not None and 0 < int(port) < 65536 and kind in ("data", "error")
        )
        known = self._last
        self._last = max(self._last, stream)
        # Stream ids must grow (SPDY 3.1, 2.3.2); one that does not is reset.
        if not (valid and known < stream <= MAX_STREAM) or len(self._streams) >= MAX_CONNECTIONS:
            await self._send(spdy.reset(stream))
            return
        await self._send(spdy.reply(stream, self._deflate))
        # A client without ids opens the error stream first.
        name = headers.get("requestid") or str(stream if kind == "error" else stream - 2)
        pair = self._streams.setdefault(name, {})
        pair[kind] = stream
        if len(pair) == 2:
            del self._streams[name]
            both = (pair["data"], pair["error"])
            data, error = (partial(spdy.data_frame, end) for end in both)
            refused = tuple(map(spdy.reset, both))
            ended = (data(b""), error(b""))
            await self._open(pair["data"], int(port), data, error, refused, ended)


def _on_channel(channel: int, data: bytes) -> bytes:
    return bytes((channel,)) + data
