"""The status of one container, as the kubelet writes it.

Source: k8s.io/kubernetes ``pkg/kubelet/kubelet_pods.go``.
"""

import hashlib

from ...machinery.image_reference import parse_reference
from ...machinery.request import Object
from .container_slot import Slot


def slot_status(slot: Slot) -> Object:
    """The status of one container."""
    ran = bool(slot.id)
    status: Object = {
        "name": slot.name,
        "state": slot.state,
        "lastState": slot.last,
        "ready": slot.ready,
        "restartCount": slot.restarts,
    }
    reference = parse_reference(str(slot.spec.get("image") or ""))
    if ran and reference is not None:
        # No registry is asked: a digest of the name looks like one, and is always the same.
        digest = hashlib.sha256(reference.full.encode()).hexdigest()
        status |= {
            "image": reference.full,
            "imageID": f"{reference.registry}/{reference.repository}@sha256:{digest}",
            "containerID": slot.id,
        }
    else:
        status |= {"image": slot.spec.get("image") or "", "imageID": ""}
    if not slot.ephemeral:
        status["started"] = slot.running
    if ran:
        resources = slot.spec.get("resources") or {}
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
        status["resources"] = resources
    mounts = [
        {
            "name": mount["name"],
            "mountPath": mount["mountPath"],
            **(
                {"readOnly": True, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else {}
            ),
        }
        for mount in slot.spec.get("volumeMounts") or ()
    ]
    if mounts:
        status["volumeMounts"] = mounts
    return status
