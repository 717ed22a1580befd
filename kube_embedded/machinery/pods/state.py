"""The state of a pod: whether it is active, ready or available, and its ports."""

import datetime
from typing import Any

from ..objects import is_deleted, true_condition
from ..request import Object


def has_ended(pod: Object) -> bool:
    """Return whether all containers of a pod have ended for good."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Return whether a pod has neither ended nor is being deleted."""
    return not has_ended(pod) and not is_deleted(pod)


def ready_since(pod: Object) -> str | None:
    """Return the time since which a pod is ready, None if it is not."""
    ready = true_condition(pod, "Ready")
    return None if ready is None else str(ready.get("lastTransitionTime") or "")


def is_available(pod: Object, seconds: int, now: float) -> bool:
    """Return whether a pod has been ready for so many seconds."""
    since = ready_since(pod)
    if since is None or not seconds:
        return since is not None
    # Somebody wrote the condition by hand, without a time.
    if not since:
        return False
    return parse_time(since) + seconds <= now


def port_number(target: Any, pod: Object, protocol: str) -> int:
    """Return the number of a port of a pod, given by its number or its name; 0 if no container has the name."""
    # ``targetPort`` is an IntOrString: what looks like a number is one, as ``intstr.Parse`` has it.
    if isinstance(target, int) or target.isdigit():
        return int(target)
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return 0


def parse_time(text: str) -> float:
    """Convert a time of the API to seconds since the epoch."""
    return datetime.datetime.fromisoformat(text).timestamp()
