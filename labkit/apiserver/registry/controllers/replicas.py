"""As many pods as a replica set or a replication controller wants.

Source: k8s.io/kubernetes ``pkg/controller/replicaset``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from labkit.apiserver.registry.controllers.happenings import MANAGER, Happenings
from labkit.apiserver.registry.controllers.owned import (
    CreatePod,
    controller_of,
    controls,
    is_active,
    is_available,
    pod_from,
    ready_since,
    reference_to,
)
from labkit.apiserver.registry.kinds import BY_KIND, Kind
from labkit.apiserver.registry.registry import Change, Registry, timestamp
from labkit.apiserver.registry.strategies.fields.selectors import selects
from labkit.apiserver.registry.strategy import DeleteOptions
from labkit.apiserver.request import Object
from labkit.apiserver.status import ApiError

PODS = BY_KIND["", "Pod"]
REPLICA_SETS = BY_KIND["apps", "ReplicaSet"]
REPLICATION_CONTROLLERS = BY_KIND["", "ReplicationController"]
COMPONENTS = {"ReplicaSet": "replicaset-controller", "ReplicationController": "replication-controller"}
REASONS = tuple(BY_KIND["", kind] for kind in ("LimitRange", "Namespace", "ResourceQuota", "ServiceAccount"))
"""What may have forbidden a pod."""
FAILURE = "ReplicaFailure"
MOST_PODS = 100
"""How many pods one set gets, whatever it wants: they are made inside the write that asks for them."""
MOST_WRITTEN = 256 << 10
"""How many characters the templates of these pods may have together; the first pod comes in any case."""


class Replicas:
    """Keeps the pods of replica sets and replication controllers.

    Args:
        registry: Where objects are.
        create_pod: See ``CreatePod``.
    """

    def __init__(self, registry: Registry, create_pod: CreatePod) -> None:
        self._registry = registry
        self._create_pod = create_pod
        self._happenings = {kind: Happenings(registry, component) for kind, component in COMPONENTS.items()}

    def __call__(self, change: Change) -> None:
        """React to sets, and to pods of theirs."""
        if change.kind in (REPLICA_SETS, REPLICATION_CONTROLLERS):
            if change.new is not None and not _only_status(change):
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
        pods = self._claimed(kind, owner)
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

    def _claimed(self, kind: Kind, owner: Object) -> list[Object]:
        """The owner's pods; those that nobody controls and that it selects become its own."""
        found = []
        for pod in list(self._registry.list(PODS, owner["metadata"]["namespace"])):
            matches = _matches(kind, owner, pod)
            if controls(owner, pod):
                if matches or owner["metadata"].get("deletionTimestamp"):
                    found.append(pod)
                else:
                    self._registry.edit(PODS, pod, MANAGER, partial(_let_go, owner))
            elif matches and controller_of(pod) is None and is_active(pod):
                if owner["metadata"].get("deletionTimestamp"):
                    continue
                reference = reference_to(kind, owner)
                found.append(self._registry.edit(PODS, pod, MANAGER, partial(_adopt, reference)))
        return found

    def _more(self, kind: Kind, owner: Object, active: int) -> str | None:
        """Make one pod if some are missing: quotas count it before the next one comes.

        Returns:
            None if one was made, why it could not be made, or an empty text if there are enough.
        """
        template = owner["spec"]["template"]
        wanted = min(owner["spec"].get("replicas", 1), MOST_PODS)
        if active >= wanted or 0 < active * len(str(template)) >= MOST_WRITTEN:
            return ""
        happenings = self._happenings[kind.kind]
        try:
            pod = self._create_pod(COMPONENTS[kind.kind], pod_from(template, kind, owner))
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
        for pod in sorted(active, key=_deletion_order)[:surplus]:
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


def _only_status(change: Change) -> bool:
    """Whether a set changed in nothing that matters here: what it says of a failure must not cause the next one."""
    old, new = change.old, change.new
    if old is None or new is None:
        return False
    return bool(
        old["spec"] == new["spec"]
        and old["metadata"].get("deletionTimestamp") == new["metadata"].get("deletionTimestamp")
    )


def _matches(kind: Kind, owner: Object, pod: Object) -> bool:
    selector = owner["spec"].get("selector") or {}
    if kind is REPLICATION_CONTROLLERS:
        selector = {"matchLabels": selector}
    return bool(selector) and selects(selector, pod["metadata"].get("labels") or {})


def _adopt(reference: Object, pod: Object) -> None:
    pod["metadata"]["ownerReferences"] = [*pod["metadata"].get("ownerReferences", ()), reference]


def _let_go(owner: Object, pod: Object) -> None:
    uid, metadata = owner["metadata"]["uid"], pod["metadata"]
    left = [item for item in metadata["ownerReferences"] if item.get("uid") != uid]
    if left:
        metadata["ownerReferences"] = left
    else:
        del metadata["ownerReferences"]


def _deletion_order(pod: Object) -> tuple[bool, int, bool, tuple[int, ...]]:
    """Those first that are missed least: without a node, pending, not ready, the youngest."""
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    return (
        bool(pod["spec"].get("nodeName")),
        phases.get(pod["status"].get("phase", ""), 0),
        ready_since(pod) is not None,
        tuple(-ord(letter) for letter in pod["metadata"].get("creationTimestamp", "")),
    )
