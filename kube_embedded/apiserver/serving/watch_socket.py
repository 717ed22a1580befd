"""Watches over WebSocket: each event is a message, text for JSON and binary for protobuf.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/watch.go`` (``HandleWS``); golang.org/x/net ``websocket``.
"""

import asyncio
from collections.abc import Mapping

from wsproto.events import BytesMessage, TextMessage

from ...machinery.request import EventStream, Response
from .incoming import HttpRequest
from .streams import Streams
from .websocket import WebSocket
from .wire import respond

BEARER = "base64url.bearer.authorization.k8s.io."
"""Begins a subprotocol that is a credential."""

LENGTH_BYTES = 4
"""Before each event in protobuf is its length, which a message needs not."""


def is_watch(headers: Mapping[str, str], response: Response) -> bool:
    """Return whether a stream is a watch, and the connection is to be upgraded."""
    upgrades = "upgrade" in headers.get("connection", "").lower()
    return upgrades and response.headers["Content-Type"].startswith("application/")


async def send_events(
    streams: Streams, http: HttpRequest, response: Response, stream: EventStream
) -> None:
    """Upgrade to WebSocket and send the events until the stream or the client ends."""
    text = response.headers["Content-Type"] == "application/json"
    offered = [
        protocol.strip() for protocol in http.headers.get("sec-websocket-protocol", "").split(",")
    ]
    offered = [protocol for protocol in offered if protocol and not protocol.startswith(BEARER)]
    socket = WebSocket(http, offered[0] if offered else None)
    # Go's server requires an origin, and accepts one protocol at most.
    opened = False
    try:
        if not http.headers.get("origin"):
            await respond(http, Response(403), close=True)
        elif len(offered) > 1:
            await respond(http, Response(400), close=True)
        else:
            opened = await socket.open()
    finally:
        if not opened:
            stream.close()
    if not opened:
        return

    async def write(pieces: list[bytes]) -> None:
        for piece in pieces:
            await socket.send(
                TextMessage(piece.decode()) if text else BytesMessage(piece[LENGTH_BYTES:])
            )

    async def receive() -> None:
        async for _ in socket:
            pass

    # Reading is needed although clients send no data: pings and the closing handshake arrive there.
    tasks = [asyncio.ensure_future(receive()), asyncio.ensure_future(streams.run(stream, write))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await socket.close()
