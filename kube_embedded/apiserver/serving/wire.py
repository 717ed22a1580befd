"""Responses that this server makes or sends in one piece."""

import orjson

from ...machinery.request import Response
from ...machinery.status import ApiError
from .head import encode
from .incoming import BAD_REQUEST, HttpRequest


def status_response(error: ApiError) -> Response:
    """The response for an error found by ``serving`` itself."""
    headers = {
        "Cache-Control": "no-cache, private",
        "Content-Type": "application/json",
        **error.headers,
    }
    return Response(error.code, headers, orjson.dumps(error.to_status()))


async def respond(http: HttpRequest, response: Response, *, close: bool = False) -> None:
    """Send a response in one piece; ``close`` ends the connection afterwards.

    Raises:
        ConnectionResetError: The client has gone.
    """
    http.keep_alive = http.keep_alive and not close
    http.write(encode(response, http.method, version=http.version, close=not http.keep_alive))
    await http.drain()


def refuse(http: HttpRequest) -> None:
    """Send Go's answer to what is no HTTP."""
    http.keep_alive = False
    http.write(BAD_REQUEST)
