"""Request targets and headers as Go reads them: percent-decoding, absolute forms, repeated headers.

In the real server Go's ``net/url`` separates the path from the parameters.
Sources: ``net/url`` (``ParseRequestURI``, ``ParseQuery``).
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
CONTROL = re.compile(r"[\x00-\x20\x7f]")
SURROGATE = re.compile("[\udc80-\udcff]")


class BadTarget(ValueError):
    """The target is not a URI; the real server returns 400 before any handler sees it."""


def split_target(target: str) -> tuple[str, str]:
    """Split a request target into the decoded path and the raw query.

    Raises:
        BadTarget: It is not a path, an absolute URI, or ``*``, or is badly escaped.
    """
    # Go checks this before it parses, so a control character is reported even in a malformed target.
    if CONTROL.search(target):
        raise BadTarget("invalid control character in URL")
    if target == "*":
        return "*", ""
    # A proxy's client sends an absolute URI (RFC 9112, 3.2.2). Its host is ignored: there is only this server.
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
    # Bytes that are not UTF-8 arrive as surrogates; Go's JSON encoder would write U+FFFD for each.
    elif not path.isascii():
        path = SURROGATE.sub("\ufffd", path)
    return path, query


def parse_query(query: str) -> dict[str, list[str]]:
    """Parse a raw query into each parameter's values, in order; badly escaped pairs are dropped, as in Go."""
    parameters: dict[str, list[str]] = {}
    if not query:
        return parameters
    for pair in query.split("&"):
        # Go stopped to accept ";" as a separator in 1.17 and drops the pair (net/url, parseQuery).
        if not pair or ";" in pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            if BAD_ESCAPE.search(pair):
                continue
            name = unescape(name)
            value = unescape(value)
        parameters.setdefault(name, []).append(value)
    return parameters


def unescape(text: str) -> str:
    """Decode a name or value of a query."""
    return decode(unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape")))


def decode(data: bytes) -> str:
    """Decode UTF-8; each invalid byte becomes U+FFFD, as in Go's JSON."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return SURROGATE.sub("\ufffd", data.decode("utf-8", "surrogateescape"))


def collect_headers(
    pairs: Iterable[tuple[str, str]],
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Collect headers by their names in lower case: the first value of each, and all values of some.

    As in Go, the first value counts. All values are stored for repeated headers and for the headers of impersonation.
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
