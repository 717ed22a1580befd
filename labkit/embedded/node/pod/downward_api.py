"""The downward API: fields of a pod and resources of its containers, as variables or files.

Source: k8s.io/kubernetes ``pkg/fieldpath``, ``pkg/api/v1/resource/helpers.go``.
"""

from __future__ import annotations

import re

from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import amount

SEEN = "kubernetes.io/config.seen"
SOURCE = "kubernetes.io/config.source"
"""The annotations that a kubelet adds: when and from where it got the pod."""


def field_value(pod: Object, path: str) -> str | None:
    """The value of a field such as ``metadata.labels['app']``, or None if there is none."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    match = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if match is not None:
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = metadata.get(path.partition(".")[2]) or {}
        if path == "metadata.annotations":
            pairs = {**pairs, SEEN: str(metadata.get("creationTimestamp") or ""), SOURCE: "api"}
        return "\n".join(f"{key}={go_quote(value)}" for key, value in sorted(pairs.items()))
    values = {
        "metadata.name": metadata.get("name"),
        "metadata.namespace": metadata.get("namespace"),
        "metadata.uid": metadata.get("uid"),
        "spec.nodeName": spec.get("nodeName"),
        "spec.serviceAccountName": spec.get("serviceAccountName"),
        "status.podIP": status.get("podIP"),
        "status.podIPs": status.get("podIP"),
        "status.hostIP": status.get("hostIP"),
        "status.hostIPs": status.get("hostIP"),
    }
    found = values.get(path)
    return str(found) if found is not None else None


def resource_value(pod: Object, container: Object, reference: Object, node: Object | None) -> str:
    """The value of a ``resourceFieldRef``, in whole units of its divisor, rounded up.

    The allocatable resources of the node stand for missing limits.
    """
    named = reference.get("containerName")
    for one in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
        if named and one["name"] == named:
            container = one
    kind, _, name = str(reference.get("resource") or "").partition(".")
    found = ((container.get("resources") or {}).get(kind) or {}).get(name)
    if found is None and kind == "limits" and node is not None:
        found = ((node.get("status") or {}).get("allocatable") or {}).get(name)
    divisor = amount(reference.get("divisor") or "1") or amount("1")
    return str(-(-amount(found or "0") // divisor))
