"""The cluster behind TLS: aiohttp in front, ``Cluster.handle`` behind."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from labkit.apiserver.cluster import Cluster
from labkit.apiserver.keys import Keys
from labkit.apiserver.request import EventStream, PeerCertificate, Request, Response

MAX_BODY_BYTES = 3 * 1024 * 1024
"""The real server's limit for a request body."""


def tls_context(keys: Keys) -> ssl.SSLContext:
    """TLS with the cluster's certificate; client certificates of its CA are welcome."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        path = Path(folder) / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(keys.server_certificate + keys.server_key)
        context.load_cert_chain(path)
    context.load_verify_locations(cadata=keys.ca_certificate.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def peer_certificate(transport: Any) -> PeerCertificate | None:
    """The verified client certificate of a connection, if it showed one."""
    tls = transport.get_extra_info("ssl_object") if transport else None
    shown = tls.getpeercert() if tls else None
    if not shown:
        return None
    subject = [pair for part in shown["subject"] for pair in part]
    name = next((value for field, value in subject if field == "commonName"), "")
    groups = tuple(value for field, value in subject if field == "organizationName")
    return PeerCertificate(name, groups, hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest())


class HttpFrontend:
    """Turns aiohttp's requests into ours, and our answers into aiohttp's.

    Args:
        cluster: Who answers.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __call__(self, http: web.BaseRequest) -> web.StreamResponse:
        body = await http.read() if http.can_read_body else b""
        query: dict[str, list[str]] = {}
        for name, value in http.query.items():
            query.setdefault(name, []).append(value)
        raw_path, _, _ = http.raw_path.partition("?")
        request = Request(
            http.method,
            unquote(raw_path),
            query,
            {name.lower(): value for name, value in http.headers.items()},
            body,
            peer_certificate(http.transport),
            raw_uri=http.raw_path,
        )
        response = self._cluster.handle(request)
        if response.stream is not None:
            return await self._stream(http, response, response.stream)
        return web.Response(status=response.status, headers=response.headers, body=response.body)

    async def _stream(self, http: web.BaseRequest, response: Response, stream: EventStream) -> web.StreamResponse:
        answer = web.StreamResponse(status=response.status, headers=response.headers)
        answer.enable_chunked_encoding()
        await answer.prepare(http)
        wake = asyncio.Event()
        stream.on_ready(wake.set)
        try:
            async with asyncio.timeout(stream.timeout_seconds):
                while True:
                    wake.clear()
                    for piece in stream.read():
                        await answer.write(piece)
                    if stream.closed:
                        break
                    await wake.wait()
        except TimeoutError:
            pass
        finally:
            stream.close()
        await answer.write_eof()
        return answer


async def serve(cluster: Cluster, port: int = 0) -> tuple[web.ServerRunner, int]:
    """Listen on loopback.

    Args:
        cluster: Who answers.
        port: The port, 0 for any free one.

    Returns:
        The runner (``cleanup()`` ends it) and the port.
    """
    server = web.Server(HttpFrontend(cluster), access_log=None)
    runner = web.ServerRunner(server, handle_signals=False)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    site = web.SockSite(runner, listener, ssl_context=tls_context(cluster.keys))
    await site.start()
    return runner, listener.getsockname()[1]
