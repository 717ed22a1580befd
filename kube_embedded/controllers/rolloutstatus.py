"""The status of a deployment: counts, and the conditions of its rollout.

Source: k8s.io/kubernetes ``pkg/controller/deployment/{sync,progress}.go``, ``util/deployment_util.go``.
"""

from ..machinery.objects import conditions_of, name_of, true_condition
from ..machinery.request import Object
from .conditions import condition, set_condition
from .rolling import counted, desired_replicas, limits, total

State = tuple[str, str, str]
"""The status, the reason and the message of a condition."""
UNAVAILABLE = (
    "False",
    "MinimumReplicasUnavailable",
    "Deployment does not have minimum availability.",
)
AVAILABLE = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
PAUSED = ("Unknown", "DeploymentPaused", "Deployment is paused")
RESUMED = ("Unknown", "DeploymentResumed", "Deployment is resumed")


def rollout_status(
    deployment: Object, new: Object | None, old: list[Object], now: str, *, progress: bool
) -> Object:
    """Return the status of a deployment by the replica set of its template and the others.

    Without ``progress`` the condition ``Progressing`` stays: the deployment is only scaled.
    """
    newest = [new] if new is not None else []
    sets = [*old, *newest]
    available = counted(sets, "availableReplicas")
    counts = {
        "replicas": counted(sets, "replicas"),
        "updatedReplicas": counted(newest, "replicas"),
        "readyReplicas": counted(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(total(sets) - available, 0),
    }
    status: Object = {name: count for name, count in counts.items() if count}
    status["observedGeneration"] = deployment["metadata"].get("generation", 1)
    status["terminatingReplicas"] = counted(sets, "terminatingReplicas")
    conditions = [dict(item) for item in conditions_of(deployment)]
    enough = available >= desired_replicas(deployment) - limits(deployment)[1]
    set_condition(conditions, condition("Available", *(AVAILABLE if enough else UNAVAILABLE)), now)
    state = _progressing(deployment, new, status, progress=progress)
    if state is not None:
        # Each step of a rollout renews the time from which the real controller counts the deadline.
        renew = state[1] == "ReplicaSetUpdated"
        set_condition(conditions, condition("Progressing", *state), now, renew=renew)
    failures = [true_condition(replica_set, "ReplicaFailure") for replica_set in reversed(sets)]
    failure = next(filter(None, failures), None)
    if failure is not None:
        state = ("True", failure["reason"], failure["message"])
        set_condition(conditions, condition("ReplicaFailure", *state), now)
    else:
        conditions = [item for item in conditions if item["type"] != "ReplicaFailure"]
    return {**status, "conditions": conditions}


def _progressing(
    deployment: Object, new: Object | None, status: Object, *, progress: bool
) -> State | None:
    """Return the new state of the condition ``Progressing``, None if it stays."""
    reasons = [
        item["reason"] for item in conditions_of(deployment) if item["type"] == "Progressing"
    ]
    if deployment["spec"].get("paused"):
        return PAUSED
    done = "NewReplicaSetAvailable" in reasons
    if progress and not (done and status.get("replicas", 0) == status.get("updatedReplicas", 0)):
        subject = f'Deployment "{name_of(deployment)}"'
        if new is not None:
            subject = f'ReplicaSet "{name_of(new)}"'
        if is_complete(deployment, status):
            return "True", "NewReplicaSetAvailable", f"{subject} has successfully progressed."
        if _has_moved(deployment["status"], status):
            return "True", "ReplicaSetUpdated", f"{subject} is progressing."
    return RESUMED if "DeploymentPaused" in reasons else None


def is_complete(deployment: Object, status: Object) -> bool:
    """Return whether all pods are updated and available by a status."""
    replicas = desired_replicas(deployment)
    names = ("updatedReplicas", "replicas", "availableReplicas")
    return all(status.get(name, 0) == replicas for name in names)


def _has_moved(before: Object, status: Object) -> bool:
    """Return whether a status is further than the one before it."""

    def old_pods(counts: Object) -> int:
        return int(counts.get("replicas", 0) - counts.get("updatedReplicas", 0))

    names = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_pods(status) < old_pods(before) or any(
        status.get(name, 0) > before.get(name, 0) for name in names
    )
