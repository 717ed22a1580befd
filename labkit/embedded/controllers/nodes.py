"""Nodes: taints that follow their conditions. The one kubelet is in this process, and never silent.

Source: k8s.io/kubernetes ``pkg/controller/nodelifecycle``, ``pkg/controller/ttl``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import annotations_of, conditions_of
from labkit.embedded.machinery.request import Object

NODES = BY_KIND["", "Node"]
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
EFFECT = "NoSchedule"
OWNED = {UNSCHEDULABLE, *TAINTS.values()}
"""The keys of the controller's taints."""
TTL = "node.alpha.kubernetes.io/ttl"
TTL_SECONDS = ((100, 0), (500, 15), (1000, 30), (2000, 60), (10_000, 300))
"""How long a kubelet may keep secrets, by how many nodes there are at most."""
LONGEST_TTL_SECONDS = 600


class NodeLifecycle(BaseController):
    """Taints and annotates nodes."""

    def __call__(self, change: Change) -> None:
        """React to nodes."""
        node = (
            self._current(NODES, change.new)
            if change.kind is NODES and change.new is not None
            else None
        )
        if node is None:
            return
        count = sum(1 for _ in self._registry.list(NODES))
        seconds = str(
            next((ttl for most, ttl in TTL_SECONDS if count <= most), LONGEST_TTL_SECONDS)
        )
        if annotations_of(node).get(TTL) != seconds:
            node = self._registry.edit(NODES, node, MANAGER, lambda new: _annotate(new, seconds))
        current = self._current(NODES, node)
        if current is not None:
            self._taint(current, _unwanted(node))

    def _taint(self, node: Object, keys: list[str]) -> None:
        """Give a node the taints that keep new pods from it, and remove others of the controller's."""
        before, now = node["spec"].get("taints") or [], timestamp(self._registry.clock())
        gone = OWNED.difference(keys)
        taints = [
            taint for taint in before if taint["effect"] != EFFECT or taint["key"] not in gone
        ]
        present = {taint["key"] for taint in taints if taint["effect"] == EFFECT}
        taints += [
            {"key": key, "effect": EFFECT, "timeAdded": now} for key in keys if key not in present
        ]
        if taints != before:
            self._registry.edit(NODES, node, MANAGER, lambda new: _set_taints(new, taints))


def _unwanted(node: Object) -> list[str]:
    """The keys of the taints that keep new pods from a node."""
    conditions = [(one.get("type"), one.get("status")) for one in conditions_of(node)]
    keys = [TAINTS[one] for one in dict.fromkeys(conditions) if one in TAINTS]
    return [*keys, UNSCHEDULABLE] if node["spec"].get("unschedulable") else keys


def _annotate(node: Object, seconds: str) -> None:
    node["metadata"]["annotations"] = {**annotations_of(node), TTL: seconds}


def _set_taints(node: Object, taints: list[Object]) -> None:
    node["spec"].pop("taints", None)
    if taints:
        node["spec"]["taints"] = taints
