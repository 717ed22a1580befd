"""Validation of the counts in workload statuses.

Source: k8s.io/kubernetes ``pkg/apis/{apps,core,policy}/validation``.
"""

from __future__ import annotations

from labkit.core.json_file import read_json
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object

_TABLE = read_json(__file__, "statuses.json")
COUNTS: dict[str, list[str]] = _TABLE["counts"]
"""The counts of each kind, in the order in which they are looked at."""
PARTS: dict[str, list[str]] = _TABLE["parts"]
"""Counts that are parts of all replicas."""


def check_workload_status(kind: str, new: Object, old: Object, errors: FieldErrors) -> None:
    """Check the status of a workload."""
    errors.check_counts("status", new, *COUNTS[kind])
    for name in PARTS.get(kind, ()):
        if new.get(name, 0) > new.get("replicas", 0):
            errors.invalid(f"status.{name}", new.get(name, 0), "cannot be greater than status.replicas")
    available = new.get("availableReplicas", 0)
    if kind in PARTS and available > new.get("readyReplicas", 0):
        limit = "status.readyReplicas" if kind == "StatefulSet" else "readyReplicas"
        errors.invalid("status.availableReplicas", available, f"cannot be greater than {limit}")
    collisions, before = new.get("collisionCount"), old.get("collisionCount")
    if before is not None and (collisions is None or collisions < before):
        errors.invalid("status.collisionCount", collisions or 0, "cannot be decremented")
