"""The cells that are more than a field: one function for each kind that has such."""

from dataclasses import replace

from kube_embedded.machinery.pods.state import parse_time
from kube_embedded.machinery.request import Object

from .model import Cells, Printer, printer
from .text import NONE, UNKNOWN, UNSET, access_modes, duration, selector, shortened, since

ADMISSION = "admissionregistration.k8s.io"


def _with_group(name: str, group: str | None) -> str:
    return f"{name}.{group}" if group else name


def _conditions(obj: Object) -> list[Object]:
    return (obj.get("status") or {}).get("conditions") or []


def _ingress_addresses(obj: Object) -> list[str]:
    """The addresses of a service's or an ingress' load balancer."""
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    points = balancer.get("ingress") or ()
    return list(filter(None, (point.get("ip") or point.get("hostname") for point in points)))


def _phase(obj: Object) -> str:
    # The real server stores no phase for an end that has begun.
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str((obj.get("status") or {}).get("phase") or "")


def _storage_class(obj: Object) -> str:
    # Before 1.6 an annotation held it, which still counts.
    old = (obj["metadata"].get("annotations") or {}).get("volume.beta.kubernetes.io/storage-class")
    return str(old if old is not None else (obj.get("spec") or {}).get("storageClassName") or "")


@printer("configmaps")
def _config_map(obj: Object, now: float) -> Cells:
    return [len(obj.get("data") or ()) + len(obj.get("binaryData") or ())]


