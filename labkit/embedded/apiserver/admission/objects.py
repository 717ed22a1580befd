"""Plugins for other objects than pods.

Source: k8s.io/kubernetes ``plugin/pkg/admission``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.admission.attributes import Attributes, Lister, Ordinary

PROTECTION = {
    ("", "persistentvolumes"): "kubernetes.io/pv-protection",
    ("", "persistentvolumeclaims"): "kubernetes.io/pvc-protection",
    ("storage.k8s.io", "volumeattributesclasses"): "kubernetes.io/vac-protection",
}
NOT_READY = "node.kubernetes.io/not-ready"


class StorageObjectInUse(Ordinary):
    """Volumes, claims and classes of their attributes stay until nobody uses them."""

    @override
    def admit(self, attributes: Attributes) -> None:
        finalizer = PROTECTION.get((attributes.group, attributes.resource))
        if finalizer is None or attributes.operation != "CREATE" or attributes.obj is None:
            return
        if attributes.subresource:
            return
        finalizers = attributes.obj["metadata"].setdefault("finalizers", [])
        if finalizer not in finalizers:
            finalizers.append(finalizer)


class TaintNewNodes(Ordinary):
    """A new node takes no pods until it is ready."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if attributes.resource != "nodes" or attributes.operation != "CREATE" or attributes.obj is None:
            return
        if attributes.group or attributes.subresource:
            return
        taints = attributes.obj["spec"].setdefault("taints", [])
        if not any(taint.get("key") == NOT_READY and taint.get("effect") == "NoSchedule" for taint in taints):
            taints.append({"key": NOT_READY, "effect": "NoSchedule"})


class OneDefaultPriority(Ordinary):
    """Only one priority class may be the default.

    Args:
        lister: Lists priority classes.
    """

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    @override
    def validate(self, attributes: Attributes) -> None:
        if attributes.resource != "priorityclasses" or attributes.obj is None:
            return
        if attributes.operation not in ("CREATE", "UPDATE") or not attributes.obj.get("globalDefault"):
            return
        name = attributes.obj["metadata"].get("name", "")
        for other in self._lister("priorityclasses.scheduling.k8s.io", ""):
            if other.get("globalDefault") and other["metadata"]["name"] != name:
                raise attributes.refuse(
                    f"PriorityClass {other['metadata']['name']} is already marked as default. Only one default "
                    "can exist"
                )
