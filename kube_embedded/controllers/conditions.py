"""Conditions in the status of objects."""

from collections.abc import Iterable
from typing import Any

from ..machinery.request import Object


def transition_time(conditions: Iterable[Object], kind: str, status: str, now: str) -> str:
    """Return the ``lastTransitionTime`` of a condition, RFC 3339: when its status last changed."""
    for before in conditions:
        if (before.get("type"), before.get("status")) == (kind, status):
            return str(before.get("lastTransitionTime") or now)
    return now


def condition(kind: str, status: str, reason: str, message: str, **times: Any) -> Object:
    """Return a condition of a type."""
    return {"type": kind, "status": status, **times, "reason": reason, "message": message}


def set_condition(
    conditions: list[Object],
    new: Object,
    now: str,
    stamp: str = "lastUpdateTime",
    *,
    renew: bool = False,
) -> bool:
    """Set a condition in place, and return whether that changed it.

    A condition with the same status and reason stays as it is, unless ``renew`` is set for a new ``stamp``.
    Source: ``SetDeploymentCondition`` in k8s.io/kubernetes ``pkg/controller/deployment/util``.
    """
    kind = new["type"]
    status = new["status"]
    for item in conditions:
        known = item.get("type"), item.get("status"), item.get("reason")
        if known == (kind, status, new["reason"]) and not renew:
            return False
    since = transition_time(conditions, kind, status, now)
    conditions[:] = [item for item in conditions if item.get("type") != kind]
    conditions.append({**new, stamp: now, "lastTransitionTime": since})
    return True
