"""Conditions in the status of objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.embedded.machinery.request import Object


def transition_time(conditions: Iterable[Object], kind: str, status: str, now: str) -> str:
    """The ``lastTransitionTime`` of a condition, RFC 3339: when its status changed last."""
    for before in conditions:
        if (before.get("type"), before.get("status")) == (kind, status):
            return str(before.get("lastTransitionTime") or now)
    return now


def condition(kind: str, status: str, reason: str, message: str, **more: Any) -> Object:
    """A condition of a type; ``more`` are its times, and what else stands between status and reason."""
    return {"type": kind, "status": status, **more, "reason": reason, "message": message}
