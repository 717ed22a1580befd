"""Responses as bytes: status line, headers in Go's order and case, body."""

import time
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate

from ...machinery.request import Response
from ...machinery.status import REASONS

BODILESS = (204, 304)
LINE_BREAKS = str.maketrans("\r\n", "  ")

MAX_WARNING_RUNES = 256
MAX_TOTAL_WARNING_RUNES = 4096
"""The longest warning once all together exceed the total, in bytes. Source: ``endpoints/filters/warning.go``."""

_date_second = 0
_date_line = ""


def date_line() -> str:
    """The line of the ``Date`` header, formatted once a second."""
    global _date_second, _date_line
    # The date changes once a second, and all answers of a second share it.
    now = int(time.time())
    if now != _date_second:
        _date_second = now
        _date_line = f"Date: {formatdate(now, usegmt=True)}\r\n"
    return _date_line


def warning_values(warnings: Iterable[str]) -> list[str]:
    """Values of ``Warning`` headers: each text once, quoted, shortened when together too long.

    One with control characters is left out, as in Go.
    """
    # Go's recorder drops repeated texts too: kubectl would print each of them.
    texts = [text for text in dict.fromkeys(warnings) if text and text.isprintable()]
    if sum(map(len, texts)) > MAX_TOTAL_WARNING_RUNES:
        texts = [text[:MAX_WARNING_RUNES] for text in texts]
        texts = texts[: MAX_TOTAL_WARNING_RUNES // MAX_WARNING_RUNES]
    return ['299 - "{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"')) for text in texts]


def head(
    status: int,
    headers: Mapping[str, str],
    warnings: Sequence[str] = (),
    *,
    version: str = "1.1",
    framing: str = "",
    close: bool = False,
) -> bytes:
    """Status line and headers, sorted by name as Go does, with the empty line after them.

    ``framing`` is the line that frames the body, such as ``Content-Length: 2``. ``close`` ends the connection.
    """
    lines = [f"HTTP/{version} {status} {REASONS.get(status, 'status code ' + str(status))}\r\n"]
    # Go writes headers sorted by name (net/http, Header.writeSubset). Clients do not depend on it, but recordings do.
    for name in sorted(headers):
        value = headers[name]
        # A line break in a value would begin another header: Go replaces it by a space (headerNewlineToSpace).
        if "\n" in value or "\r" in value:
            value = value.translate(LINE_BREAKS)
        lines.append(f"{name}: {value}\r\n")
    if warnings:
        lines.extend(f"Warning: {value}\r\n" for value in warning_values(warnings))
    lines.append(date_line())
    if framing:
        lines.append(framing + "\r\n")
    if close:
        lines.append("Connection: close\r\n")
    # HTTP/1.0 closes by default, so a client such as `ab` has to be told that the connection stays.
    elif version == "1.0":
        lines.append("Connection: keep-alive\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("utf-8", "replace")


def encode(response: Response, method: str, *, version: str = "1.1", close: bool = False) -> bytes:
    """Encode a complete response; that to ``HEAD`` has no body. ``close`` announces the end of the connection."""
    body = response.body
    if response.status in BODILESS:
        body, framing = b"", ""
    else:
        framing = f"Content-Length: {len(body)}"
    start = head(
        response.status,
        response.headers,
        response.warnings,
        version=version,
        framing=framing,
        close=close,
    )
    return start if method == "HEAD" else start + body
