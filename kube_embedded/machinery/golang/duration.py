"""Go's durations, such as ``1h15m30.5s``."""

import re

from .quote import go_quote

UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
"""Units to nanoseconds."""

MAX_NANOSECONDS = 2**63
MAX_DIGITS = 40
PART = re.compile(r"([0-9]*(?:\.[0-9]*)?)([^0-9.]*)")


def duration_problem(text: str) -> str:
    """Why a text is not a duration such as ``1h15m30.5s``; empty if it is one."""
    at = 1 if text[:1] in ("-", "+") else 0
    if text[at:] == "0":
        return ""
    total = 0.0
    while True:
        # From here on, without a copy of the rest: many parts would take the square of their number.
        part = PART.match(
            text, at
        )  # from here on: a copy of the rest for each part would take long
        if part is None or not part[1].strip("."):
            return f"time: invalid duration {go_quote(text)}"
        if not part[2]:
            return f"time: missing unit in duration {go_quote(text)}"
        if part[2] not in UNITS:
            return f"time: unknown unit {go_quote(part[2])} in duration {go_quote(text)}"
        # Go counts in integers and detects the overflow; a float is exact enough for comparing with 2**63.
        total += (
            float(part[1]) * UNITS[part[2]] if len(part[1]) < MAX_DIGITS else MAX_NANOSECONDS * 2
        )
        if total > MAX_NANOSECONDS:
            return f"time: invalid duration {go_quote(text)}"
        at = part.end()
        if at == len(text):
            return ""
