"""Certificates, storage drivers, runtimes, service addresses."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, Cells, Column, name_of_class, number, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, UNSET, age, duration
from labkit.embedded.machinery.request import Object


@printer(
    "certificatesigningrequests.certificates.k8s.io",
    AGE,
    Column("SignerName", "Who is to sign."),
    Column("Requestor", "Who asked."),
    Column("RequestedDuration", "For how long the certificate is asked."),
    Column("Condition", "What has become of it."),
)
def _signing_request(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    types = {condition.get("type") for condition in status.get("conditions") or ()}
    words = ["Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"]
    if "Failed" in types:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    seconds = spec.get("expirationSeconds")
    return [
        spec.get("signerName") or NONE,
        spec.get("username") or "",
        duration(seconds) if seconds is not None else NONE,
        ",".join(words),
    ]


@printer("runtimeclasses.node.k8s.io", Column("Handler", "What the runtime is called on the node."), AGE)
def _runtime_class(obj: Object, now: float) -> Cells:
    return [obj.get("handler") or ""]


@printer(
    "csidrivers.storage.k8s.io",
    Column("AttachRequired", "Whether volumes are attached before they are mounted.", "boolean"),
    Column("PodInfoOnMount", "Whether the driver is told of the pod.", "boolean"),
    Column("StorageCapacity", "Whether the driver tells how much storage it has.", "boolean"),
    Column("TokenRequests", "For whom the driver gets tokens of the pod's account."),
    Column("RequiresRepublish", "Whether volumes are published again and again.", "boolean"),
    Column("Modes", "What volumes it has."),
    AGE,
)
def _driver(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    tokens = spec.get("tokenRequests")
    audiences = UNSET if tokens is None else ",".join(each.get("audience", "") for each in tokens)
    return [
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        audiences,
        spec.get("requiresRepublish", False),
        ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
    ]


@printer("csinodes.storage.k8s.io", number("Drivers", "How many drivers the node has."), AGE)
def _driver_node(obj: Object, now: float) -> Cells:
    return [len((obj.get("spec") or {}).get("drivers") or ())]


@printer(
    "volumeattachments.storage.k8s.io",
    Column("Attacher", "The driver that attaches.", format="name"),
    Column("PV", "The volume."),
    Column("Node", "The node it is attached to."),
    Column("Attached", "Whether it is attached.", "boolean"),
    AGE,
)
def _attachment(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    volume = (spec.get("source") or {}).get("persistentVolumeName") or ""
    attached = status.get("attached", False)
    return [spec.get("attacher") or "", volume, spec.get("nodeName") or "", attached]


@printer(
    "volumeattributesclasses.storage.k8s.io",
    Column("DriverName", "Whose attributes they are."),
    AGE,
    name=name_of_class("volumeattributesclass"),
)
def _attributes_class(obj: Object, now: float) -> Cells:
    return [obj.get("driverName") or ""]


@printer("ipaddresses.networking.k8s.io", Column("ParentRef", "Whose address it is."))
def address(obj: Object, now: float) -> Cells:
    """An IP address's row: its parent, and its age, for which the real server has no column."""
    parent = (obj.get("spec") or {}).get("parentRef")
    if not parent:
        return [NONE, age(obj, now)]
    group = f".{parent['group']}" if parent.get("group") else ""
    parts = [f"{parent.get('resource', '')}{group}".lower(), parent.get("namespace"), parent.get("name")]
    return ["/".join(part for part in parts if part), age(obj, now)]


@printer("servicecidrs.networking.k8s.io", Column("CIDRs", "The addresses of the range."), AGE)
def _address_range(obj: Object, now: float) -> Cells:
    return [",".join((obj.get("spec") or {}).get("cidrs") or ())]
