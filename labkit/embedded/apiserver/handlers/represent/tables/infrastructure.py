"""Kinds about what lies below: certificates, storage drivers, runtimes, service addresses."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, NAME, Cells, Column, Printer, number
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, UNSET, age, duration
from labkit.embedded.machinery.request import Object


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def signing_request(obj: Object, now: float) -> Cells:
    """A certificate signing request's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    types = {condition.get("type") for condition in status.get("conditions") or ()}
    words = ["Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"]
    if "Failed" in types:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    seconds = spec.get("expirationSeconds")
    return [
        _name(obj),
        age(obj, now),
        spec.get("signerName") or NONE,
        spec.get("username") or "",
        duration(seconds) if seconds is not None else NONE,
        ",".join(words),
    ]


def runtime_class(obj: Object, now: float) -> Cells:
    """A runtime class's row."""
    return [_name(obj), obj.get("handler") or "", age(obj, now)]


def driver(obj: Object, now: float) -> Cells:
    """A CSI driver's row."""
    spec = obj.get("spec") or {}
    tokens = spec.get("tokenRequests")
    audiences = UNSET if tokens is None else ",".join(each.get("audience", "") for each in tokens)
    return [
        _name(obj),
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        audiences,
        spec.get("requiresRepublish", False),
        ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
        age(obj, now),
    ]


def driver_node(obj: Object, now: float) -> Cells:
    """A CSI node's row."""
    return [_name(obj), len((obj.get("spec") or {}).get("drivers") or ()), age(obj, now)]


def attachment(obj: Object, now: float) -> Cells:
    """A volume attachment's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    volume = (spec.get("source") or {}).get("persistentVolumeName") or ""
    attached = status.get("attached", False)
    return [_name(obj), spec.get("attacher") or "", volume, spec.get("nodeName") or "", attached, age(obj, now)]


def attributes_class(obj: Object, now: float) -> Cells:
    """A volume attributes class's row; the default one is marked."""
    notes = obj["metadata"].get("annotations") or {}
    default = notes.get("volumeattributesclass.kubernetes.io/is-default-class") == "true"
    return [_name(obj) + (" (default)" if default else ""), obj.get("driverName") or "", age(obj, now)]


def address(obj: Object, now: float) -> Cells:
    """An IP address's row: whose it is, and its age, for which the real server has no column."""
    parent = (obj.get("spec") or {}).get("parentRef")
    if not parent:
        return [_name(obj), NONE, age(obj, now)]
    group = f".{parent['group']}" if parent.get("group") else ""
    parts = [f"{parent.get('resource', '')}{group}".lower(), parent.get("namespace"), parent.get("name")]
    return [_name(obj), "/".join(part for part in parts if part), age(obj, now)]


def address_range(obj: Object, now: float) -> Cells:
    """A service CIDR's row."""
    return [_name(obj), ",".join((obj.get("spec") or {}).get("cidrs") or ()), age(obj, now)]


SIGNING_REQUESTS = Printer(
    (
        NAME,
        AGE,
        Column("SignerName", "Who is to sign."),
        Column("Requestor", "Who asked."),
        Column("RequestedDuration", "For how long the certificate is asked."),
        Column("Condition", "What has become of it."),
    ),
    signing_request,
)
RUNTIME_CLASSES = Printer((NAME, Column("Handler", "What the runtime is called on the node."), AGE), runtime_class)
DRIVERS = Printer(
    (
        NAME,
        Column("AttachRequired", "Whether volumes are attached before they are mounted.", "boolean"),
        Column("PodInfoOnMount", "Whether the driver is told of the pod.", "boolean"),
        Column("StorageCapacity", "Whether the driver tells how much storage it has.", "boolean"),
        Column("TokenRequests", "For whom the driver gets tokens of the pod's account."),
        Column("RequiresRepublish", "Whether volumes are published again and again.", "boolean"),
        Column("Modes", "What volumes it has."),
        AGE,
    ),
    driver,
)
DRIVER_NODES = Printer((NAME, number("Drivers", "How many drivers the node has."), AGE), driver_node)
ATTACHMENTS = Printer(
    (
        NAME,
        Column("Attacher", "The driver that attaches.", format="name"),
        Column("PV", "The volume."),
        Column("Node", "The node it is attached to."),
        Column("Attached", "Whether it is attached.", "boolean"),
        AGE,
    ),
    attachment,
)
ATTRIBUTES_CLASSES = Printer((NAME, Column("DriverName", "Whose attributes they are."), AGE), attributes_class)
ADDRESSES = Printer((NAME, Column("ParentRef", "Whose address it is.")), address)
RANGES = Printer((NAME, Column("CIDRs", "The addresses of the range."), AGE), address_range)
