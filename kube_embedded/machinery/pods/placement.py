"""Decides whether a node suits a pod, for the scheduler and the DaemonSet controller.

Sources: k8s.io/component-helpers ``scheduling/corev1/{helpers,nodeaffinity/nodeaffinity}.go``.
"""

from collections.abc import Iterable

from kube_embedded.rbac.selectors import holds

from ..objects import labels_of, name_of
from ..request import Object

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
UNSCHEDULABLE: Object = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
"""The taint of a node that was cordoned."""
STABLE_LABELS = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}
"""Labels of nodes that have another name today."""


def node_suits(spec: Object, node: Object) -> bool:
    """Return whether a node meets a pod's ``nodeSelector`` and required node affinity."""
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED)
    if required is None:
        return True
    fields = {"metadata.name": name_of(node)}
    for term in required.get("nodeSelectorTerms") or ():
        expressions = term.get("matchExpressions") or ()
        named = term.get("matchFields") or ()
        # An empty term matches no nodes; terms are alternatives, and all requirements of a term must match.
        if (
            (expressions or named)
            and all(holds(labels, item) for item in expressions)
            and all(holds(fields, item) for item in named)
        ):
            return True
    return False


def tolerated(tolerations: Iterable[Object], taint: Object) -> bool:
    """Return whether one of a pod's tolerations meets a node's taint."""
    for item in tolerations:
        if item.get("effect") and item["effect"] != taint.get("effect"):
            continue
        # Without a key all keys are tolerated, but only with ``Exists``.
        if not item.get("key") and item.get("operator") == "Exists":
            return True
        if item.get("key") == taint.get("key") and (
            item.get("operator") == "Exists"
            or (item.get("value") or "") == (taint.get("value") or "")
        ):
            return True
    return False
