"""Services: types, ports, and the cluster IPs that are handed out.

Source: k8s.io/kubernetes ``pkg/registry/core/service``, ``pkg/apis/core/{v1/defaults,validation}``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import validate_labels
from labkit.apiserver.registry.names import (
    IP_MESSAGE,
    NameRule,
    dns_label,
    dns_subdomain,
    ip_address,
    label_name,
    port_number,
    qualified_name,
)
from labkit.apiserver.registry.strategies.core import check_port
from labkit.apiserver.registry.strategies.servicetraffic import (
    check_balancer,
    check_external_addresses,
    check_policies,
    check_uniqueness,
)
from labkit.apiserver.registry.strategy import Context, Strategy
from labkit.apiserver.request import Object
from labkit.apiserver.status import ApiError

SERVICE_NETWORK: ipaddress.IPv4Network | ipaddress.IPv6Network = ipaddress.ip_network("10.96.0.0/16")
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
NODE_PORTS = (30000, 32767)
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")


@dataclass
class ServiceStrategy(Strategy):
    """Services."""

    name_rule: NameRule = label_name
    create_on_update: bool = True
    returns_deleted: bool = True
    status: bool = True

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"loadBalancer": {}}

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        spec.setdefault("sessionAffinity", "None")
        if spec["sessionAffinity"] == "None":
            spec.pop("sessionAffinityConfig", None)
        elif spec["sessionAffinity"] == "ClientIP":
            config = spec.setdefault("sessionAffinityConfig", {})
            config.setdefault("clientIP", {}).setdefault("timeoutSeconds", 10800)
        spec.setdefault("type", "ClusterIP")
        for point in (obj["status"].get("loadBalancer") or {}).get("ingress") or ():
            if spec["type"] == "LoadBalancer" and point.get("ip"):
                point.setdefault("ipMode", "VIP")
        for port in spec.get("ports") or ():
            if not port.get("protocol"):
                port["protocol"] = "TCP"
            if port.get("targetPort", 0) in (0, ""):
                port["targetPort"] = port.get("port", 0)
        if spec["type"] in ("NodePort", "LoadBalancer"):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] != "ExternalName":
            spec.setdefault("internalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        super().prepare_create(context, obj)
        normalize_ips(obj["spec"], None)

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        super().prepare_update(context, new, old)
        spec, before = new["spec"], old["spec"]
        if spec["type"] != "ExternalName" and before["type"] != "ExternalName":
            if not spec.get("clusterIP") and not spec.get("clusterIPs"):
                for field in ("clusterIP", "clusterIPs"):
                    if field in before:
                        spec[field] = before[field]
            for field in ("ipFamilies", "ipFamilyPolicy"):
                if not spec.get(field) and field in before:
                    spec[field] = before[field]
            if spec["type"] in ("NodePort", "LoadBalancer") and before["type"] in ("NodePort", "LoadBalancer"):
                keep_node_ports(spec, before)
            if not spec.get("healthCheckNodePort") and before.get("healthCheckNodePort"):
                spec["healthCheckNodePort"] = before["healthCheckNodePort"]
        if before["type"] != "ExternalName" and spec["type"] == "ExternalName":
            for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                if spec.get(field) == before.get(field):
                    spec.pop(field, None)
        drop_of_other_type(spec, before)
        normalize_ips(spec, before)

    def allocate(self, context: Context, obj: Object, old: Object | None) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        if spec["type"] == "ExternalName":
            return
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        mine = obj["metadata"].get("uid")
        wanted = spec.get("clusterIP", "")
        if wanted != "None":
            used = {
                address
                for service in context.objects("", "Service", "")
                if service["metadata"]["uid"] != mine
                for address in service["spec"].get("clusterIPs") or ()
            }
            used.update(_taken_addresses(context, obj))
            if not wanted:
                spec["clusterIP"] = self._free_address(context, used)
                spec["clusterIPs"] = [spec["clusterIP"]]
            elif wanted in used:
                raise _invalid(
                    obj,
                    "spec.clusterIPs",
                    [wanted],
                    "failed to allocate IP " + wanted + ": provided IP is already allocated",
                )
            elif ip_address(wanted) and not _in_a_range(context, wanted):
                raise _invalid(
                    obj,
                    "spec.clusterIPs",
                    [wanted],
                    f"failed to allocate IP {wanted}: the provided network does not match the current range",
                )
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        if spec["type"] in ("NodePort", "LoadBalancer"):
            self._node_ports(context, obj)

    def _free_address(self, context: Context, used: set[str]) -> str:
        first = int(SERVICE_NETWORK.network_address)
        while True:
            address = str(ipaddress.ip_address(first + context.random.randrange(256, 65534)))
            if address not in used:
                return address

    def _node_ports(self, context: Context, obj: Object) -> None:
        spec = obj["spec"]
        if spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
            return
        mine = obj["metadata"].get("uid")
        used = {
            (port.get("protocol"), port["nodePort"])
            for service in context.objects("", "Service", "")
            if service["metadata"]["uid"] != mine
            for port in service["spec"].get("ports") or ()
            if port.get("nodePort")
        }
        for index, port in enumerate(spec.get("ports") or ()):
            number = port.get("nodePort")
            if number:
                if (port["protocol"], number) in used:
                    raise _invalid(obj, f"spec.ports[{index}].nodePort", number, "provided port is already allocated")
                if not NODE_PORTS[0] <= number <= NODE_PORTS[1]:
                    raise _invalid(
                        obj,
                        f"spec.ports[{index}].nodePort",
                        number,
                        "provided port is not in the valid range. The range of valid ports is 30000-32767",
                    )
                used.add((port["protocol"], number))
                continue
            while True:
                number = context.random.randrange(NODE_PORTS[0], NODE_PORTS[1] + 1)
                if (port["protocol"], number) not in used:
                    break
            used.add((port["protocol"], number))
            port["nodePort"] = number

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``: where a load balancer can be reached."""
        path = "status.loadBalancer.ingress"
        points = (new["status"].get("loadBalancer") or {}).get("ingress") or []
        if points and new["spec"].get("type") != "LoadBalancer":
            errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
            return
        for index, point in enumerate(points):
            address, host = point.get("ip", ""), point.get("hostname", "")
            if address and not ip_address(address):
                errors.invalid(f"{path}[{index}].ip", address, IP_MESSAGE)
            for message in dns_subdomain(host) if host else ():
                errors.invalid(f"{path}[{index}].hostname", host, message)
            if ip_address(host):
                errors.invalid(f"{path}[{index}].hostname", host, "must be a DNS name, not an IP address")

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        ports = spec.get("ports") or []
        headless = spec.get("clusterIP") == "None"
        if not ports and not headless and spec["type"] != "ExternalName":
            errors.required("spec.ports")
        if spec["type"] == "LoadBalancer":
            if headless:
                errors.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services")
        elif spec["type"] == "NodePort":
            if headless:
                errors.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for NodePort services")
        elif spec["type"] == "ExternalName":
            self._check_external_name(spec, errors)
        names: set[str] = set()
        for index, port in enumerate(ports):
            self._check_port(port, len(ports) > 1, names, f"spec.ports[{index}]", errors)
        validate_labels(spec.get("selector"), "spec.selector", errors)
        if not spec.get("sessionAffinity"):
            errors.required("spec.sessionAffinity")
        elif spec["sessionAffinity"] not in ("ClientIP", "None"):
            errors.not_supported("spec.sessionAffinity", spec["sessionAffinity"], ["ClientIP", "None"])
        elif spec["sessionAffinity"] == "ClientIP":
            seconds = (spec.get("sessionAffinityConfig") or {}).get("clientIP", {}).get("timeoutSeconds", 0)
            if not 0 < seconds <= 86400:
                errors.invalid(
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
                    seconds,
                    "must be greater than 0 and less than 86400",
                )
        self._check_addresses(spec, errors)
        check_external_addresses(spec, errors)
        if spec["type"] not in TYPES:
            errors.not_supported("spec.type", spec["type"], TYPES)
        check_uniqueness(spec, ports, errors)
        check_balancer(obj, errors)
        check_policies(spec, errors)

    def _check_external_name(self, spec: Object, errors: FieldErrors) -> None:
        if spec.get("clusterIPs") or spec.get("clusterIP"):
            errors.forbidden("spec.clusterIPs", "may not be set for ExternalName services")
        for field in ("ipFamilies", "ipFamilyPolicy"):
            if spec.get(field):
                errors.forbidden(f"spec.{field}", "may not be set for ExternalName services")
        name = spec.get("externalName", "").rstrip(".") if spec.get("externalName") else ""
        if not name:
            errors.required("spec.externalName")
        for message in dns_subdomain(name) if name else ():
            errors.invalid("spec.externalName", spec["externalName"], message)

    def _check_port(self, port: Object, named: bool, names: set[str], path: str, errors: FieldErrors) -> None:
        name = port.get("name", "")
        if named and not name:
            errors.required(f"{path}.name")
        elif name:
            for message in dns_label(name):
                errors.invalid(f"{path}.name", name, message)
            if name in names:
                errors.duplicate(f"{path}.name", name)
            names.add(name)
        for message in port_number(port.get("port", 0)):
            errors.invalid(f"{path}.port", port.get("port", 0), message)
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            errors.not_supported(f"{path}.protocol", port.get("protocol", ""), ["SCTP", "TCP", "UDP"])
        check_port(port.get("targetPort"), f"{path}.targetPort", errors)
        protocol = port.get("appProtocol")
        for message in qualified_name(protocol) if protocol is not None else ():
            errors.invalid(f"{path}.appProtocol", protocol, message)

    def _check_addresses(self, spec: Object, errors: FieldErrors) -> None:
        address = spec.get("clusterIP", "")
        if address not in ("", "None") and not ip_address(address):
            errors.invalid("spec.clusterIPs[0]", address, IP_MESSAGE)
        addresses = spec.get("clusterIPs") or []
        if address and addresses and addresses[0] != address:
            errors.invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`")
        policy = spec.get("ipFamilyPolicy")
        if policy is not None and policy not in FAMILY_POLICIES:
            errors.not_supported("spec.ipFamilyPolicy", policy, ["SingleStack", "PreferDualStack", "RequireDualStack"])
        for index, family in enumerate(spec.get("ipFamilies") or ()):
            if family not in ("IPv4", "IPv6"):
                errors.not_supported(f"spec.ipFamilies[{index}]", family, ["IPv4", "IPv6"])
            elif family == "IPv6":
                errors.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec, before = new["spec"], old["spec"]
        if before["type"] != "ExternalName" and spec["type"] != "ExternalName":
            first = (before.get("clusterIPs") or [""])[0]
            wanted = (spec.get("clusterIPs") or [""])[0]
            if first and wanted != first:
                message = "may not change once set" if wanted else "primary clusterIP can not be unset"
                errors.invalid("spec.clusterIPs[0]", spec.get("clusterIPs"), message)
        self.check(new, errors)


def _invalid(obj: Object, field: str, value: Any, detail: str) -> ApiError:
    from labkit.apiserver.registry.errors import invalid_object

    errors = FieldErrors()
    errors.invalid(field, value, detail)
    return invalid_object("Service", "", obj["metadata"].get("name", ""), errors)


def normalize_ips(spec: Object, old: Object | None) -> None:
    """Keep ``clusterIP`` and ``clusterIPs`` the same thing."""
    address, addresses = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    if old is None:
        if address and not addresses:
            spec["clusterIPs"] = [address]
        elif addresses and not address:
            spec["clusterIP"] = addresses[0]
        return
    if address != old.get("clusterIP", "") and addresses == (old.get("clusterIPs") or []):
        if address:
            spec["clusterIPs"] = [address]
        else:
            spec.pop("clusterIPs", None)
    elif address and not addresses:
        spec["clusterIPs"] = [address]


def drop_of_other_type(spec: Object, old: Object) -> None:
    """An update of the type takes along what only the old type has, unless the caller changed it."""
    exposed = ("NodePort", "LoadBalancer")
    if old["type"] in exposed and spec["type"] not in exposed:
        if _node_port_set(spec) == _node_port_set(old):
            for port in spec.get("ports") or ():
                port.pop("nodePort", None)
        if not spec.get("externalIPs"):
            _drop_same(spec, old, "externalTrafficPolicy")
    if old["type"] == "LoadBalancer" != spec["type"]:
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"):
            _drop_same(spec, old, field)


def _node_port_set(spec: Object) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _drop_same(spec: Object, old: Object, field: str) -> None:
    if field in spec and spec[field] == old.get(field):
        del spec[field]


def keep_node_ports(spec: Object, old: Object) -> None:
    """An update that leaves node ports out keeps those there were."""
    before = {
        (port.get("protocol"), port.get("port")): port["nodePort"]
        for port in old.get("ports") or ()
        if port.get("nodePort")
    }
    used = {port.get("nodePort") for port in spec.get("ports") or ()}
    for port in spec.get("ports") or ():
        number = before.get((port.get("protocol"), port.get("port")))
        if not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number


def _taken_addresses(context: Context, service: Object) -> Iterator[str]:
    """The addresses that are taken by others than a service."""
    metadata = service["metadata"]
    mine = {"resource": "services", "namespace": metadata.get("namespace"), "name": metadata.get("name")}
    for address in context.objects("networking.k8s.io", "IPAddress", ""):
        if address["spec"].get("parentRef") != mine:
            yield address["metadata"]["name"]


def _in_a_range(context: Context, wanted: str) -> bool:
    """Whether an address lies in a range for services."""
    address = ipaddress.ip_address(wanted)
    ranges = [SERVICE_NETWORK]
    for cidr in context.objects("networking.k8s.io", "ServiceCIDR", ""):
        if not cidr["metadata"].get("deletionTimestamp"):
            ranges += [ipaddress.ip_network(text) for text in cidr["spec"].get("cidrs") or ()]
    return any(address in network for network in ranges)
