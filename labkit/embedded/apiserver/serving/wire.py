"""Responses that aiohttp sends as they are.

Its own response classes spend a third of a request on header dictionaries, add a
``Server`` header, and fold repeated ones.
"""

from __future__ import annotations

import orjson
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

from labkit.embedded.apiserver.serving.head import encode
from labkit.embedded.machinery.request import Response
from labkit.embedded.machinery.status import ApiError


def status_response(error: ApiError) -> Response:
    """The response for an error found by ``serving`` itself."""
    headers = {
        "Cache-Control": "no-cache, private",
        "Content-Type": "application/json",
        **error.headers,
    }
    return Response(error.code, headers, orjson.dumps(error.to_status()))


class WireResponse(StreamResponse):
    """A response that is written in one piece; ``close`` ends the connection afterwards."""

    def __init__(self, response: Response, *, close: bool = False) -> None:
        # The parent's constructor is skipped: what it builds is not used.
        self._answer = response
        self._status = response.status
        self._keep_alive = False if close else None

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Send everything."""
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive
        version = "1.0" if request.version < (1, 1) else "1.1"
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        transport.write(
            encode(self._answer, request.method, version=version, close=not self._keep_alive)
        )
        if request.protocol.writing_paused:
            await request.writer.drain()
        self._eof_sent = True
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: ``prepare`` has sent everything."""


class SentResponse(StreamResponse):
    """Stands for a response that was streamed already."""

    def __init__(self, *, keep_alive: bool) -> None:
        self._keep_alive = keep_alive
        self._status = 200
        self._eof_sent = True

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Do nothing."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing."""
