"""Translates between requests and responses of HTTP and the cluster's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING

from ...machinery.beside import beside
from ...machinery.request import MAX_BODY_BYTES, BeginAgain, Request, Response
from ...machinery.sharing import LARGE_BYTES, WHOLE_BYTES
from ...machinery.status import ApiError
from .connection import HttpServer, Outbox
from .flow import Flow
from .head import encode
from .incoming import BadBody, HttpRequest
from .streams import Streams
from .target import BadTarget, parse_query, split_target
from .wire import refuse, respond, status_response

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
    """Answers requests through ``Cluster.handle``.

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

    def answer_now(self, http: HttpRequest) -> bool:
        """Answer a request without a body at once, in the callback that read it; whether it was answered.

        Most requests have none, and a task for each would cost as much as the answer. The response of a stream,
        an exec session or a large body is left to ``__call__``.
        """
        try:
            response = self._respond(self._request(http))
        except (BadTarget, BeginAgain):
            return False
        # These need to wait for the client between pieces, which only a task can do.
        if response.goes_on or response.parts is not None or len(response.body) > WHOLE_BYTES:
            http.response = response
            return False
        http.connection.send(encode(response, http.method))
        return True

    async def __call__(self, http: HttpRequest) -> None:
        """Answer a request that has a body, a stream or an upgrade."""
        try:
            response = http.response or await self._read_and_answer(http)
        except TimeoutError:
            http.keep_alive = False
            text = "Timeout: request did not complete within the allotted timeout"
            response = status_response(ApiError(504, "Timeout", text, {}))
        except (BadTarget, BadBody):
            refuse(http)
            return
        # The earlier responses on other connections wait for the end of the turn; a stream must not overtake them.
        self.outbox.flush()
        session = response.upgrade or response.forward
        if session is not None:
            await self.sessions.serve(http, session)
        elif response.stream is not None:
            if http.headers.get("upgrade", "").lower() == "websocket":
                from .watch_socket import is_watch, send_events

                if is_watch(http.headers, response):
                    await send_events(self.streams, http, response, response.stream)
                    return
            await self.streams.send(http, response, response.stream)
        elif response.parts is not None:
            await self.flow.send_parts(http, response, response.parts)
        elif len(response.body) > WHOLE_BYTES:
            await self.flow.send_whole(http, response)
        else:
            await respond(http, response)

    async def _read_and_answer(self, http: HttpRequest) -> Response:
        request = self._request(http)
        if not http.has_body or (http.method in BODILESS and not http.keep_alive):
            return await self._answer(http, request)
        expected = http.headers.get("expect")
        if expected is not None and expected.lower() != "100-continue":
            http.keep_alive = False
            return Response(417)
        # A body without a length can be as large as the limit, and counts as such.
        length = int(http.headers.get("content-length", MAX_BODY_BYTES))
        async with nullcontext() if length <= LARGE_BYTES else self._large_bodies:
            request.body = await read_body(http, expected is not None)
            if len(request.body) > MAX_BODY_BYTES:
                http.keep_alive = False
            return await self._answer(http, request)

    def _request(self, http: HttpRequest) -> Request:
        path, query = split_target(http.target)
        return Request(
            http.method,
            path,
            parse_query(query),
            http.headers,
            b"",
            http.connection.certificate,
            http.connection.source_ip,
            http.target,
            http.header_values,
            in_parts=True,
        )

    async def _answer(self, http: HttpRequest, request: Request) -> Response:
        """Handle a request, in a thread if it takes long, and again whenever other writes overtake it."""
        if len(request.body) <= LONG_BYTES or request.method in BODILESS:
            with suppress(BeginAgain):
                return self._respond(request)
        while True:
            # Handling changes a request (user, audit record), so each attempt begins with a fresh one.
            again = self._request(http)
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


async def read_body(http: HttpRequest, ask: bool) -> bytes:
    """Read the body, or one byte more than the largest that is allowed; TimeoutError if it is too slow.

    ``ask``: whether the client waits for ``100 Continue``.
    """
    if ask and not http.complete:
        http.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    pieces: list[bytes] = []
    size = 0
    async with asyncio.timeout(BODY_SECONDS):
        while size <= MAX_BODY_BYTES and (piece := await http.read()):
            pieces.append(piece)
            size += len(piece)
    return b"".join(pieces)[: MAX_BODY_BYTES + 1]
