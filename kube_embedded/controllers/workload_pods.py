"""The pods of a workload: made from its template, how many it gets, and which are deleted first.

Source: k8s.io/kubernetes ``pkg/controller/controller_utils.go``.
"""

from ..machinery.kinds import BY_KIND, Kind
from ..machinery.objects import name_of, namespace_of
from ..machinery.pods.resources import pod_cost
from ..machinery.pods.state import ready_since
from ..machinery.request import Object
from ..machinery.work import affordable
from .controller_ref import reference_to

PODS = BY_KIND["", "Pod"]
# Ours: the pods are created inside the request that causes them, and all other requests wait.
MAX_PODS = 100
# Ours: the most characters of the templates of these pods together. The first pod is created in any case.
MAX_WRITTEN = 256 << 10


def max_pods(template: Object) -> int:
    """Return the most pods of a template that one owner gets."""
    return affordable(pod_cost(template), min(MAX_PODS, -(-MAX_WRITTEN // len(str(template)))))


def deletion_order(pod: Object) -> tuple[bool, int, bool, tuple[int, ...]]:
    """Return a sort key that puts first the pods to delete first: unassigned, pending, not ready, the youngest."""
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    return (
        bool(pod["spec"].get("nodeName")),
        phases.get(pod["status"].get("phase", ""), 0),
        ready_since(pod) is not None,
        tuple(-ord(letter) for letter in pod["metadata"].get("creationTimestamp", "")),
    )


def pod_from(template: Object, kind: Kind, owner: Object) -> Object:
    """Return a pod made from a template."""
    metadata = template.get("metadata") or {}
    pod_metadata: Object = {
        "generateName": f"{name_of(owner)}-",
        "namespace": namespace_of(owner),
        "ownerReferences": [reference_to(kind, owner)],
    }
    for name in ("labels", "annotations", "finalizers"):
        if metadata.get(name):
            pod_metadata[name] = metadata[name]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": pod_metadata, "spec": template["spec"]}
