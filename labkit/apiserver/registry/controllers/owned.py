"""What controllers of workloads have in common: who controls what, and which pods count.

Source: k8s.io/kubernetes ``pkg/controller/controller_utils.go``, ``pkg/api/v1/pod``.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from labkit.apiserver.registry.kinds import Kind
from labkit.apiserver.request import Object

CreatePod = Callable[[str, Object], Object]
"""(controller, pod) to the stored pod: creates it as that controller, past all admission."""


def controller_of(obj: Object | None) -> Object | None:
    """The reference to the object that controls this one."""
    for owner in (obj or {}).get("metadata", {}).get("ownerReferences") or ():
        if owner.get("controller"):
            found: Object = owner
            return found
    return None


def controls(owner: Object, obj: Object) -> bool:
    """Whether an object is controlled by another."""
    reference = controller_of(obj)
    return reference is not None and reference.get("uid") == owner["metadata"]["uid"]


def reference_to(kind: Kind, obj: Object) -> Object:
    """The reference by which an object controls others."""
    return {
        "apiVersion": kind.group_version,
        "kind": kind.kind,
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_active(pod: Object) -> bool:
    """Whether a pod counts: it has not ended and is not about to."""
    return pod["status"].get("phase") not in ("Succeeded", "Failed") and not pod["metadata"].get("deletionTimestamp")


def ready_since(pod: Object) -> str | None:
    """Since when a pod is ready, None if it is not."""
    for condition in pod["status"].get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("status") == "True":
            return str(condition.get("lastTransitionTime") or "")
    return None


def is_available(pod: Object, seconds: int, now: float) -> bool:
    """Whether a pod has been ready for so many seconds."""
    since = ready_since(pod)
    if since is None or not seconds:
        return since is not None
    if not since:
        return False
    return datetime.datetime.fromisoformat(since.replace("Z", "+00:00")).timestamp() + seconds <= now


def pod_from(template: Object, kind: Kind, owner: Object) -> Object:
    """A pod as a workload's template has it."""
    metadata = template.get("metadata") or {}
    made: dict[str, Any] = {
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": [reference_to(kind, owner)],
    }
    for name in ("labels", "annotations", "finalizers"):
        if metadata.get(name):
            made[name] = metadata[name]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]}
