"""Replica sets and replication controllers: as many pods as they ask for.

Source: k8s.io/kubernetes ``pkg/controller/replicaset``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.controllers.conditions import condition
from labkit.embedded.controllers.rolling import desired_replicas
from labkit.embedded.controllers.workload import Create, WorkloadController
from labkit.embedded.controllers.workload_pods import deletion_order, max_pods, pod_from
from labkit.embedded.machinery.kinds import BY_KIND, Kind
from labkit.embedded.machinery.objects import (
    conditions_of,
    is_deleted,
    labels_of,
    name_of,
    namespace_of,
)
from labkit.embedded.machinery.pods.state import is_active, is_available, ready_since
from labkit.embedded.machinery.request import Object

REPLICA_SETS = BY_KIND["apps", "ReplicaSet"]
REPLICATION_CONTROLLERS = BY_KIND["", "ReplicationController"]
COMPONENTS = {
    "ReplicaSet": "replicaset-controller",
    "ReplicationController": "replication-controller",
}
FAILURE = "ReplicaFailure"


class ReplicaController(WorkloadController):
    """Creates and deletes the pods of replica sets, or of replication controllers."""

    def __init__(self, registry: Registry, create: Create, kind: Kind) -> None:
        self.kind, self.component = kind, COMPONENTS[kind.kind]
        super().__init__(registry, create)

    def _is_due(self, owner: Object) -> bool:
        """Whether pods may have become available."""
        status = owner["status"]
        return bool(owner["spec"].get("minReadySeconds")) and (
            status.get("readyReplicas") != status.get("availableReplicas")
        )

    def _ends_backoff(self, owner: Object) -> bool:
        """There is none: a refused pod is tried again with each sync, and when the refusal may be lifted."""
        return any(item.get("type") == FAILURE for item in conditions_of(owner))

    def _selector(self, owner: Object) -> Object:
        selector = super()._selector(owner)
        return (
            {"matchLabels": selector}
            if self.kind is REPLICATION_CONTROLLERS and selector
            else selector
        )

    def _sync(self, owner: Object) -> None:
        pods = self._claim(owner, is_active)
        failure = ""
        if not is_deleted(owner):
            active = [pod for pod in pods if is_active(pod)]
            surplus = len(active) - desired_replicas(owner)
            if surplus > 0:
                for pod in sorted(active, key=deletion_order)[:surplus]:
                    self._delete(owner, pod)
                return
            template = owner["spec"]["template"]
            if len(active) < min(desired_replicas(owner), max_pods(template)):
                refusal = self._create_dependent(owner, pod_from(template, self.kind, owner))
                if refusal is None:
                    return
                failure = refusal.message
        current = self._registry.find(self.kind, namespace_of(owner), name_of(owner))
        if current is not None:
            self._write_status(self.kind, current, self._status(current, failure))

    def _status(self, owner: Object, failure: str) -> dict[str, Any]:
        """The status of an owner; ``failure`` says why a pod could not be created."""
        spec, now, pods = owner["spec"], self._registry.clock(), self._controlled(owner)
        active = [pod for pod in pods if is_active(pod)]
        labels = {"matchLabels": (spec["template"].get("metadata") or {}).get("labels") or {}}
        status: dict[str, Any] = {"replicas": len(active)}
        counts = {
            "fullyLabeledReplicas": sum(selects(labels, labels_of(pod)) for pod in active),
            "readyReplicas": sum(ready_since(pod) is not None for pod in active),
            "availableReplicas": sum(
                is_available(pod, spec.get("minReadySeconds", 0), now) for pod in active
            ),
        }
        status |= {name: count for name, count in counts.items() if count}
        if self.kind is REPLICA_SETS:
            status["terminatingReplicas"] = sum(is_deleted(pod) for pod in pods)
        status["observedGeneration"] = owner["metadata"].get("generation", 1)
        before = conditions_of(owner)
        conditions = [item for item in before if item.get("type") != FAILURE]
        if failure:
            made = condition(
                FAILURE, "True", "FailedCreate", failure, lastTransitionTime=timestamp(now)
            )
            conditions.append(
                next((item for item in before if item.get("message") == failure), made)
            )
        if conditions:
            status["conditions"] = conditions
        return status
