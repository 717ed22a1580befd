"""The API objects that mirror pods may not refer to.

A node creates mirror pods for its static pods. References to API objects would let it read those objects.

Source: k8s.io/kubernetes ``pkg/api/pod/util.go``.
"""

from __future__ import annotations

from labkit.embedded.machinery.node_users import references
from labkit.embedded.machinery.request import Object

MIRROR = "kubernetes.io/config.mirror"
VOLUMES = {
    "configMap": "configmaps (via configmap volumes)",
    "secret": "secrets (via secret volumes)",
    "csi": "csidrivers (via CSI volumes)",
    "glusterfs": "endpoints (via glusterFS volumes)",
    "persistentVolumeClaim": "persistentvolumeclaims",
    "ephemeral": "persistentvolumeclaims (via ephemeral volumes)",
    "azureFile": "secrets (via azureFile volumes)",
}
PROJECTIONS = {
    "configMap": "configmaps (via projected volumes)",
    "secret": "secrets (via projected volumes)",
    "serviceAccountToken": "serviceaccounts (via projected volumes)",
    "clusterTrustBundle": "clustertrustbundles",
    "podCertificate": "podcertificates",
}


def api_reference(spec: Object) -> str:
    """The first kind of API object that a pod refers to, empty for none."""
    if spec.get("serviceAccountName"):
        return "serviceaccounts"
    for resource in ("secrets", "configmaps"):
        if refers_to(spec, resource):
            return resource
    if spec.get("resourceClaims"):
        return "resourceclaims"
    for volume in spec.get("volumes") or ():
        for table, holders in ((VOLUMES, [volume]), (PROJECTIONS, projections(volume))):
            for holder in holders:
                for field, shown in table.items():
                    if holder.get(field) is not None:
                        return shown
    return ""


def refers_to(spec: Object, resource: str) -> bool:
    """Whether a pod names an object of a kind, anywhere in its spec."""
    pod = {"metadata": {"namespace": "", "name": ""}, "spec": spec}
    return any(named == resource for named, _, _ in references(pod))


def projections(volume: Object) -> list[Object]:
    """The sources of a projected volume, empty for other volumes."""
    return (volume.get("projected") or {}).get("sources") or []
