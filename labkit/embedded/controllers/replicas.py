"""As many pods as a replica set or a replication controller wants.

Source: k8s.io/kubernetes ``pkg/controller/replicaset``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.controllers.happenings import MANAGER, Happenings
from labkit.embedded.controllers.owned import (
    PODS,
    REASONS,
    Create,
    claimed,
    controller_of,
    controls,
    deletion_order,
    most_pods,
    only_status,
    pod_from,
)
from labkit.embedded.machinery.kinds import BY_KIND, Kind
from labkit.embedded.machinery.pods.state import is_active, is_available, ready_since
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

REPLICA_SETS = BY_KIND["apps", "ReplicaSet"]
REPLICATION_CONTROLLERS = BY_KIND["", "ReplicationController"]
COMPONENTS = {"ReplicaSet": "replicaset-controller", "ReplicationController": "replication-controller"}
FAILURE = "ReplicaFailure"


class Replicas:
    """Keeps the pods of replica sets and replication controllers.

    Args:
        registry: Where objects are.
        create: See ``Create``.
    """

    def __init__(self, registry: Registry, create: Create) -> None:
        self._registry = registry
        self._create = create
        self._happenings = {kind: Happenings(registry, component) for kind, component in COMPONENTS.items()}

    def __call__(self, change: Change) -> None:
        """React to sets, and to pods of theirs."""
        if change.kind in (REPLICA_SETS, REPLICATION_CONTROLLERS):
            if change.new is not None and not only_status(change):
                self._sync(change.kind, change.new["metadata"]["namespace"], change.new["metadata"]["name"])
            return
        if change.kind is PODS:
            self._after_pod(change)
        elif change.kind in REASONS and (some := change.new or change.old) is not None:
            self._retry(some["metadata"].get("namespace") or some["metadata"]["name"])

    def advance(self) -> None:
        """Count pods that have now been ready for long enough."""
        for kind in (REPLICA_SETS, REPLICATION_CONTROLLERS):
            for one in list(self._registry.list(kind)):
                status = one["status"]
                if one["spec"].get("minReadySeconds") and status.get("readyReplicas") != status.get(
                    "availableReplicas"
                ):
                    with self._registry.transaction():
                        self._sync(kind, one["metadata"]["namespace"], one["metadata"]["name"])

    def _retry(self, namespace: str) -> None:
        """Try again what failed: its reason may be gone."""
        for kind in (REPLICA_SETS, REPLICATION_CONTROLLERS):
            for one in list(self._registry.list(kind, namespace)):
                if any(item.get("type") == FAILURE for item in one["status"].get("conditions") or ()):
                    self._sync(kind, namespace, one["metadata"]["name"])

    def _after_pod(self, change: Change) -> None:
        for side in {id(side): side for side in (change.old, change.new) if side is not None}.values():
            owner, namespace = controller_of(side), side["metadata"]["namespace"]
            for kind in (REPLICA_SETS, REPLICATION_CONTROLLERS):
                if owner is not None and (owner.get("kind"), owner.get("apiVersion")) == (
                    kind.kind,
                    kind.group_version,
                ):
                    self._sync(kind, namespace, owner.get("name", ""))
                elif side is change.new:
                    for one in list(self._registry.list(kind, namespace)):
                        if _matches(kind, one, side):
                            self._sync(kind, namespace, one["metadata"]["name"])

    def _sync(self, kind: Kind, namespace: str, name: str) -> None:
        owner = self._registry.find(kind, namespace, name)
        if owner is None:
            return
        pods = claimed(self._registry, kind, owner, _selector(kind, owner), is_active)
        failure: str | None = ""
        if not owner["metadata"].get("deletionTimestamp"):
            active = [pod for pod in pods if is_active(pod)]
            if self._fewer(kind, owner, active):
                return  # the pod's change comes here again
            failure = self._more(kind, owner, len(active))
            if failure is None:
                return
        current = self._registry.find(kind, namespace, name)
        if current is not None:
            self._tell(kind, current, failure or "")

    def _more(self, kind: Kind, owner: Object, active: int) -> str | None:
        """Make one pod if some are missing: quotas count it before the next one comes.

        Returns:
            None if one was made, why it could not be made, or an empty text if there are enough.
        """
        template = owner["spec"]["template"]
        if active >= min(owner["spec"].get("replicas", 1), most_pods(template)):
            return ""
        happenings = self._happenings[kind.kind]
        try:
            pod = self._create(COMPONENTS[kind.kind], pod_from(template, kind, owner))
        except ApiError as error:
            happenings.note(kind, owner, "FailedCreate", f"Error creating: {error.message}", type_="Warning")
            return error.message
        happenings.note(kind, owner, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        return None

    def _fewer(self, kind: Kind, owner: Object, active: list[Object]) -> bool:
        """Delete pods if there are too many."""
        surplus = len(active) - owner["spec"].get("replicas", 1)
        if surplus <= 0:
            return False
        for pod in sorted(active, key=deletion_order)[:surplus]:
            metadata = pod["metadata"]
            self._registry.delete(PODS, metadata["namespace"], metadata["name"], DeleteOptions())
            message = f"Deleted pod: {metadata['name']}"
            self._happenings[kind.kind].note(kind, owner, "SuccessfulDelete", message)
        return True

    def _tell(self, kind: Kind, owner: Object, failure: str) -> None:
        spec, now = owner["spec"], self._registry.clock()
        pods = [pod for pod in self._registry.list(PODS, owner["metadata"]["namespace"]) if controls(owner, pod)]
        active = [pod for pod in pods if is_active(pod)]
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        full = sum(selects({"matchLabels": labels}, pod["metadata"].get("labels") or {}) for pod in active)
        status: dict[str, Any] = {"replicas": len(active)}
        counts = {
            "fullyLabeledReplicas": full,
            "readyReplicas": sum(ready_since(pod) is not None for pod in active),
            "availableReplicas": sum(is_available(pod, spec.get("minReadySeconds", 0), now) for pod in active),
        }
        status |= {name: count for name, count in counts.items() if count}
        if kind is REPLICA_SETS:
            status["terminatingReplicas"] = sum(bool(pod["metadata"].get("deletionTimestamp")) for pod in pods)
        status["observedGeneration"] = owner["metadata"].get("generation", 1)
        conditions = [item for item in owner["status"].get("conditions") or () if item.get("type") != FAILURE]
        if failure:
            known = next(
                (item for item in owner["status"].get("conditions") or () if item.get("message") == failure), None
            )
            conditions.append(
                known
                or {
                    "type": FAILURE,
                    "status": "True",
                    "lastTransitionTime": timestamp(now),
                    "reason": "FailedCreate",
                    "message": failure,
                }
            )
        if conditions:
            status["conditions"] = conditions
        if owner["status"] != status:
            self._registry.edit(kind, owner, MANAGER, lambda obj: obj.update(status=status), "status")


def _selector(kind: Kind, owner: Object) -> Object:
    selector: Object = owner["spec"].get("selector") or {}
    return {"matchLabels": selector} if kind is REPLICATION_CONTROLLERS and selector else selector


def _matches(kind: Kind, owner: Object, pod: Object) -> bool:
    selector = _selector(kind, owner)
    return bool(selector) and selects(selector, pod["metadata"].get("labels") or {})
