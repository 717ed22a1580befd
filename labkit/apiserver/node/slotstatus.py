"""The status of one container, as the kubelet writes it.

Source: k8s.io/kubernetes ``pkg/kubelet/kubelet_pods.go``.
"""

from __future__ import annotations

import hashlib

from labkit.apiserver.node.references import parse_reference
from labkit.apiserver.node.slot import Slot
from labkit.apiserver.request import Object


def slot_status(slot: Slot, init: list[Slot], *, mounted: bool) -> Object:
    """The status of one container.

    Args:
        slot: The container.
        init: The pod's init containers.
        mounted: Whether the pod's volumes are there.
    """
    ran = bool(slot.id)
    waiting = not mounted or (slot.init is False and any(_undone(one) for one in init))
    state = slot.state
    if waiting and not ran and init:
        state = {"waiting": {"reason": "PodInitializing"}}
    running = slot.running
    status: Object = {
        "name": slot.name,
        "state": state,
        "lastState": slot.last,
        "ready": running or (slot.init and slot.ended is not None and not slot.ended["exitCode"]),
        "restartCount": slot.restarts,
    }
    reference = parse_reference(str(slot.spec.get("image") or ""))
    if ran and reference is not None:
        digest = hashlib.sha256(reference.full.encode()).hexdigest()
        status |= {
            "image": reference.full,
            "imageID": f"{reference.registry}/{reference.repository}@sha256:{digest}",
            "containerID": slot.id,
        }
    else:
        status |= {"image": slot.spec.get("image") or "", "imageID": ""}
    status["started"] = running and (not slot.init or slot.spec.get("restartPolicy") == "Always")
    if ran:
        resources = slot.spec.get("resources") or {}
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
        status["resources"] = resources
    mounts = [
        {
            "name": mount["name"],
            "mountPath": mount["mountPath"],
            **({"readOnly": True, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else {}),
        }
        for mount in slot.spec.get("volumeMounts") or ()
    ]
    if mounts:
        status["volumeMounts"] = mounts
    return status


def _undone(slot: Slot) -> bool:
    if slot.spec.get("restartPolicy") == "Always" and slot.running:
        return False
    return slot.ended is None or bool(slot.ended["exitCode"])
