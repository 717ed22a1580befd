"""``{workload}/scale``: how many pods are wanted, in a form shared by all that can be scaled.

Source: kubernetes ``pkg/registry/apps/deployment/storage``, and likewise for the others.
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, labels, selector
from labkit.embedded.machinery.request import Object

FIELDS = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(obj: Object) -> Object:
    """The scale of a deployment, replica set, stateful set or replication controller."""
    metadata = {name: obj["metadata"][name] for name in FIELDS if name in obj["metadata"]}
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    wanted = spec.get("replicas", 0)
    chosen = spec.get("selector")
    text = labels(chosen) if obj.get("kind") == "ReplicationController" else selector(chosen)
    scale_status: Object = {"replicas": status.get("replicas", 0)}
    if text != NONE:
        scale_status["selector"] = text
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": wanted} if wanted else {},
        "status": scale_status,
    }
