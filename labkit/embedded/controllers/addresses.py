"""IPAddress objects of services, and the ServiceCIDRs they come from.

Each cluster IP has an ``IPAddress`` that names its service, and the range a ``ServiceCIDR``.
Source: KEP-1880; k8s.io/kubernetes ``pkg/registry/core/service/ipallocator``,
``pkg/controlplane/controller/defaultservicecidr``, ``pkg/controller/servicecidrs``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.conditions import apply_condition
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.request import Object

GROUP = "networking.k8s.io"
ADDRESS, RANGE, SERVICE = BY_KIND[GROUP, "IPAddress"], BY_KIND[GROUP, "ServiceCIDR"], BY_KIND["", "Service"]
APISERVER = "kube-apiserver"
DEFAULT_RANGE, DEFAULT_NETWORK = "kubernetes", "10.96.0.0/16"
FINALIZER = "networking.k8s.io/service-cidr-finalizer"
FAMILY, MANAGED_BY = "ipaddress.kubernetes.io/ip-family", "ipaddress.kubernetes.io/managed-by"
ALLOCATOR = "ipallocator.k8s.io"


def addresses_of(service: Object | None) -> list[str]:
    """The cluster IPs of a service."""
    spec = (service or {}).get("spec") or {}
    return [address for address in spec.get("clusterIPs") or () if address not in ("", "None")]


class ServiceAddresses(BaseController):
    """Maintains the IPAddresses of services and the conditions and finalizers of ServiceCIDRs."""

    def bootstrap(self) -> None:
        """Create the default ServiceCIDR, and the missing addresses of stored services."""
        if self._registry.find(RANGE, "", DEFAULT_RANGE) is None:
            default = {"metadata": {"name": DEFAULT_RANGE}, "spec": {"cidrs": [DEFAULT_NETWORK]}}
            created = self._registry.create(RANGE, default, manager=APISERVER)
            self._set_ready(created, "kubernetes-service-cidr-controller", "Kubernetes default Service CIDR is ready")
        for service in list(self._registry.list(SERVICE)):
            self._allocate(service)

    def __call__(self, change: Change) -> None:
        """React to services, IPAddresses and ServiceCIDRs."""
        if change.kind is SERVICE:
            self._allocate(change.new)
            self._release(change.old, set(addresses_of(change.new)))
        elif change.kind is ADDRESS and change.new is None and change.old is not None:
            self._restore(change.old)
        elif change.kind is RANGE:
            self._sync_range(change)

    # Addresses

    def _allocate(self, service: Object | None) -> None:
        for address in addresses_of(service):
            assert service is not None
            if self._registry.find(ADDRESS, "", address) is None:
                metadata = service["metadata"]
                parent = {"resource": "services", "namespace": metadata["namespace"], "name": metadata["name"]}
                family = "IPv6" if ":" in address else "IPv4"
                obj = {
                    "metadata": {"name": address, "labels": {FAMILY: family, MANAGED_BY: ALLOCATOR}},
                    "spec": {"parentRef": parent},
                }
                self._registry.create(ADDRESS, obj, manager=APISERVER)

    def _release(self, service: Object | None, staying: set[str]) -> None:
        for address in addresses_of(service):
            if address not in staying and self._registry.find(ADDRESS, "", address) is not None:
                self._registry.remove(ADDRESS, "", address)

    def _restore(self, gone: Object) -> None:
        """Recreate an address that its service still has."""
        parent = gone["spec"].get("parentRef") or {}
        if parent.get("resource") == "services" and not parent.get("group"):
            service = self._registry.find(SERVICE, parent.get("namespace", ""), parent.get("name", ""))
            if gone["metadata"]["name"] in addresses_of(service):
                self._allocate(service)

    # Ranges

    def _sync_range(self, change: Change) -> None:
        if change.new is None:
            if change.old is not None and change.old["metadata"]["name"] == DEFAULT_RANGE:
                self.bootstrap()
            return
        cidr = self._registry.find(RANGE, "", change.new["metadata"]["name"])
        if cidr is None:
            return
        if cidr["metadata"].get("deletionTimestamp"):
            self._registry.drop_finalizer(RANGE, cidr, FINALIZER, MANAGER)
        elif FINALIZER not in cidr["metadata"].get("finalizers", ()):
            finalizers = [*cidr["metadata"].get("finalizers", ()), FINALIZER]
            cidr = self._registry.edit(RANGE, cidr, MANAGER, lambda obj: obj["metadata"].update(finalizers=finalizers))
            self._set_ready(cidr, "service-cidr-controller", "Kubernetes Service CIDR is ready")

    def _set_ready(self, cidr: Object, manager: str, message: str) -> None:
        now = timestamp(self._registry.clock())
        condition = {"type": "Ready", "status": "True", "message": message, "lastTransitionTime": now}
        apply_condition(self._registry, RANGE, cidr, manager, condition)
