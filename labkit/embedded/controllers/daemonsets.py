"""Daemon sets: a pod on each node that suits it.

Source: k8s.io/kubernetes ``pkg/controller/daemon``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.controllers.daemonplan import GENERATION, HASH, bound_to, counts, placed, rolled, steady
from labkit.embedded.controllers.happenings import MANAGER, Happenings
from labkit.embedded.controllers.history import History
from labkit.embedded.controllers.owned import (
    PODS,
    REASONS,
    Create,
    claimed,
    controller_of,
    controls,
    most_pods,
    only_status,
    pod_from,
)
from labkit.embedded.controllers.refusals import Refusals
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

DAEMON_SETS = BY_KIND["apps", "DaemonSet"]
NODES = BY_KIND["", "Node"]
COMPONENT = "daemonset-controller"
SAYINGS = {
    "FailedDaemonPod": ("Warning", "Found failed daemon pod {}/{} on node {}, will try to kill it"),
    "SucceededDaemonPod": ("Normal", "Found succeeded daemon pod {}/{} on node {}, will try to delete it"),
}


class DaemonSets:
    """Keeps the pods of daemon sets.

    Args:
        registry: Where objects are.
        create: See ``Create``.
    """

    def __init__(self, registry: Registry, create: Create) -> None:
        self._registry = registry
        self._create = create
        self._happenings = Happenings(registry, COMPONENT)
        self._history = History(registry, DAEMON_SETS, HASH)
        self._refusals = Refusals(registry.steady)

    def __call__(self, change: Change) -> None:
        """React to daemon sets, to pods of theirs, to nodes, and to what may have forbidden a pod."""
        some = change.new if change.new is not None else change.old
        if some is None:
            return
        if change.kind is DAEMON_SETS:
            if change.new is None:
                self._refusals.forget(some)
            elif not only_status(change):
                self._sync(some["metadata"]["namespace"], some["metadata"]["name"])
        elif change.kind is PODS:
            self._after_pod(change)
        elif change.kind is NODES:
            if _what_matters(change.old) != _what_matters(change.new):
                self._sync_all("", lambda daemon_set: True)
        elif change.kind in REASONS:
            self._sync_all(some["metadata"].get("namespace") or some["metadata"]["name"], self._refusals.forget)

    def advance(self) -> None:
        """Try again what was refused, and count pods that have now been ready for long enough."""
        for daemon_set in list(self._registry.list(DAEMON_SETS)):
            if self._is_due(daemon_set):
                with self._registry.transaction():
                    self._sync(daemon_set["metadata"]["namespace"], daemon_set["metadata"]["name"])

    def _is_due(self, daemon_set: Object) -> bool:
        status = daemon_set["status"]
        current = status.get("currentNumberScheduled", 0)
        unsettled = {status.get(name, 0) for name in ("numberAvailable", "updatedNumberScheduled")} != {current}
        if daemon_set["spec"].get("minReadySeconds") and unsettled:
            return True
        return current < status.get("desiredNumberScheduled", 0) and self._refusals.may_try(daemon_set)

    def _sync_all(self, namespace: str, wanted: Callable[[Object], bool]) -> None:
        for daemon_set in list(self._registry.list(DAEMON_SETS, namespace)):
            if wanted(daemon_set):
                self._sync(daemon_set["metadata"]["namespace"], daemon_set["metadata"]["name"])

    def _after_pod(self, change: Change) -> None:
        for side in {id(side): side for side in (change.old, change.new) if side is not None}.values():
            owner, namespace = controller_of(side), side["metadata"]["namespace"]
            if owner is not None:
                if (owner.get("kind"), owner.get("apiVersion")) == (DAEMON_SETS.kind, DAEMON_SETS.group_version):
                    self._sync(namespace, owner.get("name", ""))
            elif side is change.new:
                self._sync_all(namespace, partial(_selects, side))

    # One daemon set

    def _sync(self, namespace: str, name: str) -> None:
        daemon_set = self._registry.find(DAEMON_SETS, namespace, name)
        if daemon_set is None or daemon_set["metadata"].get("deletionTimestamp"):
            return
        *old, current = self._history.revisions(daemon_set)
        revision, nodes = self._history.hash_of(current), list(self._registry.list(NODES))
        pods = claimed(self._registry, DAEMON_SETS, daemon_set, daemon_set["spec"]["selector"], lambda pod: True)
        now = self._registry.clock()
        plan = steady(daemon_set, nodes, placed(pods), revision, now)
        if not plan.nodes and not plan.pods and daemon_set["spec"]["updateStrategy"].get("type") == "RollingUpdate":
            plan = rolled(daemon_set, nodes, placed(pods), revision, now)
        for reason, pod in plan.notes:
            kind, text = SAYINGS[reason]
            message = text.format(namespace, pod["metadata"]["name"], pod["spec"].get("nodeName", ""))
            self._happenings.note(DAEMON_SETS, daemon_set, reason, message, type_=kind)
        for pod in plan.pods:
            self._registry.delete(PODS, namespace, pod["metadata"]["name"], DeleteOptions())
            message = f"Deleted pod: {pod['metadata']['name']}"
            self._happenings.note(DAEMON_SETS, daemon_set, "SuccessfulDelete", message)
        room = len(pods) < most_pods(daemon_set["spec"]["template"])
        if plan.nodes and room and self._refusals.may_try(daemon_set):
            self._more(daemon_set, plan.nodes[0], revision)
        pods = [pod for pod in self._registry.list(PODS, namespace) if controls(daemon_set, pod)]
        status = counts(daemon_set, nodes, placed(pods), revision, now)
        if daemon_set["status"] != status:
            self._registry.edit(DAEMON_SETS, daemon_set, MANAGER, lambda obj: obj.update(status=status), "status")
        live = {(pod["metadata"].get("labels") or {}).get(HASH) for pod in pods}
        used = {one["metadata"]["name"] for one in old if self._history.hash_of(one) in live}
        self._history.trim(daemon_set, old, used)

    def _more(self, daemon_set: Object, node: str, revision: str) -> None:
        """Make a pod for one node: its change comes here again, if there are more nodes without one."""
        # Imported here: it brings all rules of pods along, and a server starts without them.
        from labkit.embedded.apiserver.registry.strategies.workloads.daemonsets import TEMPLATE_GENERATION

        pod = pod_from(daemon_set["spec"]["template"], DAEMON_SETS, daemon_set)
        templates = (daemon_set["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "")
        generation = {GENERATION: templates} if templates else {}
        pod["metadata"]["labels"] = {**(pod["metadata"].get("labels") or {}), **generation, HASH: revision}
        pod["spec"] = bound_to(pod["spec"], node)
        try:
            made = self._create(COMPONENT, pod)
        except ApiError as error:
            self._refusals.note(daemon_set)
            message = f"Error creating: {error.message}"
            self._happenings.note(DAEMON_SETS, daemon_set, "FailedCreate", message, type_="Warning")
            return
        self._refusals.forget(daemon_set)
        self._happenings.note(DAEMON_SETS, daemon_set, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")


def _selects(pod: Object, daemon_set: Object) -> bool:
    return selects(daemon_set["spec"]["selector"], pod["metadata"].get("labels") or {})


def _what_matters(node: Object | None) -> object:
    """What decides which daemon sets have a pod on a node."""
    return None if node is None else (node["metadata"].get("labels"), node["spec"].get("taints"))
