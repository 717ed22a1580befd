"""Nodes: taints that follow their conditions, and conditions of those whose kubelet is silent.

Source: k8s.io/kubernetes ``pkg/controller/nodelifecycle``, ``pkg/controller/ttl``. Pods of a node that is tainted
``NoExecute`` are not evicted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.conditions import condition
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import parse_time
from labkit.embedded.machinery.request import Object

NODES = BY_KIND["", "Node"]
LEASES = BY_KIND["coordination.k8s.io", "Lease"]
EVERY_SECONDS = 5.0
STARTUP_SECONDS = 60.0
"""How long a node may have no condition ``Ready``."""
SILENT_SECONDS = 50.0
"""How long a kubelet may say nothing."""

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
TAINTS = {
    ("Ready", "False"): "node.kubernetes.io/not-ready",
    ("Ready", "Unknown"): "node.kubernetes.io/unreachable",
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
"""Conditions and the keys of their taints."""
OWNED = {
    "NoSchedule": {UNSCHEDULABLE, *TAINTS.values()},
    "NoExecute": {TAINTS["Ready", "False"], TAINTS["Ready", "Unknown"]},
}
"""The keys of the controller's taints, by their effects."""
WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that a silent kubelet leaves unknown."""

TTL = "node.alpha.kubernetes.io/ttl"
TTL_SECONDS = ((100, 0), (500, 15), (1000, 30), (2000, 60), (10_000, 300))
"""How long a kubelet may keep secrets, by how many nodes there are at most."""
LONGEST_TTL_SECONDS = 600


@dataclass
class _Health:
    """The last sign of a kubelet: when it was seen, and what it was."""

    seen: float
    heartbeat: str | None
    lease: str = ""


class NodeLifecycle(BaseController):
    """Taints and annotates nodes, and marks as unknown those of which nothing is heard.

    ``simulated`` are the names of nodes whose kubelet is in this process: they are always healthy.
    """

    def __init__(self, registry: Registry, simulated: Collection[str]) -> None:
        super().__init__(registry)
        self._simulated = simulated
        self._health: dict[str, _Health] = {}
        self._next = 0.0

    def __call__(self, change: Change) -> None:
        """React to nodes."""
        node = self._current(NODES, change.new) if change.kind is NODES and change.new is not None else None
        if node is None:
            return
        count = sum(1 for _ in self._registry.list(NODES))
        seconds = str(next((ttl for most, ttl in TTL_SECONDS if count <= most), LONGEST_TTL_SECONDS))
        if (node["metadata"].get("annotations") or {}).get(TTL) != seconds:
            node = self._registry.edit(NODES, node, MANAGER, lambda new: _annotate(new, seconds))
        self._taint(self._current(NODES, node), "NoSchedule", _unwanted(node))

    def advance(self) -> None:
        """Look at all nodes, every few seconds."""
        steady = self._registry.steady()
        if steady < self._next:
            return
        self._next = steady + EVERY_SECONDS
        nodes = list(self._registry.list(NODES))
        if all(node["metadata"]["name"] in self._simulated for node in nodes):
            return
        self._health = {node["metadata"]["uid"]: self._observed(node, steady) for node in nodes}
        with self._registry.transaction():
            for node in nodes:
                self._judge(node, steady)
            nodes = list(self._registry.list(NODES))
            some_ready = any(_status(node, "Ready") == "True" for node in nodes)
            for node in nodes:
                key = TAINTS.get(("Ready", _status(node, "Ready")))
                self._taint(node, "NoExecute", [key] if key is not None and some_ready else [])

    def _observed(self, node: Object, steady: float) -> _Health:
        ready = _condition(node, "Ready")
        heartbeat = None if ready is None else str(ready.get("lastHeartbeatTime"))
        lease = self._registry.find(LEASES, "kube-node-lease", node["metadata"]["name"])
        renewed = str((lease["spec"] if lease is not None else {}).get("renewTime") or "")
        before = self._health.get(node["metadata"]["uid"])
        if before is None and ready is None:
            age = self._registry.clock() - parse_time(node["metadata"]["creationTimestamp"])
            before = _Health(steady - max(age, 0), None)
        if before is not None and before.heartbeat == heartbeat and renewed <= before.lease:
            return before
        return _Health(steady, heartbeat, renewed)

    def _judge(self, node: Object, steady: float) -> None:
        """Mark the conditions of a silent node as unknown."""
        health, ready = self._health[node["metadata"]["uid"]], _condition(node, "Ready")
        silent = steady - health.seen > (STARTUP_SECONDS if ready is None else SILENT_SECONDS)
        if node["metadata"]["name"] in self._simulated or not silent or _status(node, "Ready") == "Unknown":
            return
        now, born = timestamp(self._registry.clock()), node["metadata"]["creationTimestamp"]

        def mark(new: Object) -> None:
            found = new["status"].setdefault("conditions", [])
            for name in WATCHED:
                old = _condition(new, name)
                if old is None:
                    times = {"lastHeartbeatTime": born, "lastTransitionTime": now}
                    message = "Kubelet never posted node status."
                    found.append(condition(name, "Unknown", "NodeStatusNeverUpdated", message, **times))
                elif old["status"] != "Unknown":
                    message = "Kubelet stopped posting node status."
                    old |= {"status": "Unknown", "reason": "NodeStatusUnknown", "message": message}
                    old["lastTransitionTime"] = now

        self._registry.edit(NODES, node, MANAGER, mark, "status")

    def _taint(self, node: Object | None, effect: str, keys: list[str]) -> None:
        """Give a node the taints of an effect, and remove others of the controller's."""
        if node is None:
            return
        before, now = node["spec"].get("taints") or [], timestamp(self._registry.clock())
        gone = OWNED[effect].difference(keys)
        kept = [one for one in before if one["effect"] != effect or one["key"] not in gone]
        have = {one["key"] for one in kept if one["effect"] == effect}
        kept += [{"key": key, "effect": effect, "timeAdded": now} for key in keys if key not in have]
        if kept != before:
            self._registry.edit(NODES, node, MANAGER, lambda new: _set_taints(new, kept))


def _unwanted(node: Object) -> list[str]:
    """The keys of the taints that keep new pods from a node."""
    conditions = [(one.get("type"), one.get("status")) for one in node["status"].get("conditions") or ()]
    keys = [TAINTS[one] for one in dict.fromkeys(conditions) if one in TAINTS]
    return [*keys, UNSCHEDULABLE] if node["spec"].get("unschedulable") else keys


def _condition(node: Object, name: str) -> Object | None:
    return next((one for one in node["status"].get("conditions") or () if one.get("type") == name), None)


def _status(node: Object, name: str) -> str:
    return str((_condition(node, name) or {}).get("status", ""))


def _annotate(node: Object, seconds: str) -> None:
    node["metadata"]["annotations"] = {**(node["metadata"].get("annotations") or {}), TTL: seconds}


def _set_taints(node: Object, taints: list[Object]) -> None:
    node["spec"].pop("taints", None)
    if taints:
        node["spec"]["taints"] = taints
