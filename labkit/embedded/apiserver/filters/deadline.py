"""How long a request may take: ``?timeout=``, in Go's words.

Nothing here takes long enough to be cut off, so that only what cannot be read matters. It
is refused before anybody asks who the caller is.

Source: k8s.io/apiserver ``pkg/endpoints/filters/request_deadline.go``; Go ``time.ParseDuration``.
"""

from __future__ import annotations

import re

from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Handler, Request, RequestInfo, Response
from labkit.embedded.machinery.status import bad_request

LONG_VERBS = ("watch", "proxy")
LONG_SUBRESOURCES = ("attach", "exec", "log", "portforward", "proxy")
UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
"""Units to nanoseconds."""
LARGEST = 2**63
LONGEST_NUMBER = 40
PART = re.compile(r"([0-9]*(?:\.[0-9]*)?)([^0-9.]*)")


def is_long_running(info: RequestInfo) -> bool:
    """Whether a request is meant to go on: it has no deadline, and its audit has a beginning and an end."""
    return info.is_resource and (info.verb in LONG_VERBS or info.subresource in LONG_SUBRESOURCES)


def with_deadline(handler: Handler) -> Handler:
    """Refuse a timeout that is no duration."""

    def handle(request: Request) -> Response:
        asked = request.param("timeout") if request.query else ""
        if asked and not is_long_running(request.info):
            wrong = duration_problem(asked)
            if wrong:
                raise bad_request(f"invalid timeout specified in the request URL - {wrong}")
        return handler(request)

    return handle


def duration_problem(text: str) -> str:
    """Why a text is no duration such as ``1h15m30.5s``; empty if it is one."""
    at = 1 if text[:1] in ("-", "+") else 0
    if text[at:] == "0":
        return ""
    total = 0.0
    while True:
        part = PART.match(text, at)  # from here on: a copy of the rest for each part would take long
        if part is None or not part[1].strip("."):
            return f"time: invalid duration {go_quote(text)}"
        if not part[2]:
            return f"time: missing unit in duration {go_quote(text)}"
        if part[2] not in UNITS:
            return f"time: unknown unit {go_quote(part[2])} in duration {go_quote(text)}"
        total += float(part[1]) * UNITS[part[2]] if len(part[1]) < LONGEST_NUMBER else LARGEST * 2
        if total > LARGEST:
            return f"time: invalid duration {go_quote(text)}"
        at = part.end()
        if at == len(text):
            return ""


def duration_seconds(text: str) -> float:
    """How long a duration is, of which :func:`duration_problem` finds nothing wrong."""
    sign = -1 if text[:1] == "-" else 1
    parts = PART.finditer(text.lstrip("+-"))
    return sign * sum(float(part[1]) * UNITS[part[2]] for part in parts if part[2]) / UNITS["s"]
