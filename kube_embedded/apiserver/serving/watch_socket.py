"""Watches over WebSocket: each event is a message, text for JSON and binary for protobuf.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/watch.go`` (``HandleWS``); golang.org/x/net ``websocket``.
"""

import asyncio
import contextlib
from collections.abc import Mapping

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

from ...machinery.request import EventStream, Response
from .channels import ChannelSocket
from .streams import Streams
from .wire import WireResponse

BEARER = "base64url.bearer.authorization.k8s.io."
"""Begins a subprotocol that is a credential."""

LENGTH_BYTES = 4
"""Before each event in protobuf is its length, which a message needs not."""


def is_watch(headers: Mapping[str, str], response: Response) -> bool:
    """Return whether a stream is a watch, and the connection is to be upgraded."""
    upgrades = "upgrade" in headers.get("connection", "").lower()
    return upgrades and response.headers["Content-Type"].startswith("application/")


async def send_events(
    streams: Streams,
    http: BaseRequest,
    headers: Mapping[str, str],
    response: Response,
    stream: EventStream,
) -> StreamResponse:
    """Upgrade to WebSocket and send the events until the stream or the client ends."""
    text = response.headers["Content-Type"] == "application/json"
    offered = [
        protocol.strip() for protocol in headers.get("sec-websocket-protocol", "").split(",")
    ]
    offered = [protocol for protocol in offered if protocol and not protocol.startswith(BEARER)]
    socket = ChannelSocket(*offered[:1], autoping=True)
    # Go's server requires an origin, and accepts one protocol at most.
    if not headers.get("origin"):
        refused: StreamResponse | None = WireResponse(Response(403), close=True)
    elif len(offered) > 1:
        refused = WireResponse(Response(400), close=True)
    else:
        refused = await socket.open(http)
    if refused is not None:
        stream.close()
        return refused

    async def write(pieces: list[bytes]) -> None:
        for piece in pieces:
            await (
                socket.send_str(piece.decode()) if text else socket.send_bytes(piece[LENGTH_BYTES:])
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
    with contextlib.suppress(ConnectionError, TimeoutError):
        await socket.close()
    return socket
