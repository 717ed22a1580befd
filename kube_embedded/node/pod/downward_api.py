"""The downward API: fields of a pod and resources of its containers, as variables or files.

Source: k8s.io/kubernetes ``pkg/fieldpath``, ``pkg/api/v1/resource/helpers.go``.
"""

import re

from ...machinery.golang.quote import go_quote
from ...machinery.request import Object
from ...machinery.schema.values import amount
from ..api import ClusterApi

SEEN = "kubernetes.io/config.seen"
SOURCE = "kubernetes.io/config.source"
"""The annotations that a kubelet adds: when and from where it got the pod."""


def field_value(pod: Object, path: str) -> str | None:
    """The value of a field such as ``metadata.labels['app']``, or None if there is none."""
    metadata = pod["metadata"]
    spec = pod["spec"]
    status = pod["status"]
    match = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if match is not None:
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = metadata.get(path.partition(".")[2]) or {}
        # The kubelet adds two annotations to the pod that it got from the API server.
        if path == "metadata.annotations":
            pairs = {**pairs, SEEN: str(metadata.get("creationTimestamp") or ""), SOURCE: "api"}
        return "\n".join(f"{key}={go_quote(value)}" for key, value in sorted(pairs.items()))
    address = status.get("podIP")
    host = status.get("hostIP")
    values = {
        "metadata.name": metadata.get("name"),
        "metadata.namespace": metadata.get("namespace"),
        "metadata.uid": metadata.get("uid"),
        "spec.nodeName": spec.get("nodeName"),
        "spec.serviceAccountName": spec.get("serviceAccountName"),
        "status.podIP": address,
        "status.podIPs": address,  # one of each: the cluster has IPv4 alone
        "status.hostIP": host,
        "status.hostIPs": host,
    }
    value = values.get(path)
    return str(value) if value is not None else None


def source_value(api: ClusterApi, pod: Object, container: Object, source: Object) -> str | None:
    """Return the value of a ``fieldRef`` or a ``resourceFieldRef``, None for a field that has none."""
    if source.get("resourceFieldRef"):
        node = api.get("nodes", "", pod["spec"].get("nodeName") or "")
        return resource_value(pod, container, source["resourceFieldRef"], node)
    return field_value(pod, (source.get("fieldRef") or {}).get("fieldPath", ""))


def resource_value(pod: Object, container: Object, reference: Object, node: Object | None) -> str:
    """Return the value of a ``resourceFieldRef``, in whole units of its divisor, rounded up.

    Missing limits are replaced by the allocatable resources of the node.
    """
    for item in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
        if item["name"] == reference.get("containerName"):
            container = item
    kind, _, name = str(reference.get("resource") or "").partition(".")
    value = ((container.get("resources") or {}).get(kind) or {}).get(name)
    if value is None and kind == "limits" and node is not None:
        value = (node["status"].get("allocatable") or {}).get(name)
    divisor = amount(reference.get("divisor") or "1") or amount("1")
    return str(-(-amount(value or "0") // divisor))
