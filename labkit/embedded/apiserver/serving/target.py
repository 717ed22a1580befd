"""Targets and headers as Go reads them: percent-decoding, absolute forms, queries, repeats.

The real server is a Go program, and what it takes for the path or for a parameter is
decided by Go's ``net/url``. Sources: ``net/url`` (``ParseRequestURI``, ``ParseQuery``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
CONTROL = re.compile(r"[\x00-\x20\x7f]")
SURROGATE = re.compile("[\udc80-\udcff]")


class BadTarget(ValueError):
    """The target is no URI; the real server answers 400 before any handler sees it."""


def split_target(target: str) -> tuple[str, str]:
    """The decoded path and the raw query of a request target.

    Args:
        target: As it stands in the request line.

    Raises:
        BadTarget: It is not a path, an absolute URI, or ``*``, or is badly escaped.
    """
    if CONTROL.search(target):
        raise BadTarget("invalid control character in URL")
    if target == "*":
        return "*", ""
    if not target.startswith("/"):
        scheme, colon, rest = target.partition("://")
        if not colon or not scheme.isalpha():
            raise BadTarget("invalid URI for request")
        _, slash, rest = rest.partition("/")
        target = slash + rest
    path, _, query = target.partition("?")
    if "%" in path:
        if BAD_ESCAPE.search(path):
            raise BadTarget("invalid URL escape")
        path = decode(unquote_to_bytes(path.encode("utf-8", "surrogateescape")))
    elif not path.isascii():
        path = SURROGATE.sub("\ufffd", path)
    return path, query


def parse_query(query: str) -> dict[str, list[str]]:
    """Each parameter with its values, in order; what is badly escaped is left out, as in Go.

    Args:
        query: The query as it was sent, without the question mark.
    """
    parameters: dict[str, list[str]] = {}
    if not query:
        return parameters
    for pair in query.split("&"):
        if not pair or ";" in pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            if BAD_ESCAPE.search(pair):
                continue
            name, value = unescape(name), unescape(value)
        parameters.setdefault(name, []).append(value)
    return parameters


def unescape(text: str) -> str:
    """A name or value of a query, decoded."""
    return decode(unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape")))


def decode(data: bytes) -> str:
    """UTF-8 as Go writes it into JSON: each byte that is none becomes U+FFFD."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return SURROGATE.sub("\ufffd", data.decode("utf-8", "surrogateescape"))


def collect_headers(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Headers by their names in lower case.

    As in Go, the first of several values counts; all values of a header that repeats are
    kept beside, and always those of the impersonation headers.

    Args:
        pairs: Names and values, as they were sent.

    Returns:
        The first value of each header, and all values of those that may have several.
    """
    headers: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for sent_name, value in pairs:
        name = sent_name.lower()
        if name in headers:
            values.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
            if name.startswith("impersonate-"):
                values[name] = [value]
    return headers, values
