"""Translates between aiohttp's requests and responses and the cluster's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_exceptions import HTTPException
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

from ...machinery.beside import beside
from ...machinery.request import MAX_BODY_BYTES, BeginAgain, Request, Response
from ...machinery.sharing import LARGE_BYTES, WHOLE_BYTES
from ...machinery.status import ApiError
from .connection import Connection, HttpServer, Outbox, bad_request
from .flow import Flow
from .head import encode
from .streams import Streams
from .target import BadTarget, collect_headers, decode, parse_query, split_target
from .wire import WireResponse, status_response

if TYPE_CHECKING:
    from .channels import ExecSessions

log = logging.getLogger(__name__)

BODILESS = ("GET", "HEAD")
"""Methods whose body is not read; Go waits for it only where the connection is to be used again."""

BODY_SECONDS = 60.0
"""How long a body may take to arrive (the real server's request timeout)."""

LONG_BYTES = 4 * 1024
"""The size of a body that may take long."""

MAX_LARGE_BODIES = 32
"""How many bodies of more than ``LARGE_BYTES``, or of unknown length, are read and worked on together."""


class Frontend:
    """Answers aiohttp's requests through ``Cluster.handle``.

    ``before_answer`` is called before anything is sent, and writes the audit log.
    """

    def __init__(
        self, handle: Callable[[Request], Response], before_answer: Callable[[], None]
    ) -> None:
        self._handle = handle
        self._before_answer = before_answer
        self.outbox = Outbox(before_answer)
        self.flow = Flow()
        self.streams = Streams(before_answer, self.flow)
        self._one_long, self._large_bodies = asyncio.Lock(), asyncio.Semaphore(MAX_LARGE_BODIES)

    @cached_property
    def sessions(self) -> ExecSessions:
        """The running commands; WebSocket support is loaded with the first."""
        from .channels import ExecSessions

        return ExecSessions(
            self._before_answer, lambda handle: HttpServer(Frontend(handle, self._before_answer))()
        )

    def answer_now(self, connection: Connection, message: RawRequestMessage) -> bool:
        """Answer a request without a body at once, in the callback that read it; whether it was answered.

        Most requests have none, and a task for each would cost as much as the answer. A stream,
        an exec session or a large body is left on the connection for ``__call__``.
        """
        read_headers(connection, message.raw_headers)
        try:
            request = self._request(connection, connection.method(message.method), message.path)
        except BadTarget:
            return False
        try:
            response = self._respond(request)
        except BeginAgain:
            return False
        # These need to wait for the client between pieces, which only a task can do.
        if response.goes_on or response.parts is not None or len(response.body) > WHOLE_BYTES:
            connection.response = response
            return False
        connection.send(encode(response, message.method))
        return True

    async def __call__(self, http: BaseRequest) -> StreamResponse:
        """Answer a request that has a body, a stream or an upgrade."""
        connection = http.protocol
        assert isinstance(connection, Connection)
        read_headers(connection, http.raw_headers)
        response = connection.response
        connection.response = None
        too_large = False
        if response is None:
            try:
                request = self._request(connection, connection.method(http.method), http.raw_path)
                if http.can_read_body and (http.keep_alive or http.method not in BODILESS):
                    expected = request.headers.get("expect")
                    if expected is not None and expected.lower() != "100-continue":
                        return WireResponse(Response(417), close=True)
                    # A body without a length can be as large as the limit, and counts as such.
                    small = (http.content_length or MAX_BODY_BYTES) <= LARGE_BYTES
                    async with nullcontext() if small else self._large_bodies:
                        request.body = await read_body(http, expected is not None)
                        too_large = len(request.body) > MAX_BODY_BYTES
                        response = await self._answer(connection, request)
                else:
                    response = await self._answer(connection, request)
            except TimeoutError:
                late = ApiError(
                    504,
                    "Timeout",
                    "Timeout: request did not complete within the allotted timeout",
                    {},
                )
                return WireResponse(status_response(late), close=True)
            except (BadTarget, HttpProcessingError, HTTPException, ValueError):
                return bad_request()
        # The earlier responses on other connections wait for the end of the turn; a stream must not overtake them.
        self.outbox.flush()
        headers = connection.last_headers
        if response.stream is not None and headers.get("upgrade", "").lower() == "websocket":
            from .watch_socket import is_watch, send_events

            if is_watch(headers, response):
                return await send_events(self.streams, http, headers, response, response.stream)
        if response.stream is not None:
            return await self.streams.send(http, response, response.stream)
        session = response.upgrade or response.forward
        if session is not None:
            return await self.sessions.serve(http, headers, session)
        if response.parts is not None:
            return await self.flow.send_parts(http, response, response.parts)
        if len(response.body) > WHOLE_BYTES and not too_large:
            return await self.flow.send_whole(http, response)
        return WireResponse(response, close=too_large)

    def _request(self, connection: Connection, method: str, target: str) -> Request:
        path, query = split_target(target)
        return Request(
            method,
            path,
            parse_query(query),
            connection.last_headers,
            b"",
            connection.certificate,
            connection.source_ip,
            target,
            connection.last_header_values,
            in_parts=True,
        )

    async def _answer(self, connection: Connection, request: Request) -> Response:
        """Handle a request, in a thread if it takes long, and again whenever other writes overtake it."""
        if len(request.body) <= LONG_BYTES or request.method in BODILESS:
            with suppress(BeginAgain):
                return self._respond(request)
        while True:
            # Handling changes a request (user, audit record), so each attempt begins with a fresh one.
            again = self._request(connection, request.method, request.raw_uri)
            again.body = request.body
            again.in_parts = False
            with suppress(BeginAgain):
                async with self._one_long:
                    return await beside(partial(self._respond, again))

    def _respond(self, request: Request) -> Response:
        try:
            return self._handle(request)
        except Exception:
            log.exception("answering %s %r failed", request.method, request.path)
            return status_response(ApiError(500, "InternalError", "Internal error occurred"))


def read_headers(connection: Connection, raw: tuple[tuple[bytes, bytes], ...]) -> None:
    """Decode headers onto the connection, unless they repeat the previous ones."""
    if raw != connection.last_raw_headers:
        connection.last_raw_headers = raw
        connection.last_headers, connection.last_header_values = collect_headers(
            [(decode(name), decode(value)) for name, value in raw]
        )


async def read_body(http: BaseRequest, ask: bool) -> bytes:
    """Read the body, or one byte more than the largest that is allowed; TimeoutError if it is too slow.

    ``ask``: whether the client waits for ``100 Continue``.
    """
    content = http.content
    if ask and not content.is_eof() and http.transport is not None:
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
