"""HTTP in, HTTP out: aiohttp's requests become ours, and our answers theirs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_exceptions import HTTPException
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

from labkit.apiserver.request import MAX_BODY_BYTES, Request, Response
from labkit.apiserver.serving.channels import ExecSessions
from labkit.apiserver.serving.connection import Connection, bad_request
from labkit.apiserver.serving.streams import Streams
from labkit.apiserver.serving.target import BadTarget, collect_headers, decode, parse_query, split_target
from labkit.apiserver.serving.wire import WireResponse, status_response
from labkit.apiserver.status import ApiError

log = logging.getLogger(__name__)

BODY_SECONDS = 60.0
"""How long a request may take to arrive whole (the real server's request timeout)."""


class Frontend:
    """Answers aiohttp's requests through a cluster.

    Args:
        handle: ``Cluster.handle``.
    """

    def __init__(self, handle: Callable[[Request], Response]) -> None:
        self._handle = handle
        self.streams = Streams()
        self.sessions = ExecSessions()

    async def __call__(self, http: BaseRequest) -> StreamResponse:
        """Answer one request."""
        connection = http.protocol
        assert isinstance(connection, Connection)
        try:
            path, query = split_target(http.raw_path)
        except BadTarget:
            return bad_request()
        read_headers(connection, http.raw_headers)
        headers = connection.last_headers
        body = b""
        if http.can_read_body:
            expected = headers.get("expect")
            if expected is not None and expected.lower() != "100-continue":
                return WireResponse(Response(417), close=True)
            try:
                body = await read_body(http, expected is not None)
            except TimeoutError:
                return WireResponse(status_response(body_timeout()), close=True)
            except (HttpProcessingError, HTTPException, ValueError):
                return bad_request()
        request = Request(
            http.method,
            path,
            parse_query(query),
            headers,
            body,
            connection.certificate,
            connection.source_ip,
            http.raw_path,
            connection.last_header_values,
        )
        try:
            response = self._handle(request)
            if response.stream is not None:
                return await self.streams.send(http, response, response.stream)
            if response.upgrade is not None:
                return await self.sessions.serve(http, headers, response.upgrade)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("answering %s %r failed", http.method, path)
            response = status_response(ApiError(500, "InternalError", "Internal error occurred"))
        return WireResponse(response, close=len(body) > MAX_BODY_BYTES)


def read_headers(connection: Connection, raw: tuple[tuple[bytes, bytes], ...]) -> None:
    """Decode headers onto the connection, unless it has just these already.

    Args:
        connection: Where the decoded headers are kept.
        raw: Names and values as they were sent.
    """
    if raw != connection.last_raw_headers:
        connection.last_raw_headers = raw
        connection.last_headers, connection.last_header_values = collect_headers(
            [(decode(name), decode(value)) for name, value in raw]
        )


async def read_body(http: BaseRequest, ask: bool) -> bytes:
    """The body, or of one that is too large just enough to see that.

    Args:
        http: The request.
        ask: The client waits for ``100 Continue``.

    Raises:
        TimeoutError: It did not arrive in time.
    """
    content = http.content
    if content.is_eof():
        return await content.read(MAX_BODY_BYTES + 1)
    if ask and http.transport is not None:
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    pieces: list[bytes] = []
    size = 0
    async with asyncio.timeout(BODY_SECONDS):
        while size <= MAX_BODY_BYTES:
            piece = await content.readany()
            if not piece and content.at_eof():
                break
            pieces.append(piece)
            size += len(piece)
    return b"".join(pieces)[: MAX_BODY_BYTES + 1]


def body_timeout() -> ApiError:
    """504 for a body that came too slowly."""
    return ApiError(504, "Timeout", "Timeout: request did not complete within the allotted timeout", {})
