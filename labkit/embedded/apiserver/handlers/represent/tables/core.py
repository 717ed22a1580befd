"""The core group's other kinds."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, NAME, Cells, Column, Printer, printer, wide
from labkit.embedded.apiserver.handlers.represent.tables.text import (
    NONE,
    UNKNOWN,
    UNSET,
    access_modes,
    ingress_addresses,
    labels,
    shortened,
    since,
    storage_class,
)
from labkit.embedded.machinery.request import Object

SHOWN_ENDPOINTS = 3


def _phase(obj: Object) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((obj.get("status") or {}).get("phase") or "")


@printer("namespaces", Column("Status", "Whether the namespace is in use or going."), AGE)
def _namespace(obj: Object, now: float) -> Cells:
    return [(obj.get("status") or {}).get("phase") or ""]


@printer("configmaps", Column("Data", "How many entries it has."), AGE)
def _config_map(obj: Object, now: float) -> Cells:
    size = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
    return [size]


@printer("secrets", Column("Type", "What the secret is for."), Column("Data", "How many entries it has."), AGE)
def secret(obj: Object, now: float) -> Cells:
    """A secret's row, without its data."""
    return [obj.get("type") or "", len(obj.get("data") or ())]


@printer("serviceaccounts", AGE)
def _service_account(obj: Object, now: float) -> Cells:
    return []


@printer("serviceaccounts, up to 1.34", Column("Secrets", "How many secrets the account may use."), AGE)
def service_account_of_old(obj: Object, now: float) -> Cells:
    """A service account's row up to 1.34, with the number of its secrets."""
    return [len(obj.get("secrets") or ())]


def _external_ip(obj: Object) -> str:
    spec = obj.get("spec") or {}
    given = list(spec.get("externalIPs") or ())
    kind = spec.get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName") or "")
    if kind == "LoadBalancer":
        return ",".join(ingress_addresses(obj) + given) or "<pending>"
    return ",".join(given) or NONE


