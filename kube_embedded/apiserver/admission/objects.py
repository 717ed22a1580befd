"""Plugins for storage objects, nodes and priority classes.

Source: k8s.io/kubernetes ``plugin/pkg/admission``.
"""

from typing_extensions import override

from .attributes import Attributes, Plugin, ReadingPlugin

PROTECTION = {
    "persistentvolumes": "kubernetes.io/pv-protection",
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
}
PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io"
NOT_READY = "node.kubernetes.io/not-ready"


class StorageObjectInUse(Plugin):
    """Adds the finalizers that protect volumes, claims and attributes classes while they are in use."""

    @override
    def admit(self, attributes: Attributes) -> None:
        finalizer = PROTECTION.get(attributes.qualified)
        if (
            finalizer is None
            or attributes.obj is None
            or not attributes.concerns(attributes.qualified, "CREATE")
        ):
            return
        finalizers = attributes.obj["metadata"].setdefault("finalizers", [])
        if finalizer not in finalizers:
            finalizers.append(finalizer)


# Without the taint, the scheduler could use a node before the node controller has seen whether it is ready.
class TaintNewNodes(Plugin):
    """Taints a new node until it is ready."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if attributes.obj is None or not attributes.concerns("nodes", "CREATE"):
            return
        taints = attributes.obj["spec"].setdefault("taints", [])
        if not any(
            taint.get("key") == NOT_READY and taint.get("effect") == "NoSchedule"
            for taint in taints
        ):
            taints.append({"key": NOT_READY, "effect": "NoSchedule"})


class OneDefaultPriority(ReadingPlugin):
    """Refuses a second default priority class."""

    @override
    def validate(self, attributes: Attributes) -> None:
        if attributes.obj is None or not attributes.concerns(PRIORITY_CLASSES, "CREATE", "UPDATE"):
            return
        if not attributes.obj.get("globalDefault"):
            return
        name = attributes.obj["metadata"].get("name", "")
        for other in self._lister(PRIORITY_CLASSES, ""):
            if other.get("globalDefault") and other["metadata"]["name"] != name:
                start = f"PriorityClass {other['metadata']['name']} is already marked as default"
                raise attributes.refuse(f"{start}. Only one default can exist")
