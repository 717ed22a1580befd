"""The text of cells: ages, ports, labels and the like."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kube_embedded.machinery.pods.state import parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"
MAX_SHOWN = 3
"""How many addresses, hosts or ports a cell lists."""
MINUTE = 60
HOUR = 3600
DAY = 86400
YEAR = 365 * 86400
MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def duration(seconds: float) -> str:
    """A duration in at most two units: ``4d5h``, ``3m``.

    Source: k8s.io/apimachinery ``pkg/util/duration``.
    """
    whole = int(seconds)
    # A second of difference between two clocks is forgiven.
    if whole < -1:
        return "<invalid>"
    whole = max(whole, 0)
    if whole < 2 * MINUTE:
        return f"{whole}s"
    # The larger a duration, the less its smaller unit matters.
    for limit, big, small, names in (
        (10 * MINUTE, MINUTE, 1, "ms"),
        (3 * HOUR, MINUTE, 0, "m"),
        (8 * HOUR, HOUR, MINUTE, "hm"),
        (2 * DAY, HOUR, 0, "h"),
        (8 * DAY, DAY, HOUR, "dh"),
        (2 * YEAR, DAY, 0, "d"),
        (8 * YEAR, YEAR, DAY, "yd"),
    ):
        if whole < limit:
            rest = whole % big // small if small else 0
            return f"{whole // big}{names[0]}" + (f"{rest}{names[1]}" if rest else "")
    return f"{whole // YEAR}y"


def since(timestamp: str | None, now: float) -> str:
    """How long ago a time was."""
    return duration(now - parse_time(timestamp)) if timestamp else UNKNOWN


def labels(values: Mapping[str, str] | None) -> str:
    """Labels as ``a=b,c=d``."""
    return ",".join(f"{key}={value}" for key, value in sorted((values or {}).items())) or NONE


def selector(value: Mapping[str, Any] | None) -> str:
    """A label selector as its text."""
    if not value:
        return NONE
    terms = [(key, f"{key}={text}") for key, text in (value.get("matchLabels") or {}).items()]
    for term in value.get("matchExpressions") or ():
        key = term.get("key", "")
        operator = term.get("operator", "")
        values = ",".join(sorted(term.get("values") or ()))
        written = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        terms.append((key, written.get(operator, key)))
    return ",".join(text for _, text in sorted(terms, key=lambda term: term[0])) or NONE


def shortened(texts: Sequence[str]) -> str:
    """The first texts, and how many more there are."""
    more = len(texts) - MAX_SHOWN
    return ",".join(texts[:MAX_SHOWN]) + (f" + {more} more..." if more > 0 else "")


def access_modes(modes: Iterable[str] | None) -> str:
    """Access modes by their short names, in the usual order."""
    return ",".join(short for mode, short in MODES.items() if mode in (modes or ()))
