"""Kinds of the smaller groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, Printer, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import (
    NONE,
    UNSET,
    age,
    ingress_addresses,
    selector,
    shortened,
)
from labkit.embedded.machinery.request import Object

SHOWN = 3


@printer("resourcequotas")
def _quota(obj: Object, now: float) -> Cells:
    status = obj.get("status") or {}
    used, hard = status.get("used") or {}, status.get("hard") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource, bound in sorted(hard.items()):
        text = f"{resource}: {used.get(resource, '0')}/{bound}"
        (limits if resource.startswith("limits") else requests).append(text)
    return [", ".join(requests), ", ".join(limits)]


@printer("controllerrevisions.apps")
def _controller_revision(obj: Object, now: float) -> Cells:
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    written = NONE
    if owner is not None:
        group = owner.get("apiVersion", "").rpartition("/")[0]
        kind = owner.get("kind", "").lower() + (f".{group}" if group else "")
        written = f"{kind}/{owner.get('name', '')}"
    return [written]


@printer("endpointslices.discovery.k8s.io")
def _endpoint_slice(obj: Object, now: float) -> Cells:
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    addresses = [
        address for each in obj.get("endpoints") or () for address in each.get("addresses") or ()
    ]
    return [shortened(ports, SHOWN) or UNSET, shortened(addresses, SHOWN) or UNSET]


@printer("ingresses.networking.k8s.io")
def _ingress(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    ports = "80, 443" if spec.get("tls") else "80"
    return [shortened(hosts, SHOWN) or "*", ",".join(ingress_addresses(obj)), ports]


@printer("ingressclasses.networking.k8s.io")
def _ingress_class(obj: Object, now: float) -> Cells:
    given: Mapping[str, Any] | None = (obj.get("spec") or {}).get("parameters")
    written = NONE
    if given:
        group = f".{given['apiGroup']}" if given.get("apiGroup") else ""
        written = f"{given.get('kind', '')}{group}/{given.get('name', '')}"
    return [written]


def _class(resource: str, kind: str) -> Printer:
    """The printer of a kind of class (in lower case), whose names have a mark on the default one."""
    default = f"{kind}.kubernetes.io/is-default-class"

    def name(obj: Object, now: float) -> Cells:
        marked = (obj["metadata"].get("annotations") or {}).get(default) == "true"
        return [obj["metadata"]["name"] + (" (default)" if marked else "")]

    return Printer(resource, name)


_storage_class = _class("storageclasses.storage.k8s.io", "storageclass")
_attributes_class = _class("volumeattributesclasses.storage.k8s.io", "volumeattributesclass")


@printer("clusterrolebindings.rbac.authorization.k8s.io")
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


ADMISSION = "admissionregistration.k8s.io"


def _condition(obj: Object, kind: str) -> Object | None:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == kind), None)


@printer("apiservices.apiregistration.k8s.io")
def _api_service(obj: Object, now: float) -> Cells:
    service = (obj.get("spec") or {}).get("service")
    condition = _condition(obj, "Available")
    state = "Unknown" if condition is None else condition.get("status", "")
    if condition is not None and state != "True" and condition.get("reason"):
        state = f"{state} ({condition['reason']})"
    where = (
        "Local" if service is None else f"{service.get('namespace', '')}/{service.get('name', '')}"
    )
    return [where, state]


def _precedence(obj: Object) -> tuple[int, str]:
    return (obj.get("spec") or {}).get("matchingPrecedence", 0), obj["metadata"].get("name", "")


@printer("flowschemas.flowcontrol.apiserver.k8s.io", order=_precedence)
def _flow_schema(obj: Object, now: float) -> Cells:
    condition = _condition(obj, "Dangling")
    return ["?" if condition is None else condition.get("status", "")]


def _policy(obj: Object, now: float) -> Cells:
    kind = (obj.get("spec") or {}).get("paramKind")
    return [UNSET if kind is None else f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}"]


def _binding(obj: Object, now: float) -> Cells:
    param = (obj.get("spec") or {}).get("paramRef") or {}
    named = f"{param.get('namespace') or '*'}/{param['name']}" if param.get("name") else ""
    return [named or (selector(param["selector"]) if "selector" in param else UNSET)]


POLICIES = [
    Printer(f"{word}admissionpolicies.{ADMISSION}", _policy) for word in ("mutating", "validating")
]
POLICIES += [
    Printer(f"{word}admissionpolicybindings.{ADMISSION}", _binding)
    for word in ("mutating", "validating")
]


@printer("certificatesigningrequests.certificates.k8s.io")
def _signing_request(obj: Object, now: float) -> Cells:
    status = obj.get("status") or {}
    types = {condition.get("type") for condition in status.get("conditions") or ()}
    words = ["Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"]
    if "Failed" in types:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    return [",".join(words)]


@printer("csidrivers.storage.k8s.io")
def _driver(obj: Object, now: float) -> Cells:
    tokens = (obj.get("spec") or {}).get("tokenRequests")
    return [UNSET if tokens is None else ",".join(each.get("audience", "") for each in tokens)]


@printer("ipaddresses.networking.k8s.io")
def address(obj: Object, now: float) -> Cells:
    """An IP address's row: its parent, and its age, for which the real server has no column."""
    parent = (obj.get("spec") or {}).get("parentRef")
    if not parent:
        return [NONE, age(obj, now)]
    group = f".{parent['group']}" if parent.get("group") else ""
    parts = [
        f"{parent.get('resource', '')}{group}".lower(),
        parent.get("namespace"),
        parent.get("name"),
    ]
    return ["/".join(part for part in parts if part), age(obj, now)]