@printer("services")
def _service(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    external = ",".join(spec.get("externalIPs") or ()) or NONE
    if spec.get("type") == "ExternalName":
        external = str(spec.get("externalName") or "")
    elif spec.get("type") == "LoadBalancer":
        addresses = _ingress_addresses(obj) + list(spec.get("externalIPs") or ())
        external = ",".join(addresses) or "<pending>"
    ports = []
    for port in spec.get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        ports.append(f"{port.get('port', 0)}{node}/{port.get('protocol', 'TCP')}")
    return [external, ",".join(ports) or NONE]


@printer("endpoints")
def _endpoints(obj: Object, now: float) -> Cells:
    texts: list[str] = []
    for subset in obj.get("subsets") or ():
        addresses = [address.get("ip", "") for address in subset.get("addresses") or ()]
        ports = [f":{port.get('port', 0)}" for port in subset.get("ports") or ()]
        for port in ports or [""]:
            texts += [address + port for address in addresses]
    return [shortened(texts) or NONE]


@printer("persistentvolumes")
def _persistent_volume(obj: Object, now: float) -> Cells:
    return [_phase(obj), _storage_class(obj)]


@printer("persistentvolumeclaims")
def _persistent_volume_claim(obj: Object, now: float) -> Cells:
    status = obj.get("status") or {}
    capacity = modes = ""
    # The requested capacity is not shown, only the capacity of the bound volume.
    if (obj.get("spec") or {}).get("volumeName"):
        capacity = (status.get("capacity") or {}).get("storage") or "0"
        modes = access_modes(status.get("accessModes"))
    return [_phase(obj), capacity, modes, _storage_class(obj)]


@printer("nodes")
def _node(obj: Object, now: float) -> Cells:
    states = [
        "Ready" if condition.get("status") == "True" else "NotReady"
        for condition in _conditions(obj)
        if condition.get("type") == "Ready"
    ] or ["Unknown"]
    if (obj.get("spec") or {}).get("unschedulable"):
        states.append("SchedulingDisabled")
    roles = set()
    for label, value in (obj["metadata"].get("labels") or {}).items():
        prefix, _, role = label.partition("node-role.kubernetes.io/")
        if not prefix and role:
            roles.add(role)
        elif label == "kubernetes.io/role" and value:
            roles.add(value)
    return [",".join(states), ",".join(sorted(roles)) or NONE]


@printer("events")
def _event(obj: Object, now: float) -> Cells:
    involved = obj.get("involvedObject") or {}
    source = obj.get("source") or {}
    # Events of the newer API have one time, and a series instead of a count.
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
    message = (obj.get("message") or "").strip()
    return [last, target, f"{component}, {host}" if host else component, message, first, count]


@printer("resourcequotas")
def _quota(obj: Object, now: float) -> Cells:
    status = obj.get("status") or {}
    used = status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource, bound in sorted((status.get("hard") or {}).items()):
        column = limits if resource.startswith("limits") else requests
        column.append(f"{resource}: {used.get(resource, '0')}/{bound}")
    return [", ".join(requests), ", ".join(limits)]


@printer("controllerrevisions.apps")
def _controller_revision(obj: Object, now: float) -> Cells:
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            group = owner.get("apiVersion", "").rpartition("/")[0]
            return [f"{_with_group(owner.get('kind', '').lower(), group)}/{owner.get('name', '')}"]
    return [NONE]


@printer("endpointslices.discovery.k8s.io")
def _endpoint_slice(obj: Object, now: float) -> Cells:
    # A port without a number means all ports.
    return [shortened([str(port.get("port", "*")) for port in obj.get("ports") or ()]) or UNSET]


@printer("ingresses.networking.k8s.io")
def _ingress(obj: Object, now: float) -> Cells:
    ports = "80, 443" if (obj.get("spec") or {}).get("tls") else "80"
    return [",".join(_ingress_addresses(obj)), ports]


@printer("ingressclasses.networking.k8s.io")
def _ingress_class(obj: Object, now: float) -> Cells:
    target = (obj.get("spec") or {}).get("parameters")
    if not target:
        return [NONE]
    return [
        f"{_with_group(target.get('kind', ''), target.get('apiGroup'))}/{target.get('name', '')}"
    ]


def _class(resource: str, kind: str) -> Printer:
    """The printer of a kind of class (in lower case), whose names have a mark on the default one."""
    default = f"{kind}.kubernetes.io/is-default-class"

    def name(obj: Object, now: float) -> Cells:
        marked = (obj["metadata"].get("annotations") or {}).get(default) == "true"
        return [obj["metadata"]["name"] + " (default)" * marked]

    return Printer(resource, name)


_storage_classes = _class("storageclasses.storage.k8s.io", "storageclass")
_attributes_classes = _class("volumeattributesclasses.storage.k8s.io", "volumeattributesclass")


@printer("apiservices.apiregistration.k8s.io")
def _api_service(obj: Object, now: float) -> Cells:
    for condition in _conditions(obj):
        if condition.get("type") == "Available":
            state = condition.get("status", "")
            reason = condition.get("reason")
            return [f"{state} ({reason})" if reason and state != "True" else state]
    return ["Unknown"]


def _precedence(obj: Object) -> tuple[int, str]:
    return (obj.get("spec") or {}).get("matchingPrecedence", 0), obj["metadata"].get("name", "")


# The order in which the server tries them.
_flow_schemas = Printer("flowschemas.flowcontrol.apiserver.k8s.io", order=_precedence)


@printer(f"mutatingadmissionpolicybindings.{ADMISSION}")
def _policy_binding(obj: Object, now: float) -> Cells:
    param = (obj.get("spec") or {}).get("paramRef") or {}
    if param.get("name"):
        return [f"{param.get('namespace') or '*'}/{param['name']}"]
    return [selector(param["selector"]) if "selector" in param else UNSET]


_validating = replace(_policy_binding, resource=f"validatingadmissionpolicybindings.{ADMISSION}")


@printer("certificatesigningrequests.certificates.k8s.io")
def _signing_request(obj: Object, now: float) -> Cells:
    types = {condition.get("type") for condition in _conditions(obj)}
    states = [state for state in ("Denied", "Approved") if state in types][:1] or ["Pending"]
    if "Failed" in types:
        states.append("Failed")
    if (obj.get("status") or {}).get("certificate"):
        states.append("Issued")
    return [",".join(states)]


@printer("ipaddresses.networking.k8s.io")
def _address(obj: Object, now: float) -> Cells:
    parent = (obj.get("spec") or {}).get("parentRef")
    # The real server has no column for the age either.
    age = since(obj["metadata"].get("creationTimestamp"), now)
    if not parent:
        return [NONE, age]
    resource = _with_group(parent.get("resource", ""), parent.get("group")).lower()
    path = filter(None, (resource, parent.get("namespace"), parent.get("name")))
    return ["/".join(path), age]


@printer("deployments.apps")
def _deployment(obj: Object, now: float) -> Cells:
    ready = (obj.get("status") or {}).get("readyReplicas", 0)
    return [f"{ready}/{(obj.get('spec') or {}).get('replicas', 0)}"]


_stateful_sets = replace(_deployment, resource="statefulsets.apps")


@printer("horizontalpodautoscalers.autoscaling")
def _autoscaler(obj: Object, now: float) -> Cells:
    # This server has no metrics to compare with.
    return [UNKNOWN if (obj.get("spec") or {}).get("metrics") else NONE]


@printer("jobs.batch")
def _job(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    status = obj.get("status") or {}
    true = {
        condition.get("type") for condition in _conditions(obj) if condition.get("status") == "True"
    }
    if obj["metadata"].get("deletionTimestamp"):
        true.add("Terminating")
    order = (
        "Complete",
        "Failed",
        "Terminating",
        "Suspended",
        "FailureTarget",
        "SuccessCriteriaMet",
    )
    state = next((state for state in order if state in true), "Running")
    parallel = spec.get("parallelism") or 0
    completions = f"{status.get('succeeded', 0)}/{spec.get('completions') or 1}"
    if spec.get("completions") is None and parallel > 1:
        completions += f" of {parallel}"
    took = ""
    if status.get("startTime"):
        end = parse_time(status["completionTime"]) if status.get("completionTime") else now
        took = duration(end - parse_time(status["startTime"]))
    return [state, completions, took]
