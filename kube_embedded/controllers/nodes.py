"""Nodes: taints that follow their conditions. The one kubelet is in this process, and never silent.

Source: k8s.io/kubernetes ``pkg/controller/nodelifecycle``, ``pkg/controller/ttl``.
"""

from ..apiserver.registry.registry import Change
from ..machinery.kinds import BY_KIND
from ..machinery.objects import annotations_of, conditions_of
from ..machinery.request import Object
from .controller import BaseController

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

# For how long a kubelet can cache secrets. The real controller raises it with the number of nodes; up to 100 it is 0.
TTL = {"node.alpha.kubernetes.io/ttl": "0"}


class NodeLifecycle(BaseController):
    """Taints and annotates nodes."""

    def __call__(self, change: Change) -> None:
        """React to nodes."""
        if change.kind is not NODES or change.new is None:
            return
        node = self._current(NODES, change.new)
        if node is None:
            return
        annotations = {**annotations_of(node), **TTL}
        if annotations != annotations_of(node):
            # This write is a change of a node, too: it leads here again, and the taints follow.
            self._edit(NODES, node, lambda new: new["metadata"].update(annotations=annotations))
            return
        keys = _taint_keys(node)
        before = node["spec"].get("taints") or []
        # Taints of other effects and keys belong to others, such as the administrator.
        gone = OWNED.difference(keys)
        taints = [item for item in before if item["effect"] != EFFECT or item["key"] not in gone]
        present = {taint["key"] for taint in taints if taint["effect"] == EFFECT}
        for key in keys:
            if key not in present:
                taints.append({"key": key, "effect": EFFECT, "timeAdded": self._now()})
        if taints != before:
            self._edit(NODES, node, lambda new: _set_taints(new, taints))


def _taint_keys(node: Object) -> list[str]:
    """Return the keys of the taints that exclude new pods from a node."""
    conditions = [(item.get("type"), item.get("status")) for item in conditions_of(node)]
    keys = [TAINTS[item] for item in dict.fromkeys(conditions) if item in TAINTS]
    return [*keys, UNSCHEDULABLE] if node["spec"].get("unschedulable") else keys


def _set_taints(node: Object, taints: list[Object]) -> None:
    node["spec"].pop("taints", None)
    if taints:
        node["spec"]["taints"] = taints
