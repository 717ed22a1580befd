"""The status of a deployment: counts, and the conditions of its rollout.

Source: k8s.io/kubernetes ``pkg/controller/deployment/{sync,progress}.go``, ``util/deployment_util.go``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.controllers.rolling import (
    counted,
    desired_replicas,
    limits,
    set_condition,
    total,
)
from labkit.embedded.machinery.objects import conditions_of, name_of
from labkit.embedded.machinery.request import Object

NO_DEADLINE = 2**31 - 1


def observed(
    deployment: Object, new: Object | None, old: list[Object], now: str, *, progress: bool
) -> Object:
    """The status of a deployment by the replica set of its template and the others.

    Without ``progress`` the condition ``Progressing`` stays: the deployment is only scaled.
    """
    before = deployment["status"]
    sets = [*old, *([new] if new is not None else [])]
    available = counted(sets, "availableReplicas")
    counts = {
        "replicas": counted(sets, "replicas"),
        "updatedReplicas": counted([new] if new is not None else [], "replicas"),
        "readyReplicas": counted(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(total(sets) - available, 0),
    }
    status: dict[str, Any] = {"observedGeneration": deployment["metadata"].get("generation", 1)}
    status |= {name: count for name, count in counts.items() if count}
    status["terminatingReplicas"] = counted(sets, "terminatingReplicas")
    conditions = [dict(item) for item in before.get("conditions") or ()]
    state = (
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
    )
    if available >= desired_replicas(deployment) - limits(deployment)[1]:
        state = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    set_condition(conditions, "Available", *state, now)
    _set_progressing(deployment, new, status, conditions, progress, now)
    failure = next(
        (item for one in reversed(sets) for item in conditions_of(one)
         if item.get("type") == "ReplicaFailure"), None)  # fmt: skip
    conditions = [
        item for item in conditions if failure is not None or item["type"] != "ReplicaFailure"
    ]
    if failure is not None:
        set_condition(
            conditions, "ReplicaFailure", "True", failure["reason"], failure["message"], now
        )
    status["conditions"] = conditions
    if before.get("collisionCount"):
        status["collisionCount"] = before["collisionCount"]
    return status


def _set_progressing(
    deployment: Object,
    new: Object | None,
    status: Object,
    conditions: list[Object],
    progress: bool,
    now: str,
) -> None:
    """Set the condition ``Progressing``."""
    if not has_deadline(deployment):
        conditions[:] = [item for item in conditions if item["type"] != "Progressing"]
        return
    before = deployment["status"]
    current = next((item for item in conditions if item["type"] == "Progressing"), None)
    paused = current is not None and current["reason"] == "DeploymentPaused"
    if deployment["spec"].get("paused"):
        set_condition(
            conditions, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now
        )
        return
    if paused:
        set_condition(
            conditions, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now
        )
    who = f'ReplicaSet "{name_of(new)}"' if new is not None else (
        f'Deployment "{name_of(deployment)}"')  # fmt: skip
    done = current is not None and current["reason"] == "NewReplicaSetAvailable"
    if not progress or (done and status.get("replicas", 0) == status.get("updatedReplicas", 0)):
        return
    if complete(deployment, status):
        text = f"{who} has successfully progressed."
        set_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable", text, now)
    elif _progressing(before, status):
        since = (
            current["lastTransitionTime"]
            if current is not None and current["status"] == "True"
            else now
        )
        conditions[:] = [item for item in conditions if item["type"] != "Progressing"]
        set_condition(
            conditions, "Progressing", "True", "ReplicaSetUpdated", f"{who} is progressing.", now
        )
        conditions[-1]["lastTransitionTime"] = since


def has_deadline(deployment: Object) -> bool:
    """Whether a deployment has a progress deadline."""
    return bool(deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE) != NO_DEADLINE)


def complete(deployment: Object, status: Object) -> bool:
    """Whether all pods are updated and available by a status."""
    replicas = desired_replicas(deployment)
    return all(
        status.get(name, 0) == replicas
        for name in ("updatedReplicas", "replicas", "availableReplicas")
    )


def _progressing(before: Object, status: Object) -> bool:
    """Whether a status is further than the one before it."""

    def old(of: Object) -> int:
        return int(of.get("replicas", 0) - of.get("updatedReplicas", 0))

    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old(status) < old(before) or any(
        status.get(name, 0) > before.get(name, 0) for name in more
    )
