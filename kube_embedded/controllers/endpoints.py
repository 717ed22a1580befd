"""The Endpoints and the EndpointSlice of services with a selector.

Source: k8s.io/kubernetes ``pkg/controller/{endpoint,endpointslice}``.
"""

import ipaddress

from kube_embedded.rbac.selectors import selects

from ..apiserver.registry.registry import Change
from ..machinery.kinds import BY_KIND
from ..machinery.objects import is_deleted, labels_of, name_of, namespace_of, uid_of
from ..machinery.pods.state import has_ended, port_number, ready_since
from ..machinery.request import Object
from .controller import BaseController
from .controller_ref import is_owned_by, reference_to
from .namespaces import is_active_namespace

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
        obj = change.new or change.old
        if obj is None:
            return
        if change.kind is SERVICES:
            if change.new is not None:
                self._sync(change.new)
            elif self._stored(ENDPOINTS, obj) is not None:
                # Endpoints have no owner reference; the slices have one, and the garbage collector deletes them.
                self._delete_object(ENDPOINTS, obj)
        elif change.kind is PODS:
            sides = [pod for pod in (change.old, change.new) if pod is not None]
            # Before it has an address, a pod is in no endpoints.
            if any(map(_address, sides)):
                for service in list(self._registry.list(SERVICES, namespace_of(obj))):
                    if any(_selects(service, pod) for pod in sides):
                        self._sync(service)
        elif change.kind is ENDPOINTS and change.new is None:
            stored = self._stored(SERVICES, obj)
            if stored is not None:
                self._sync(stored)

    def _sync(self, service: Object) -> None:
        spec = service["spec"]
        namespace = namespace_of(service)
        if not spec.get("selector") or spec.get("type") == "ExternalName":
            return
        # A namespace that is being deleted accepts no new objects.
        if not is_active_namespace(self._registry, namespace):
            return
        pods = [
            pod
            for pod in self._registry.list(PODS, namespace)
            if _address(pod) and not has_ended(pod) and _selects(service, pod)
        ]
        pods.sort(key=lambda pod: ipaddress.ip_address(_address(pod)))
        self._sync_endpoints(service, pods)
        self._sync_slice(service, pods)

    def _sync_endpoints(self, service: Object, pods: list[Object]) -> None:
        metadata = _metadata(service, {MANAGED_BY: "endpoint-controller"})
        subsets = _subsets(service, pods)
        current = self._stored(ENDPOINTS, service)
        if current is None:
            metadata["name"] = name_of(service)
            self._create_object(ENDPOINTS, {"metadata": metadata, "subsets": subsets})
            return
        if (current.get("subsets") or []) == subsets and labels_of(current) == metadata["labels"]:
            return
        now = self._now()

        def change(obj: Object) -> None:
            obj["metadata"]["labels"] = metadata["labels"]
            obj["metadata"].setdefault("annotations", {})[TRIGGER_TIME] = now
            obj.pop("subsets", None)
            if subsets:
                obj["subsets"] = subsets

        self._edit(ENDPOINTS, current, change)

    def _sync_slice(self, service: Object, pods: list[Object]) -> None:
        labels = {
            SLICE_MANAGED_BY: "endpointslice-controller.k8s.io",
            SERVICE_NAME: name_of(service),
        }
        metadata = _metadata(service, labels)
        # One slice is enough: it has room for a hundred endpoints, as many pods as a workload here can have.
        content = {
            "endpoints": [_endpoint(pod) for pod in pods] or None,
            "ports": _ports(service, pods) if pods else None,
        }
        slices = self._registry.list(SLICES, namespace_of(service))
        current = next((item for item in slices if is_owned_by(item, uid_of(service))), None)
        if current is None:
            metadata["generateName"] = f"{name_of(service)}-"
            metadata["ownerReferences"] = [reference_to(SERVICES, service)]
            self._create_object(SLICES, {"metadata": metadata, "addressType": "IPv4", **content})
            return
        same = all(current.get(name) == value for name, value in content.items())
        if same and labels_of(current) == metadata["labels"]:
            return

        def change(obj: Object) -> None:
            obj["metadata"]["labels"] = metadata["labels"]
            if not same:
                obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + 1
            obj.update(content)

        self._edit(SLICES, current, change)


def _selects(service: Object, pod: Object) -> bool:
    selector = service["spec"].get("selector")
    return bool(selector) and selects({"matchLabels": selector}, labels_of(pod))


def _metadata(service: Object, labels: dict[str, str]) -> Object:
    """Return the metadata of new Endpoints and slices, but for their name."""
    labels = {**labels_of(service), **labels}
    if service["spec"].get("clusterIP") == "None":
        labels["service.kubernetes.io/headless"] = ""
    annotations = {TRIGGER_TIME: service["metadata"]["creationTimestamp"]}
    return {"namespace": namespace_of(service), "labels": labels, "annotations": annotations}


def _address(pod: Object) -> str:
    return str(pod["status"].get("podIP", ""))


def _is_ready(pod: Object) -> bool:
    return not is_deleted(pod) and ready_since(pod) is not None


def _ports(service: Object, pods: list[Object]) -> list[Object]:
    """Return the ports of a service as they are on the first of some pods that has them."""
    ports = []
    for port in service["spec"].get("ports") or ():
        # A target port can be a name, which can mean another number in each pod.
        target = port.get("targetPort", port.get("port"))
        protocol = port.get("protocol", "TCP")
        numbers = [port_number(target, pod, protocol) for pod in pods]
        number = next(filter(None, numbers), 0)
        if number:
            ports.append({"name": port.get("name", ""), "port": number, "protocol": protocol})
    return ports


def _subsets(service: Object, pods: list[Object]) -> list[Object]:
    """Return the subsets: pods grouped by their ports, the ready ones apart."""
    groups: dict[str, Object] = {}
    for pod in pods:
        # Endpoints omit an empty name; slices, whose name is a pointer, include it.
        ports = [
            {name: value for name, value in port.items() if value}
            for port in _ports(service, [pod])
        ]
        if not ports and service["spec"].get("clusterIP") != "None":
            continue
        group = groups.setdefault(
            repr(ports), {"addresses": [], "notReadyAddresses": [], "ports": ports}
        )
        ready = _is_ready(pod) or service["spec"].get("publishNotReadyAddresses")
        address = {"ip": _address(pod), **_target(pod)}
        group["addresses" if ready else "notReadyAddresses"].append(address)
    return [{name: value for name, value in group.items() if value} for group in groups.values()]


def _endpoint(pod: Object) -> Object:
    ready = _is_ready(pod)
    conditions = {"ready": ready, "serving": ready, "terminating": is_deleted(pod)}
    return {"addresses": [_address(pod)], "conditions": conditions, **_target(pod)}


def _target(pod: Object) -> Object:
    """Return the fields of an endpoint that name its pod."""
    reference = {
        "kind": "Pod",
        "namespace": namespace_of(pod),
        "name": name_of(pod),
        "uid": uid_of(pod),
    }
    node = pod["spec"].get("nodeName")
    return {"targetRef": reference, **({"nodeName": node} if node else {})}
