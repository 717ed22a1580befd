"""Kinds of the smaller groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, NAME, Cells, Column, Printer, number
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, UNKNOWN, UNSET, age, labels, selector
from labkit.embedded.machinery.request import Object

SHOWN = 3


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def quota(obj: Object, now: float) -> Cells:
    """A resource quota's row."""
    status = obj.get("status") or {}
    used, hard = status.get("used") or {}, status.get("hard") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource, bound in sorted(hard.items()):
        text = f"{resource}: {used.get(resource, '0')}/{bound}"
        (limits if resource.startswith("limits") else requests).append(text)
    return [_name(obj), ", ".join(requests), ", ".join(limits), age(obj, now)]


def pod_template(obj: Object, now: float) -> Cells:
    """A pod template's row."""
    template = obj.get("template") or {}
    given = (template.get("spec") or {}).get("containers") or ()
    names, images = [each.get("name", "") for each in given], [each.get("image", "") for each in given]
    return [
        _name(obj),
        ",".join(names),
        ",".join(images),
        labels((template.get("metadata") or {}).get("labels")),
    ]


def controller_revision(obj: Object, now: float) -> Cells:
    """A controller revision's row."""
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    written = NONE
    if owner is not None:
        group = owner.get("apiVersion", "").rpartition("/")[0]
        kind = owner.get("kind", "").lower() + (f".{group}" if group else "")
        written = f"{kind}/{owner.get('name', '')}"
    return [_name(obj), written, obj.get("revision", 0), age(obj, now)]


def _shortened(texts: Iterable[str]) -> str:
    given = list(texts)
    if not given:
        return UNSET
    more = len(given) - SHOWN
    return ",".join(given[:SHOWN]) + (f" + {more} more..." if more > 0 else "")


def endpoint_slice(obj: Object, now: float) -> Cells:
    """An endpoint slice's row."""
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    addresses = [address for each in obj.get("endpoints") or () for address in each.get("addresses") or ()]
    return [_name(obj), obj.get("addressType") or "", _shortened(ports), _shortened(addresses), age(obj, now)]


def ingress(obj: Object, now: float) -> Cells:
    """An ingress's row."""
    spec = obj.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    addresses = [each.get("ip") or each.get("hostname") or "" for each in balancer.get("ingress") or ()]
    return [
        _name(obj),
        spec.get("ingressClassName") or NONE,
        _shortened(hosts) if hosts else "*",
        ",".join(filter(None, addresses)),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def ingress_class(obj: Object, now: float) -> Cells:
    """An ingress class's row."""
    spec = obj.get("spec") or {}
    given: Mapping[str, Any] | None = spec.get("parameters")
    written = NONE
    if given:
        group = f".{given['apiGroup']}" if given.get("apiGroup") else ""
        written = f"{given.get('kind', '')}{group}/{given.get('name', '')}"
    return [_name(obj), spec.get("controller") or "", written, age(obj, now)]


def network_policy(obj: Object, now: float) -> Cells:
    """A network policy's row."""
    return [_name(obj), selector((obj.get("spec") or {}).get("podSelector")), age(obj, now)]


def priority_class(obj: Object, now: float) -> Cells:
    """A priority class's row."""
    default = bool(obj.get("globalDefault"))
    preemption = obj.get("preemptionPolicy") or "PreemptLowerPriority"
    return [_name(obj), obj.get("value", 0), default, age(obj, now), preemption]


def storage_class(obj: Object, now: float) -> Cells:
    """A storage class's row; the default one is marked."""
    annotations = obj["metadata"].get("annotations") or {}
    default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        _name(obj) + (" (default)" if default else ""),
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


def component_status(obj: Object, now: float) -> Cells:
    """A component's row."""
    for condition in obj.get("conditions") or ():
        if condition.get("type") == "Healthy":
            healthy = "Healthy" if condition.get("status") == "True" else "Unhealthy"
            return [_name(obj), healthy, condition.get("message") or "", condition.get("error") or ""]
    return [_name(obj), UNKNOWN, "", ""]


def scale(obj: Object, now: float) -> Cells:
    """A scale's row."""
    wanted, there = (obj.get("spec") or {}).get("replicas", 0), (obj.get("status") or {}).get("replicas", 0)
    return [_name(obj), wanted, there, age(obj, now)]


QUOTAS = Printer(
    (NAME, Column("Request", "Use and bound of requests."), Column("Limit", "Use and bound of limits."), AGE),
    quota,
)
POD_TEMPLATES = Printer(
    (
        NAME,
        Column("Containers", "Names of its containers."),
        Column("Images", "Their images."),
        Column("Pod Labels", "Labels of its pods."),
    ),
    pod_template,
)
CONTROLLER_REVISIONS = Printer(
    (
        NAME,
        Column("Controller", "Whose revision it is."),
        Column("Revision", "Its number."),
        AGE,
    ),
    controller_revision,
)
ENDPOINT_SLICES = Printer(
    (
        NAME,
        Column("AddressType", "What its addresses are."),
        Column("Ports", "The ports of its endpoints."),
        Column("Endpoints", "The addresses of its endpoints."),
        AGE,
    ),
    endpoint_slice,
)
INGRESSES = Printer(
    (
        NAME,
        Column("Class", "The class of the ingress."),
        Column("Hosts", "Hosts it is for."),
        Column("Address", "Where it is reached."),
        Column("Ports", "Ports it listens on."),
        AGE,
    ),
    ingress,
)
INGRESS_CLASSES = Printer(
    (
        NAME,
        Column("Controller", "Who looks after ingresses of the class."),
        Column("Parameters", "An object with further settings."),
        AGE,
    ),
    ingress_class,
)
NETWORK_POLICIES = Printer((NAME, Column("Pod-Selector", "The pods it is for."), AGE), network_policy)
PRIORITY_CLASSES = Printer(
    (
        NAME,
        number("Value", "Its priority; higher goes first."),
        Column("Global-Default", "Whether pods without a class get it.", "boolean"),
        AGE,
        Column("PreemptionPolicy", "Whether its pods may displace others."),
    ),
    priority_class,
)
STORAGE_CLASSES = Printer(
    (
        NAME,
        Column("Provisioner", "Who makes its volumes."),
        Column("ReclaimPolicy", "What becomes of a volume when its claim has gone."),
        Column("VolumeBindingMode", "When a volume is made and bound."),
        Column("AllowVolumeExpansion", "Whether volumes may grow."),
        AGE,
    ),
    storage_class,
)
COMPONENT_STATUSES = Printer(
    (
        NAME,
        Column("Status", "Whether it is healthy."),
        Column("Message", "What it says."),
        Column("Error", "What is wrong with it."),
    ),
    component_status,
)
SCALES = Printer(
    (NAME, number("Desired", "How many pods are wanted."), number("Available", "How many there are."), AGE), scale
)
