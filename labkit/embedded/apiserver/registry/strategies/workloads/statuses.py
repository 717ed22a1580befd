"""What the status of a workload may say: counts that are not negative and fit one another.

Source: k8s.io/kubernetes ``pkg/apis/{apps,core,policy}/validation``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object

MORE_THAN_ALL = "cannot be greater than status.replicas"
COUNTS = {
    "Deployment": (
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ),
    "ReplicaSet": (
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "terminatingReplicas",
        "observedGeneration",
    ),
    "ReplicationController": (
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
    ),
    "StatefulSet": (
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
    ),
    "DaemonSet": (
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ),
    "Job": ("active", "succeeded", "failed"),
    "PodDisruptionBudget": ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"),
}
"""The counts of each kind, in the order in which they are looked at."""
PARTS = {
    "Deployment": ("updatedReplicas", "readyReplicas", "availableReplicas"),
    "ReplicaSet": ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
    "ReplicationController": ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
    "StatefulSet": ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"),
}
"""Counts that are parts of all replicas."""


def check_workload_status(kind: str, new: Object, old: Object, errors: FieldErrors) -> None:
    """The status of a workload.

    Args:
        kind: Its kind.
        new: The status.
        old: The status so far.
        errors: What is wrong so far.
    """
    for name in COUNTS[kind]:
        value = new.get(name)
        errors.check_not_negative(f"status.{name}", value)
    for name in PARTS.get(kind, ()):
        if new.get(name, 0) > new.get("replicas", 0):
            errors.invalid(f"status.{name}", new.get(name, 0), MORE_THAN_ALL)
    available = new.get("availableReplicas", 0)
    if kind in PARTS and available > new.get("readyReplicas", 0):
        limit = "status.readyReplicas" if kind == "StatefulSet" else "readyReplicas"
        errors.invalid("status.availableReplicas", available, f"cannot be greater than {limit}")
    collisions, before = new.get("collisionCount"), old.get("collisionCount")
    if before is not None and (collisions is None or collisions < before):
        errors.invalid("status.collisionCount", collisions or 0, "cannot be decremented")
