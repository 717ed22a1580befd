"""Telling a defect from an answer: the real server answers 500 to some bad input, and so does ours."""

from __future__ import annotations

import json

DEFECT = "Internal error occurred"
"""All that the server says of a failure of its own."""


def is_server_error(status: int, body: bytes) -> bool:
    """Whether an answer tells of a failure of the server, and not of the request.

    Args:
        status: The HTTP status.
        body: The answer's body.
    """
    if status < 500 or status in (501, 504, 505):  # no such method, time is up, no such version of HTTP
        return False
    if status != 500:
        return True
    if body.startswith((b"Internal Server Error: ", b"container not found")):  # the real server's words
        return False
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return True
    return not message or message == DEFECT
