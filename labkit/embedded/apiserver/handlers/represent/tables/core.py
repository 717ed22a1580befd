"""The core group's other kinds."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables import text
from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, printer
from labkit.embedded.machinery.request import Object

SHOWN_ENDPOINTS = 3


def _phase(obj: Object) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((obj.get("status") or {}).get("phase") or "")


@printer("configmaps")
def _config_map(obj: Object, now: float) -> Cells:
    return [len(obj.get("data") or ()) + len(obj.get("binaryData") or ())]


def _external_ip(obj: Object) -> str:
    spec = obj.get("spec") or {}
    given = list(spec.get("externalIPs") or ())
    kind = spec.get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName") or "")
    if kind == "LoadBalancer":
        return ",".join(text.ingress_addresses(obj) + given) or "<pending>"
    return ",".join(given) or text.NONE


def _ports(obj: Object) -> str:
    written = []
    for port in (obj.get("spec") or {}).get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        written.append(f"{port.get('port', 0)}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(written) or text.NONE


@printer("services")
def _service(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [addresses[0] or text.NONE, _external_ip(obj), _ports(obj)]


def _addresses(obj: Object) -> str:
    written = []
    for subset in obj.get("subsets") or ():
        addresses = [each.get("ip", "") for each in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            written += addresses
        for port in ports:
            written += [f"{address}:{port.get('port', 0)}" for address in addresses]
    return text.shortened(written, SHOWN_ENDPOINTS) or text.NONE


@printer("endpoints")
def _endpoints(obj: Object, now: float) -> Cells:
    return [_addresses(obj)]


@printer("persistentvolumes")
def _persistent_volume(obj: Object, now: float) -> Cells:
    claim = (obj.get("spec") or {}).get("claimRef")
    bound_to = f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""
    return [_phase(obj), bound_to, text.storage_class(obj)]


@printer("persistentvolumeclaims")
def _persistent_volume_claim(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    bound = bool(spec.get("volumeName"))
    return [
        _phase(obj),
        ((status.get("capacity") or {}).get("storage") or "0") if bound else "",
        text.access_modes(status.get("accessModes")) if bound else "",
        text.storage_class(obj),
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
    return ",".join(sorted(roles)) or text.NONE


@printer("nodes")
def _node(obj: Object, now: float) -> Cells:
    addresses: dict[str, str] = {}
    for each in (obj.get("status") or {}).get("addresses") or ():
        addresses.setdefault(each.get("type", ""), each.get("address", ""))
    return [
        _node_status(obj),
        _node_roles(obj),
        addresses.get("InternalIP") or text.NONE,
        addresses.get("ExternalIP") or text.NONE,
    ]


@printer("events")
def _event(obj: Object, now: float) -> Cells:
    involved, source = (
        obj.get("involvedObject") or obj.get("regarding") or {},
        obj.get("source") or {},
    )
    first = text.since(obj.get("firstTimestamp") or obj.get("eventTime"), now)
    last = text.since(obj["lastTimestamp"], now) if obj.get("lastTimestamp") else first
    count = obj.get("count") or 1
    if obj.get("series"):
        last = text.since(obj["series"].get("lastObservedTime"), now)
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
