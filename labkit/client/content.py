"""Encode request bodies and decode response bodies: JSON, text, and lines of a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from labkit.core.errors import UsageError
from labkit.core.language import text

if TYPE_CHECKING:
    pass


PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
"""The four patch types and their media types."""


def with_query(path: str, query: Mapping[str, str] | None) -> str:
    """Append query parameters to a path, with or without a query."""
    if not query:
        return path
    return path + ("&" if "?" in path else "?") + urlencode(query)


def encode(body: object | None) -> bytes | None:
    """Encode a body: text and bytes as they are, anything else as JSON.

    Raises:
        UsageError: When it cannot be written as JSON.
    """
    if body is None or isinstance(body, bytes):
        return body
    try:
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()
    except (TypeError, ValueError, RecursionError) as error:
        what = text("A value of the type {type} cannot be sent.", type(body).__name__)
        raise UsageError(
            what, why=str(error), todo="Pass a dict of text, numbers, lists and dicts."
        ) from error


def content_type(method: str, body: object) -> str:
    """Return the default media type: a list in a PATCH is a JSON patch, anything else a merge patch."""
    if method != "PATCH":
        return "application/json"
    # A JSON patch (RFC 6902) is always a list. The merge patch (RFC 7386) rather than the strategic
    # one, because servers refuse that for custom resources, with 415.
    return PATCH_TYPES["json" if isinstance(body, list) else "merge"]


def decode(data: bytes, content_type: str) -> Any:
    """Decode a response's body: JSON to an object, anything else to text."""
    if "json" in content_type:
        try:
            return json.loads(data)
        # Something between client and server can answer, such as a login page with a wrong type.
        except ValueError:
            pass
    # The log of a pod can hold any bytes.
    return data.decode("utf-8", errors="replace")
