"""Whether a pod is active, ready, available."""

from __future__ import annotations

import datetime

from labkit.embedded.machinery.objects import conditions_of, is_deleted
from labkit.embedded.machinery.request import Object


def has_ended(pod: Object) -> bool:
    """Return whether all containers of a pod have ended for good."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Whether a pod has neither ended nor is being deleted."""
    return not has_ended(pod) and not is_deleted(pod)


def ready_since(pod: Object) -> str | None:
    """Since when a pod is ready, None if it is not."""
    for condition in conditions_of(pod):
        if condition.get("type") == "Ready" and condition.get("status") == "True":
            return str(condition.get("lastTransitionTime") or "")
    return None


def is_available(pod: Object, seconds: int, now: float) -> bool:
    """Whether a pod has been ready for so many seconds."""
    since = ready_since(pod)
    if since is None or not seconds:
        return since is not None
    if not since:
        return False
    return parse_time(since) + seconds <= now


def parse_time(text: str) -> float:
    """A time of the API in seconds since the epoch."""
    return datetime.datetime.fromisoformat(text).timestamp()
