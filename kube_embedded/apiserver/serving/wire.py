"""Responses that are sent as bytes: of the cluster, of this server, and streamed ones."""

import orjson
from aiohttp.web_request import BaseRequest

from ...machinery.request import Response
from ...machinery.status import ApiError
from .aiohttp_adapter import RawResponse
from .head import encode


def status_response(error: ApiError) -> Response:
    """The response for an error found by ``serving`` itself."""
    headers = {
        "Cache-Control": "no-cache, private",
        "Content-Type": "application/json",
        **error.headers,
    }
    return Response(error.code, headers, orjson.dumps(error.to_status()))


class WireResponse(RawResponse):
    """A response that is written in one piece; ``close`` ends the connection afterwards."""

    def __init__(self, response: Response, *, close: bool = False) -> None:
        super().__init__(response.status, keep_alive=False if close else None)
        self._answer = response

    async def send(self, request: BaseRequest, *, close: bool) -> None:
        """Write everything.

        Raises:
            ConnectionResetError: The client has gone.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        version = "1.0" if request.version < (1, 1) else "1.1"
        transport.write(encode(self._answer, request.method, version=version, close=close))
        if request.protocol.writing_paused:
            await request.writer.drain()


class SentResponse(RawResponse):
    """Stands for a response that was streamed already."""

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__(200, keep_alive=keep_alive)
