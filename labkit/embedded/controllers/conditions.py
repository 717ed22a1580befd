"""Conditions in the status of objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.embedded.apiserver.registry.managed.apply import apply
from labkit.embedded.apiserver.registry.managed.manager import set_managed
from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.machinery.kinds import Kind
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


def apply_condition(registry: Registry, kind: Kind, obj: Object, manager: str, new: dict[str, Any]) -> None:
    """Write a complete condition of an object without a namespace, by server-side apply."""
    config = {
        "apiVersion": kind.group_version,
        "kind": kind.kind,
        "metadata": {"name": obj["metadata"]["name"]},
        "status": {"conditions": [new]},
    }
    now = timestamp(registry.clock())
    merged, managed = apply(registry.struct(kind), obj, config, manager, kind.group_version, "status", True, now)
    if merged is not None:
        written = registry.complete(kind, merged)
        set_managed(written, managed)
        registry.write(kind, registry.ordered(kind, written))
