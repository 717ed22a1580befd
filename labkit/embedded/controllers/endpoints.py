"""The Endpoints and the EndpointSlice of services with a selector.

Source: k8s.io/kubernetes ``pkg/controller/{endpoint,endpointslice}``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, timestamp
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.controller_ref import is_owned_by, reference_to
from labkit.embedded.controllers.namespaces import is_active_namespace
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import is_deleted, labels_of, name_of, namespace_of, uid_of
from labkit.embedded.machinery.pods.state import has_ended, ready_since
from labkit.embedded.machinery.request import Object

SERVICES = BY_KIND["", "Service"]
PODS = BY_KIND["", "Pod"]
ENDPOINTS = BY_KIND["", "Endpoints"]
SLICES = BY_KIND["discovery.k8s.io", "EndpointSlice"]
MANAGED_BY = "endpoints.kubernetes.io/managed-by"
SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SERVICE_NAME = "kubernetes.io/service-name"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


class ServiceEndpoints(BaseController):
    """Maintains the Endpoints and EndpointSlices of services with a selector."""

    def __call__(self, change: Change) -> None:
        """React to services, pods, and endpoints that others delete."""
        kind = change.kind
        obj = change.new if change.new is not None else change.old
        if obj is None:
            return
        if kind is SERVICES:
            if change.new is not None:
                self._sync(change.new)
            elif self._registry.find(ENDPOINTS, namespace_of(obj), name_of(obj)) is not None:
                self._delete_object(ENDPOINTS, obj)
        elif kind is PODS:
            if not _address(change.new) and not _address(change.old):
                return
            labels = [labels_of(side) for side in (change.old, change.new) if side is not None]
            for service in list(self._registry.list(SERVICES, namespace_of(obj))):
                selector = service["spec"].get("selector")
                if selector and any(selects({"matchLabels": selector}, some) for some in labels):
                    self._sync(service)
        elif kind is ENDPOINTS and change.new is None:
            service_ = self._registry.find(SERVICES, namespace_of(obj), name_of(obj))
            if service_ is not None:
                self._sync(service_)

    def _sync(self, service: Object) -> None:
        selector = service["spec"].get("selector")
        if not selector or service["spec"].get("type") == "ExternalName":
            return
        if not is_active_namespace(self._registry, namespace_of(service)):
            return
        pods = [
            pod
            for pod in self._registry.list(PODS, namespace_of(service))
            if _address(pod)
            and not has_ended(pod)
            and selects({"matchLabels": selector}, labels_of(pod))
        ]
        pods.sort(
            key=lambda pod: (
                [int(part) for part in _address(pod).split(".")] if "." in _address(pod) else [0]
            )
        )
        self._sync_endpoints(service, pods)
        self._sync_slice(service, pods)

    def _labels(self, service: Object, more: dict[str, str]) -> dict[str, str]:
        labels = {**labels_of(service), **more}
        if service["spec"].get("clusterIP") == "None":
            labels["service.kubernetes.io/headless"] = ""
        return labels

    def _sync_endpoints(self, service: Object, pods: list[Object]) -> None:
        name, namespace = name_of(service), namespace_of(service)
        labels = self._labels(service, {MANAGED_BY: "endpoint-controller"})
        subsets = _subsets(service, pods)
        current = self._registry.find(ENDPOINTS, namespace, name)
        if current is None:
            metadata = {"name": name, **_metadata(service, labels)}
            self._registry.create(
                ENDPOINTS, {"metadata": metadata, "subsets": subsets}, manager=MANAGER
            )
            return
        if (current.get("subsets") or []) == subsets and current["metadata"].get(
            "labels"
        ) == labels:
            return
        now = timestamp(self._registry.clock())

        def change(obj: Object) -> None:
            obj["metadata"]["labels"] = labels
            obj["metadata"].setdefault("annotations", {})[TRIGGER_TIME] = now
            if subsets:
                obj["subsets"] = subsets
            else:
                obj.pop("subsets", None)

        self._registry.edit(ENDPOINTS, current, MANAGER, change)

    def _sync_slice(self, service: Object, pods: list[Object]) -> None:
        name, namespace = name_of(service), namespace_of(service)
        labels = self._labels(
            service, {SLICE_MANAGED_BY: "endpointslice-controller.k8s.io", SERVICE_NAME: name}
        )
        endpoints = [_endpoint(pod) for pod in pods] or None
        ports = _slice_ports(service, pods) if pods else None
        slices = self._registry.list(SLICES, namespace)
        current = next((one for one in slices if is_owned_by(one, uid_of(service))), None)
        if current is None:
            references = [reference_to(SERVICES, service)]
            metadata = {
                "generateName": f"{name}-",
                **_metadata(service, labels),
                "ownerReferences": references,
            }
            made = {
                "metadata": metadata,
                "addressType": "IPv4",
                "endpoints": endpoints,
                "ports": ports,
            }
            self._registry.create(SLICES, made, manager=MANAGER)
            return
        same = current.get("endpoints") == endpoints and current.get("ports") == ports
        if same and current["metadata"].get("labels") == labels:
            return

        def change(obj: Object) -> None:
            obj["metadata"]["labels"] = labels
            obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + (
                0 if same else 1
            )
            obj["endpoints"], obj["ports"] = endpoints, ports

        self._registry.edit(SLICES, current, MANAGER, change)


def _metadata(service: Object, labels: dict[str, str]) -> Object:
    """The metadata of new Endpoints and slices, but for their name."""
    annotations = {TRIGGER_TIME: service["metadata"]["creationTimestamp"]}
    return {
        "namespace": namespace_of(service),
        "labels": labels,
        "annotations": annotations,
    }


def _address(pod: Object | None) -> str:
    return str(pod["status"].get("podIP", "")) if pod is not None else ""


def _ready(pod: Object) -> bool:
    return not is_deleted(pod) and ready_since(pod) is not None


def _target_port(port: Object, pod: Object) -> int | None:
    target: Any = port.get("targetPort", port.get("port"))
    if isinstance(target, int):
        return target
    for container in pod["spec"].get("containers") or ():
        for other in container.get("ports") or ():
            if other.get("name") == target and other.get("protocol") == port.get("protocol"):
                return int(other["containerPort"])
    return None


def _reference(pod: Object) -> Object:
    metadata = pod["metadata"]
    return {
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


def _subsets(service: Object, pods: list[Object]) -> list[Object]:
    """The subsets: pods grouped by their ports, the ready ones apart."""
    groups: dict[str, Object] = {}
    for pod in pods:
        ports = []
        for port in service["spec"].get("ports") or ():
            number = _target_port(port, pod)
            if number is not None:
                named = {"name": port["name"]} if port.get("name") else {}
                ports.append({**named, "port": number, "protocol": port.get("protocol", "TCP")})
        if not ports and service["spec"].get("clusterIP") != "None":
            continue
        address: Object = {"ip": _address(pod)}
        if pod["spec"].get("nodeName"):
            address["nodeName"] = pod["spec"]["nodeName"]
        address["targetRef"] = _reference(pod)
        group = groups.setdefault(repr(ports), {"ports": ports})
        ready = _ready(pod) or service["spec"].get("publishNotReadyAddresses")
        group.setdefault("addresses" if ready else "notReadyAddresses", []).append(address)
    order = ("addresses", "notReadyAddresses", "ports")
    return [{name: group[name] for name in order if group.get(name)} for group in groups.values()]


def _endpoint(pod: Object) -> Object:
    ready = _ready(pod)
    terminating = is_deleted(pod)
    found: Object = {
        "addresses": [_address(pod)],
        "conditions": {"ready": ready, "serving": ready, "terminating": terminating},
        "targetRef": _reference(pod),
    }
    if pod["spec"].get("nodeName"):
        found["nodeName"] = pod["spec"]["nodeName"]
    return found


def _slice_ports(service: Object, pods: list[Object]) -> list[Object]:
    ports = []
    for port in service["spec"].get("ports") or ():
        number = next(
            (found for pod in pods if (found := _target_port(port, pod)) is not None), None
        )
        if number is not None:
            ports.append(
                {
                    "name": port.get("name", ""),
                    "protocol": port.get("protocol", "TCP"),
                    "port": number,
                }
            )
    return ports
