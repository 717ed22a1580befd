"""Kinds of the smaller groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from labkit.embedded.apiserver.handlers.represent.tables.model import (
    AGE,
    Cells,
    Column,
    name_of_class,
    number,
    printer,
    wide,
)
from labkit.embedded.apiserver.handlers.represent.tables.text import (
    NONE,
    UNKNOWN,
    UNSET,
    ingress_addresses,
    labels,
    selector,
    shortened,
)
from labkit.embedded.machinery.request import Object

SHOWN = 3


@printer(
    "resourcequotas",
    Column("Request", "Use and bound of requests."),
    Column("Limit", "Use and bound of limits."),
    AGE,
)
def _quota(obj: Object, now: float) -> Cells:
    status = obj.get("status") or {}
    used, hard = status.get("used") or {}, status.get("hard") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource, bound in sorted(hard.items()):
        text = f"{resource}: {used.get(resource, '0')}/{bound}"
        (limits if resource.startswith("limits") else requests).append(text)
    return [", ".join(requests), ", ".join(limits)]


@printer(
    "podtemplates",
    Column("Containers", "Names of its containers."),
    Column("Images", "Their images."),
    Column("Pod Labels", "Labels of its pods."),
)
def _pod_template(obj: Object, now: float) -> Cells:
    template = obj.get("template") or {}
    given = (template.get("spec") or {}).get("containers") or ()
    names, images = [each.get("name", "") for each in given], [each.get("image", "") for each in given]
    return [",".join(names), ",".join(images), labels((template.get("metadata") or {}).get("labels"))]


@printer(
    "controllerrevisions.apps",
    Column("Controller", "Whose revision it is."),
    Column("Revision", "Its number."),
    AGE,
)
def _controller_revision(obj: Object, now: float) -> Cells:
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    written = NONE
    if owner is not None:
        group = owner.get("apiVersion", "").rpartition("/")[0]
        kind = owner.get("kind", "").lower() + (f".{group}" if group else "")
        written = f"{kind}/{owner.get('name', '')}"
    return [written, obj.get("revision", 0)]


@printer(
    "endpointslices.discovery.k8s.io",
    Column("AddressType", "What its addresses are."),
    Column("Ports", "The ports of its endpoints."),
    Column("Endpoints", "The addresses of its endpoints."),
    AGE,
)
def _endpoint_slice(obj: Object, now: float) -> Cells:
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    addresses = [address for each in obj.get("endpoints") or () for address in each.get("addresses") or ()]
    return [obj.get("addressType") or "", shortened(ports, SHOWN) or UNSET, shortened(addresses, SHOWN) or UNSET]


@printer(
    "ingresses.networking.k8s.io",
    Column("Class", "The class of the ingress."),
    Column("Hosts", "Hosts it is for."),
    Column("Address", "Where it is reached."),
    Column("Ports", "Ports it listens on."),
    AGE,
)
def _ingress(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    return [
        spec.get("ingressClassName") or NONE,
        shortened(hosts, SHOWN) or "*",
        ",".join(ingress_addresses(obj)),
        "80, 443" if spec.get("tls") else "80",
    ]


@printer(
    "ingressclasses.networking.k8s.io",
    Column("Controller", "Who looks after ingresses of the class."),
    Column("Parameters", "An object with further settings."),
    AGE,
)
def _ingress_class(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    given: Mapping[str, Any] | None = spec.get("parameters")
    written = NONE
    if given:
        group = f".{given['apiGroup']}" if given.get("apiGroup") else ""
        written = f"{given.get('kind', '')}{group}/{given.get('name', '')}"
    return [spec.get("controller") or "", written]


@printer("networkpolicies.networking.k8s.io", Column("Pod-Selector", "The pods it is for."), AGE)
def _network_policy(obj: Object, now: float) -> Cells:
    return [selector((obj.get("spec") or {}).get("podSelector"))]


@printer(
    "priorityclasses.scheduling.k8s.io",
    number("Value", "Its priority; higher goes first."),
    Column("Global-Default", "Whether pods without a class get it.", "boolean"),
    AGE,
    Column("PreemptionPolicy", "Whether its pods may displace others."),
)
def _priority_class(obj: Object, now: float) -> Cells:
    default = bool(obj.get("globalDefault"))
    preemption = obj.get("preemptionPolicy") or "PreemptLowerPriority"
    return [obj.get("value", 0), default, preemption]


@printer(
    "storageclasses.storage.k8s.io",
    Column("Provisioner", "Who makes its volumes."),
    Column("ReclaimPolicy", "What becomes of a volume when its claim has gone."),
    Column("VolumeBindingMode", "When a volume is made and bound."),
    Column("AllowVolumeExpansion", "Whether volumes may grow."),
    AGE,
    name=name_of_class("storageclass"),
)
def _storage_class(obj: Object, now: float) -> Cells:
    return [
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
    ]


@printer(
    "componentstatuses",
    Column("Status", "Whether it is healthy."),
    Column("Message", "What it says."),
    Column("Error", "What is wrong with it."),
)
def _component_status(obj: Object, now: float) -> Cells:
    for condition in obj.get("conditions") or ():
        if condition.get("type") == "Healthy":
            healthy = "Healthy" if condition.get("status") == "True" else "Unhealthy"
            return [healthy, condition.get("message") or "", condition.get("error") or ""]
    return [UNKNOWN, "", ""]


@printer("scale", number("Desired", "How many pods are wanted."), number("Available", "How many there are."), AGE)
def _scale(obj: Object, now: float) -> Cells:
    wanted, there = (obj.get("spec") or {}).get("replicas", 0), (obj.get("status") or {}).get("replicas", 0)
    return [wanted, there]


@printer(
    "clusterrolebindings.rbac.authorization.k8s.io",
    Column("Role", "The role whose rules are granted."),
    AGE,
    wide("Users", "Users among the subjects."),
    wide("Groups", "Groups among the subjects."),
    wide("ServiceAccounts", "Service accounts among the subjects."),
)
def _cluster_role_binding(obj: Object, now: float) -> Cells:
    subjects = obj.get("subjects") or ()
    users = [each.get("name", "") for each in subjects if each.get("kind") == "User"]
    groups = [each.get("name", "") for each in subjects if each.get("kind") == "Group"]
    accounts = [
        f"{each.get('namespace', '')}/{each.get('name', '')}"
        for each in subjects
        if each.get("kind") == "ServiceAccount"
    ]
    role = obj.get("roleRef") or {}
    return [
        f"{role.get('kind', '')}/{role.get('name', '')}",
        ", ".join(users),
        ", ".join(groups),
        ", ".join(accounts),
    ]


_role_binding = replace(_cluster_role_binding, resource="rolebindings.rbac.authorization.k8s.io")
