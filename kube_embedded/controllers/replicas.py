"""Replica sets and replication controllers: as many pods as they ask for.

Source: k8s.io/kubernetes ``pkg/controller/replicaset``.
"""

from typing_extensions import override

from kube_embedded.rbac.selectors import selects

from ..apiserver.registry.registry import Registry
from ..machinery.kinds import BY_KIND, Kind
from ..machinery.objects import conditions_of, is_deleted, labels_of, true_condition
from ..machinery.pods.state import is_active, is_available, ready_since
from ..machinery.request import Object
from .conditions import condition
from .rolling import desired_replicas
from .workload import Create, WorkloadController
from .workload_pods import deletion_order, max_pods, pod_from

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
        self.kind = kind
        self.component = COMPONENTS[kind.kind]
        super().__init__(registry, create)

    @override
    def _ends_backoff(self, owner: Object) -> bool:
        # There is no back-off here: a refused pod is tried again with each sync, and when the refusal could be
        # lifted.
        return true_condition(owner, FAILURE) is not None

    @override
    def _adoptable(self, owner: Object, dependent: Object) -> bool:
        return is_active(dependent)

    @override
    def _selector(self, owner: Object) -> Object:
        selector = super()._selector(owner)
        if self.kind is REPLICATION_CONTROLLERS and selector:
            return {"matchLabels": selector}  # v1 has labels alone
        return selector

    @override
    def _sync(self, owner: Object) -> None:
        pods = self._claim(owner)
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
        # Claims and refusals write, too: the owner can have changed in the meantime.
        current = self._stored(self.kind, owner)
        if current is not None:
            self._write_status(self.kind, current, self._status(current, failure))

    def _status(self, owner: Object, failure: str) -> Object:
        """Return the status of an owner; ``failure`` is the reason why a pod could not be created."""
        spec = owner["spec"]
        pods = self._controlled(owner)
        active = [pod for pod in pods if is_active(pod)]
        labels = {"matchLabels": labels_of(spec["template"])}
        seconds = spec.get("minReadySeconds", 0)
        now = self._registry.clock()
        counts = {
            "fullyLabeledReplicas": sum(selects(labels, labels_of(pod)) for pod in active),
            "readyReplicas": sum(ready_since(pod) is not None for pod in active),
            "availableReplicas": sum(is_available(pod, seconds, now) for pod in active),
        }
        status: Object = {name: count for name, count in counts.items() if count}
        status["replicas"] = len(active)
        if self.kind is REPLICA_SETS:
            status["terminatingReplicas"] = sum(map(is_deleted, pods))
        status["observedGeneration"] = owner["metadata"].get("generation", 1)
        conditions = [item for item in conditions_of(owner) if item.get("type") != FAILURE]
        if failure:
            known = true_condition(owner, FAILURE)
            # The same failure does not update its condition, or each sync would write the status.
            if known is None or known.get("message") != failure:
                known = condition(
                    FAILURE, "True", "FailedCreate", failure, lastTransitionTime=self._now()
                )
            conditions.append(known)
        if conditions:
            status["conditions"] = conditions
        return status
