"""Daemon sets: a pod on each node that suits it.

Source: k8s.io/kubernetes ``pkg/controller/daemon``.
"""

from typing_extensions import override

from ..apiserver.registry.registry import Change
from ..machinery.kinds import BY_KIND
from ..machinery.objects import annotations_of, is_deleted, labels_of, name_of
from ..machinery.request import Object
from .daemonplan import GENERATION, HASH, bound_to, by_node, daemon_status, next_plan
from .history import RevisionedController
from .workload_pods import max_pods, pod_from

NODES = BY_KIND["", "Node"]


class DaemonSets(RevisionedController):
    """Creates and deletes the pods of daemon sets."""

    kind = BY_KIND["apps", "DaemonSet"]
    component = "daemonset-controller"
    hash_label = HASH
    ready_counts = ("currentNumberScheduled", "numberAvailable")

    @override
    def __call__(self, change: Change) -> None:
        """React to nodes as well."""
        if change.kind is NODES:
            # A node's status changes often, and has no influence here.
            if _relevant_fields(change.old) != _relevant_fields(change.new):
                self._reconcile_all("", lambda daemon_set: True)
        else:
            super().__call__(change)

    @override
    def _lacks_dependents(self, owner: Object) -> bool:
        status = owner["status"]
        current = status.get("currentNumberScheduled", 0)
        return bool(current < status.get("desiredNumberScheduled", 0))

    @override
    def _sync(self, owner: Object) -> None:
        if is_deleted(owner):
            return
        *old, current = self._revisions(owner)
        revision = self._hash_of(current)
        nodes = list(self._registry.list(NODES))
        now = self._registry.clock()
        pods = self._claim(owner)
        lacking, surplus = next_plan(owner, nodes, by_node(pods), revision, now)
        for pod in surplus:
            self._delete(owner, pod)
        room = len(pods) < max_pods(owner["spec"]["template"])
        if lacking and room and self._backoff.may_try(owner):
            self._create_dependent(owner, self._pod_for(owner, lacking[0], revision))
        pods = self._controlled(owner)
        status = daemon_status(owner, nodes, by_node(pods), revision, now)
        self._write_status(self.kind, owner, status)
        live = {labels_of(pod).get(HASH) for pod in pods}
        self._trim(owner, old, {name_of(item) for item in old if self._hash_of(item) in live})

    def _pod_for(self, daemon_set: Object, node: str, revision: str) -> Object:
        """Return the pod of one node."""
        # Imported here: it loads the validation of pods, which a server does not need to start.
        from ..apiserver.registry.strategies.workloads.daemonsets import TEMPLATE_GENERATION

        pod = pod_from(daemon_set["spec"]["template"], self.kind, daemon_set)
        labels = {**labels_of(pod), HASH: revision}
        generation = annotations_of(daemon_set).get(TEMPLATE_GENERATION)
        if generation:
            labels[GENERATION] = generation
        pod["metadata"]["labels"] = labels
        pod["spec"] = bound_to(pod["spec"], node)
        return pod


def _relevant_fields(node: Object | None) -> object:
    """Return the fields of a node that decide which daemon sets have a pod there."""
    return None if node is None else (node["metadata"].get("labels"), node["spec"].get("taints"))
