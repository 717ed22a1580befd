"""Distinguish defects from intended answers: the real server answers 500 to some bad input, and so does ours."""

from __future__ import annotations

import re

DEFECT = re.compile(rb"Internal error occurred(?!: )")
"""All that the server says of a failure of its own; of others' failures the real one says more."""


def is_server_error(status: int, body: bytes) -> bool:
    """Return whether a response shows a failure of the server, and not of the request.

    Args:
        status: The HTTP status.
        body: The answer's body.
    """
    if status < 500 or status in (
        501,
        504,
        505,
    ):  # no such method, time is up, no such version of HTTP
        return False
    if status not in (500, 503):  # 503: the backend of a proxied request is missing
        return True
    if body.startswith(
        (b"Internal Server Error: ", b"container not found")
    ):  # the real server's words
        return False
    is_status = b"Status" in body and b"Failure" in body  # in whatever form was asked for
    return not is_status or DEFECT.search(body) is not None
