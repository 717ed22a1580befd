"""Errors as responses."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.encode import dump, encode
from labkit.embedded.apiserver.handlers.represent.negotiation import JSON, PLAIN, negotiate_error
from labkit.embedded.machinery.request import Request, Response
from labkit.embedded.machinery.status import ApiError

PLAIN_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
"""Headers of errors that Go's ``http.Error`` writes."""


def error_response(request: Request, error: ApiError) -> Response:
    """The Status of an error, in a form that the caller accepts."""
    form, status = negotiate_error(request), error.to_status()
    if form is PLAIN:  # a Status has its fields in order already
        content_type, body = JSON, dump(status) + b"\n"
    else:
        content_type, body = encode(form, status)
    return Response(error.code, {"Content-Type": content_type, **error.headers}, body)


def page_not_found() -> Response:
    """404 in plain text, for a path that is no route."""
    return Response(404, dict(PLAIN_TEXT), b"404 page not found\n")