def _ports(obj: Object) -> str:
    written = []
    for port in (obj.get("spec") or {}).get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        written.append(f"{port.get('port', 0)}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(written) or NONE


@printer(
    "services",
    Column("Type", "How the service is reached: inside the cluster, from its nodes, or from outside."),
    Column("Cluster-IP", "The service's address inside the cluster."),
    Column("External-IP", "Its addresses outside the cluster."),
    Column("Port(s)", "Its ports, with the nodes' ports behind a colon."),
    AGE,
    wide("Selector", "Labels of the pods behind the service."),
)
def _service(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [
        spec.get("type") or "",
        addresses[0] or NONE,
        _external_ip(obj),
        _ports(obj),
        labels(spec.get("selector")),
    ]


def _addresses(obj: Object) -> str:
    written = []
    for subset in obj.get("subsets") or ():
        addresses = [each.get("ip", "") for each in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            written += addresses
        for port in ports:
            written += [f"{address}:{port.get('port', 0)}" for address in addresses]
    return shortened(written, SHOWN_ENDPOINTS) or NONE


@printer("endpoints", Column("Endpoints", "Addresses and ports behind a service."), AGE)
def _endpoints(obj: Object, now: float) -> Cells:
    return [_addresses(obj)]


@printer(
    "persistentvolumes",
    Column("Capacity", "How much the volume holds."),
    Column("Access Modes", "How it can be mounted."),
    Column("Reclaim Policy", "What becomes of it when its claim has gone."),
    Column("Status", "Whether it is available, bound, released or failed."),
    Column("Claim", "The claim it is bound to."),
    Column("StorageClass", "The class it belongs to."),
    Column("VolumeAttributesClass", "The class of its attributes."),
    Column("Reason", "Why it is in this state."),
    AGE,
    wide("VolumeMode", "Whether it is a file system or a bare device."),
)
def _persistent_volume(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    claim = spec.get("claimRef")
    return [
        (spec.get("capacity") or {}).get("storage") or "0",
        access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy") or "",
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        storage_class(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason") or "",
        spec.get("volumeMode") or UNSET,
    ]


@printer(
    "persistentvolumeclaims",
    Column("Status", "Whether the claim is pending, bound or lost."),
    Column("Volume", "The volume it is bound to."),
    Column("Capacity", "How much that volume holds."),
    Column("Access Modes", "How that volume can be mounted."),
    Column("StorageClass", "The class of volume it asks for."),
    Column("VolumeAttributesClass", "The class of attributes it asks for."),
    AGE,
    wide("VolumeMode", "Whether it asks for a file system or a bare device."),
)
def _persistent_volume_claim(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    bound = bool(spec.get("volumeName"))
    return [
        _phase(obj),
        spec.get("volumeName") or "",
        ((status.get("capacity") or {}).get("storage") or "0") if bound else "",
        access_modes(status.get("accessModes")) if bound else "",
        storage_class(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        spec.get("volumeMode") or UNSET,
    ]


def _node_status(obj: Object) -> str:
    words = []
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready":
            words.append("Ready" if condition.get("status") == "True" else "NotReady")
    words = words or ["Unknown"]
    if (obj.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(obj: Object) -> str:
    roles = set()
    for label, value in (obj["metadata"].get("labels") or {}).items():
        prefix, _, role = label.partition("node-role.kubernetes.io/")
        if not prefix and role:
            roles.add(role)
        elif label == "kubernetes.io/role" and value:
            roles.add(value)
    return ",".join(sorted(roles)) or NONE


@printer(
    "nodes",
    Column("Status", "Whether the node is ready and takes pods."),
    Column("Roles", "What the node is for."),
    AGE,
    Column("Version", "Version of its kubelet."),
    wide("Internal-IP", "Its address inside the cluster."),
    wide("External-IP", "Its address outside."),
    wide("OS-Image", "Its operating system."),
    wide("Kernel-Version", "Its kernel."),
    wide("Container-Runtime", "What runs its containers."),
)
def _node(obj: Object, now: float) -> Cells:
    status = obj.get("status") or {}
    info = status.get("nodeInfo") or {}
    addresses: dict[str, str] = {}
    for each in status.get("addresses") or ():
        addresses.setdefault(each.get("type", ""), each.get("address", ""))
    return [
        _node_status(obj),
        _node_roles(obj),
        info.get("kubeletVersion") or "",
        addresses.get("InternalIP") or NONE,
        addresses.get("ExternalIP") or NONE,
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _event(obj: Object, now: float) -> Cells:
    involved, source = obj.get("involvedObject") or obj.get("regarding") or {}, obj.get("source") or {}
    first = since(obj.get("firstTimestamp") or obj.get("eventTime"), now)
    last = since(obj["lastTimestamp"], now) if obj.get("lastTimestamp") else first
    count = obj.get("count") or 1
    if obj.get("series"):
        last = since(obj["series"].get("lastObservedTime"), now)
        count = obj["series"].get("count", 0)
    target = involved.get("kind", "").lower()
    if involved.get("name"):
        target += f"/{involved['name']}"
    component = source.get("component") or obj.get("reportingComponent") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    return [
        last,
        obj.get("type") or "",
        obj.get("reason") or "",
        target,
        involved.get("fieldPath") or "",
        f"{component}, {host}" if host else component,
        (obj.get("message") or obj.get("note") or "").strip(),
        first,
        count,
        obj["metadata"]["name"],
    ]


EVENTS = Printer(
    "events",
    (
        Column("Last Seen", "How long ago it happened last."),
        Column("Type", "Normal or Warning."),
        Column("Reason", "Why it happened, in a word."),
        Column("Object", "What it is about."),
        wide("Subobject", "The part of the object it is about."),
        wide("Source", "Who reports it."),
        Column("Message", "What happened."),
        wide("First Seen", "How long ago it happened first."),
        wide("Count", "How often it happened."),
        Column("Name", NAME.description, format="name", priority=1),
    ),
    _event,
)
