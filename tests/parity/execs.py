"""The WebSocket exchanges of exec, frame by frame."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.parity.model import load
from tests.parity.section import Section, of_commands
from tests.parity.text import mask_output
from tests.parity.transport import Kubeconfig, load_chain
from tests.support import aio

OPEN_SECONDS = 1.0
"""An exchange that stayed open in the recording must stay open for at least this long."""

PATIENCE_SECONDS = 30.0
"""How long what was recorded may take to come."""

NOT_OFFERED = "NegotiationError('no subprotocols supported')"
"""What the recording's client said when the server chose a protocol that it had not offered."""

_LONG_ID = re.compile(r'start exec \\"[0-9a-f]{64}\\"')


async def exchange(
    session: aiohttp.ClientSession, url: str, entry: Mapping[str, Any]
) -> dict[str, Any]:
    """Play one exchange and return the response in the recording's form."""
    if not entry["offered"]:
        # A client that offers no protocol finds one chosen all the same, and gives up.
        return await bare_handshake(session, url + entry["path"], ())
    try:
        socket = await session.ws_connect(
            url + entry["path"], protocols=entry["offered"], autoclose=False, max_msg_size=0
        )
    except aiohttp.WSServerHandshakeError:
        # The same request again, as plain HTTP, to see the refusal's body.
        return await bare_handshake(session, url + entry["path"], entry["offered"])
    got: dict[str, Any] = {"frames": [], "chosen": socket.protocol}
    for channel, data in entry["sent"]:
        await socket.send_bytes(bytes([channel]) + data.encode("utf-8"))
    stays_open = isinstance(entry.get("close"), str)
    while True:
        all_came = stays_open and len(got["frames"]) >= len(entry["frames"])
        try:
            message = await asyncio.wait_for(
                socket.receive(), OPEN_SECONDS if all_came else PATIENCE_SECONDS
            )
        except TimeoutError:
            got["close"] = (
                entry["close"] if stays_open else f"still open after {PATIENCE_SECONDS:g} s"
            )
            await socket.close()
            return got
        if message.type is aiohttp.WSMsgType.CLOSE:
            got["close"] = [message.data, message.extra or ""]
            await socket.close()
            return got
        if message.type is aiohttp.WSMsgType.BINARY:
            got["frames"].append(frame("binary", message.data))
        elif message.type is aiohttp.WSMsgType.TEXT:
            got["frames"].append(frame("text", message.data.encode()))
        else:
            got["close"] = f"ended by {message.type.name}"
            return got


async def bare_handshake(
    session: aiohttp.ClientSession, url: str, offered: Sequence[str]
) -> dict[str, Any]:
    """Play only the handshake, to see the server's answer."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "bGFia2l0IGxhYmtpdCEhIQ==",
    }
    if offered:
        headers["Sec-WebSocket-Protocol"] = ", ".join(offered)
    async with session.get(url, headers=headers) as response:
        if response.status == 101:
            chosen = "Sec-WebSocket-Protocol" in response.headers
            response.close()
            return {"frames": [], "error": NOT_OFFERED} if chosen else {"frames": []}
        body = await response.text()
        media = response.headers.get("Content-Type")
        return {
            "frames": [],
            "status": response.status,
            "body": body,
            "headers": {"content-type": media} if media and body else {},
        }


def frame(kind: str, payload: bytes) -> dict[str, Any]:
    """One frame in the recording's form."""
    return {
        "type": kind,
        "channel": payload[0] if payload else None,
        "data": payload[1:].decode("utf-8", "replace"),
    }


def masked(exchanged: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exchange with container ids masked, and only its compared parts."""
    kept = {
        name: exchanged[name]
        for name in ("chosen", "status", "body", "headers", "error", "close")
        if name in exchanged
    }
    kept["frames"] = [
        {**item, "data": _LONG_ID.sub('start exec \\\\"<id>\\\\"', mask_output(item["data"], {}))}
        for item in exchanged["frames"]
    ]
    return kept


async def _run(kubeconfig: Path) -> Section:
    config = Kubeconfig.read(kubeconfig)
    context = ssl.create_default_context(cadata=config.authority)
    headers = {}
    if config.certificate:
        load_chain(context, config.certificate)
    elif config.token:
        headers["Authorization"] = f"Bearer {config.token}"
    pairs = []
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, auto_decompress=False
    ) as session:
        for number, entry in enumerate(load("exec")):
            got = await exchange(session, config.server, entry)
            label = f"frames/{number + 1:02} {entry['name']}"
            pairs.append((label, {"exchange": masked(entry)}, {"exchange": masked(got)}))
    return of_commands("exec", "WebSocket exchanges of exec, frame by frame.", pairs)


def run(kubeconfig: Path) -> Section:
    """Play every recorded exchange against a cluster where the recorded pods run.

    Args:
        kubeconfig: The administrator's.
    """
    return aio.run(_run(kubeconfig))
