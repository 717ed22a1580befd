"""Daemon sets: a pod on each node that suits it.

Source: k8s.io/kubernetes ``pkg/controller/daemon``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.controllers.daemonplan import (
    GENERATION,
    HASH,
    bound_to,
    counts,
    placed,
    rolled,
    steady,
)
from labkit.embedded.controllers.history import History
from labkit.embedded.controllers.workload import Create, WorkloadController
from labkit.embedded.controllers.workload_pods import max_pods, pod_from
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import annotations_of, is_deleted, labels_of, name_of
from labkit.embedded.machinery.request import Object

DAEMON_SETS = BY_KIND["apps", "DaemonSet"]
NODES = BY_KIND["", "Node"]


class DaemonSets(WorkloadController):
    """Creates and deletes the pods of daemon sets."""

    kind = DAEMON_SETS
    component = "daemonset-controller"

    def __init__(self, registry: Registry, create: Create) -> None:
        super().__init__(registry, create)
        self._history = History(registry, DAEMON_SETS, HASH)

    def __call__(self, change: Change) -> None:
        """React to nodes as well."""
        if change.kind is NODES:
            if _relevant_fields(change.old) != _relevant_fields(change.new):
                self._reconcile_all("", lambda daemon_set: True)
        else:
            super().__call__(change)

    def _is_due(self, daemon_set: Object) -> bool:
        """Whether a refused pod may be tried again, or pods may have become available."""
        status = daemon_set["status"]
        current = status.get("currentNumberScheduled", 0)
        unsettled = {
            status.get(name, 0) for name in ("numberAvailable", "updatedNumberScheduled")
        } != {current}
        if daemon_set["spec"].get("minReadySeconds") and unsettled:
            return True
        return current < status.get("desiredNumberScheduled", 0) and self._backoff.may_try(
            daemon_set
        )

    def _sync(self, daemon_set: Object) -> None:
        if is_deleted(daemon_set):
            return
        *old, current = self._history.revisions(daemon_set)
        revision, nodes = self._history.hash_of(current), list(self._registry.list(NODES))
        pods, now = self._claim(daemon_set), self._registry.clock()
        plan = steady(daemon_set, nodes, placed(pods), revision, now)
        if (
            not plan.nodes
            and not plan.pods
            and daemon_set["spec"]["updateStrategy"].get("type") == "RollingUpdate"
        ):
            plan = rolled(daemon_set, nodes, placed(pods), revision, now)
        for pod in plan.pods:
            self._delete(daemon_set, pod)
        room = len(pods) < max_pods(daemon_set["spec"]["template"])
        if plan.nodes and room and self._backoff.may_try(daemon_set):
            self._create_dependent(daemon_set, _pod_for(daemon_set, plan.nodes[0], revision))
        pods = self._controlled(daemon_set)
        self._write_status(
            self.kind, daemon_set, counts(daemon_set, nodes, placed(pods), revision, now)
        )
        live = {labels_of(pod).get(HASH) for pod in pods}
        used = {name_of(one) for one in old if self._history.hash_of(one) in live}
        self._history.trim(daemon_set, old, used)


def _pod_for(daemon_set: Object, node: str, revision: str) -> Object:
    """The pod of one node."""
    # Imported here: it loads the validation of pods, which a server does not need to start.
    from labkit.embedded.apiserver.registry.strategies.workloads.daemonsets import (
        TEMPLATE_GENERATION,
    )

    pod = pod_from(daemon_set["spec"]["template"], DAEMON_SETS, daemon_set)
    templates = annotations_of(daemon_set).get(TEMPLATE_GENERATION, "")
    generation = {GENERATION: templates} if templates else {}
    pod["metadata"]["labels"] = {
        **labels_of(pod),
        **generation,
        HASH: revision,
    }
    pod["spec"] = bound_to(pod["spec"], node)
    return pod


def _relevant_fields(node: Object | None) -> object:
    """The fields of a node that decide which daemon sets have a pod there."""
    return None if node is None else (node["metadata"].get("labels"), node["spec"].get("taints"))
