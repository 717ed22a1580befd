"""EndpointSlices that mirror hand-written Endpoints of services without a selector.

Source: k8s.io/kubernetes ``pkg/controller/endpointslicemirroring``.
"""

from __future__ import annotations

import ipaddress
import json

from labkit.embedded.apiserver.registry.registry import Change
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.controller_ref import reference_to
from labkit.embedded.controllers.endpoints import (
    ENDPOINTS,
    SERVICE_NAME,
    SERVICES,
    SLICE_MANAGED_BY,
    SLICES,
    TRIGGER_TIME,
)
from labkit.embedded.controllers.namespaces import is_active_namespace
from labkit.embedded.machinery.request import Object

CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
NOT_COPIED = (TRIGGER_TIME, "kubectl.kubernetes.io/last-applied-configuration")


class EndpointsMirror(BaseController):
    """Maintains the slices of hand-written Endpoints."""

    def __call__(self, change: Change) -> None:
        """React to Endpoints and services."""
        some = change.new if change.new is not None else change.old
        if change.kind in (ENDPOINTS, SERVICES) and some is not None:
            self._sync(some["metadata"]["namespace"], some["metadata"]["name"])

    def _sync(self, namespace: str, name: str) -> None:
        endpoints = self._registry.find(ENDPOINTS, namespace, name)
        service = self._registry.find(SERVICES, namespace, name)
        if not is_active_namespace(self._registry, namespace):
            return
        mirrored = [
            one
            for one in list(self._registry.list(SLICES, namespace))
            if {SERVICE_NAME: name, SLICE_MANAGED_BY: CONTROLLER}.items()
            <= (one["metadata"].get("labels") or {}).items()
        ]
        wanted = {}
        if (
            endpoints is not None
            and service is not None
            and "selector" not in service["spec"]
            and _is_mirrored(endpoints)
        ):
            wanted = {_key(one): one for one in _slices(endpoints)}
        for one in mirrored:
            made = wanted.pop(_key(one), None)
            if made is None:
                self._delete_object(SLICES, one)
            else:
                self._update(one, made)
        for made in wanted.values():
            self._registry.create(SLICES, made, manager=MANAGER)

    def _update(self, one: Object, new: Object) -> None:
        notes = {name: new["metadata"].get(name) or {} for name in ("labels", "annotations")}
        same = one["endpoints"] == new["endpoints"]
        if same and all((one["metadata"].get(name) or {}) == value for name, value in notes.items()):
            return

        def change(obj: Object) -> None:
            obj["metadata"].pop("generateName", None)  # the real controller leaves it out of its update
            for name, value in notes.items():
                obj["metadata"].pop(name, None)
                if value:
                    obj["metadata"][name] = value
            obj["metadata"]["generation"] += 0 if same else 1
            obj["endpoints"] = new["endpoints"]

        self._registry.edit(SLICES, one, MANAGER, change)


def _is_mirrored(endpoints: Object) -> bool:
    """Whether Endpoints are mirrored."""
    metadata = endpoints["metadata"]
    return (metadata.get("labels") or {}).get(SKIP) != "true" and LEADER not in (metadata.get("annotations") or {})


def _key(one: Object) -> tuple[str, str]:
    """The address type and the ports, which all endpoints of a slice share."""
    ports = [{"name": "", **port} for port in one.get("ports") or ()]
    return one["addressType"], json.dumps(sorted(ports, key=lambda port: str(port["name"])), sort_keys=True)


def _slices(endpoints: Object) -> list[Object]:
    """The slices of some Endpoints."""
    metadata = endpoints["metadata"]
    labels = {**(metadata.get("labels") or {}), SERVICE_NAME: metadata["name"], SLICE_MANAGED_BY: CONTROLLER}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name not in NOT_COPIED}
    made: dict[tuple[str, str], Object] = {}
    for subset in endpoints.get("subsets") or ():
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in sorted(subset.get(field) or (), key=lambda each: str(each["ip"])):
                one: Object = {
                    "metadata": {
                        "generateName": f"{metadata['name']}-",
                        "namespace": metadata["namespace"],
                        "labels": labels,
                        "ownerReferences": [reference_to(ENDPOINTS, endpoints)],
                        **({"annotations": annotations} if annotations else {}),
                    },
                    "addressType": f"IPv{ipaddress.ip_address(address['ip']).version}",
                    "endpoints": [],
                    "ports": [{"name": "", **port} for port in subset.get("ports") or ()],
                }
                made.setdefault(_key(one), one)["endpoints"].append(_endpoint(address, ready))
    return list(made.values())


def _endpoint(address: Object, ready: bool) -> Object:
    named = {name: address[name] for name in ("hostname", "targetRef", "nodeName") if address.get(name)}
    return {"addresses": [address["ip"]], "conditions": {"ready": ready}, **named}
