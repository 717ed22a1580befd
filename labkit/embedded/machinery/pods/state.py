"""Whether a pod is active, ready, available."""

from __future__ import annotations

import datetime

from labkit.embedded.machinery.request import Object


def is_active(pod: Object) -> bool:
    """Whether a pod has neither ended nor is being deleted."""
    return pod["status"].get("phase") not in ("Succeeded", "Failed") and not pod["metadata"].get(
        "deletionTimestamp"
    )


def ready_since(pod: Object) -> str | None:
    """Since when a pod is ready, None if it is not."""
    for condition in pod["status"].get("conditions") or ():
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
