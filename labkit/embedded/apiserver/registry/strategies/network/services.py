"""Services: types, ports, and the cluster IPs that are handed out.

Source: k8s.io/kubernetes ``pkg/registry/core/service``, ``pkg/apis/core/{v1/defaults,validation}``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_labels
from labkit.embedded.apiserver.registry.names import (
    NameRule,
    address_messages,
    dns_label,
    dns_subdomain,
    ip_address,
    label_name,
    port_number,
    qualified_name,
)
from labkit.embedded.apiserver.registry.strategies.fields.addresses import address_warnings
from labkit.embedded.apiserver.registry.strategies.fields.ports import check_port
from labkit.embedded.apiserver.registry.strategies.network.serviceaddresses import (
    check_address_changes,
    check_cluster_addresses,
    headless,
)
from labkit.embedded.apiserver.registry.strategies.network.serviceallocation import allocate
from labkit.embedded.apiserver.registry.strategies.network.servicetraffic import (
    check_balancer,
    check_class,
    check_external_addresses,
    check_policies,
    check_uniqueness,
    checks_health,
    externally_accessible,
)
from labkit.embedded.apiserver.registry.strategies.network.servicewarnings import service_warnings
from labkit.embedded.apiserver.registry.strategy import Context, Strategy
from labkit.embedded.machinery.request import Object

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


@dataclass
class ServiceStrategy(Strategy):
    """Services."""

    full_checks: int = 0

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
        if externally_accessible(spec):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] != "ExternalName":
            spec.setdefault("internalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        super().prepare_create(context, obj)
        normalize_ips(obj["spec"], None)
        allocate(context, obj, None)

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        super().prepare_update(context, new, old)
        spec, before = new["spec"], old["spec"]
        if spec["type"] != "ExternalName" and before["type"] != "ExternalName":
            for field in ("clusterIP", "clusterIPs", "ipFamilies"):
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
        allocate(context, new, old)

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``: where a load balancer can be reached."""
        path = "status.loadBalancer.ingress"
        points = (new["status"].get("loadBalancer") or {}).get("ingress") or []
        if points and new["spec"].get("type") != "LoadBalancer":
            errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
            return
        for index, point in enumerate(points):
            address, host = point.get("ip", ""), point.get("hostname", "")
            for message in address_messages(address) if address else ():
                errors.invalid(f"{path}[{index}].ip", address, message)
            mode = point.get("ipMode")
            if mode is None and address:
                errors.required(f"{path}[{index}].ipMode", "must be specified when `ip` is set")
            elif mode is not None and not address:
                errors.forbidden(f"{path}[{index}].ipMode", "may not be specified when `ip` is not set")
            elif mode not in (None, "Proxy", "VIP"):
                errors.not_supported(f"{path}[{index}].ipMode", mode, ["Proxy", "VIP"])
            for message in dns_subdomain(host) if host else ():
                errors.invalid(f"{path}[{index}].hostname", host, message)
            if ip_address(host):
                errors.invalid(f"{path}[{index}].hostname", host, "must be a DNS name, not an IP address")

    def status_warnings(self, obj: Object) -> list[str]:
        """See ``Strategy``."""
        found: list[str] = []
        for index, point in enumerate((obj["status"].get("loadBalancer") or {}).get("ingress") or ()):
            found += address_warnings(point.get("ip", ""), f"status.loadBalancer.ingress[{index}]")
        return found

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        ports = spec.get("ports") or []
        if not ports and not headless(spec) and spec["type"] != "ExternalName":
            errors.required("spec.ports")
        if spec["type"] == "LoadBalancer":
            if headless(spec):
                errors.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services")
        elif spec["type"] == "NodePort":
            if headless(spec):
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
        check_cluster_addresses(spec, errors)
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
        name = (spec.get("externalName") or "").removesuffix(".")
        if not name:
            errors.required("spec.externalName")
        for message in dns_subdomain(name) if name else ():
            errors.invalid("spec.externalName", name, message)

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

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        return service_warnings(obj)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec, before = new["spec"], old["spec"]
        check_address_changes(spec, before, errors)
        chosen, port = "loadBalancerClass", "healthCheckNodePort"
        if spec["type"] == before["type"] == "LoadBalancer" and spec.get(chosen) != before.get(chosen):
            errors.invalid(f"spec.{chosen}", spec.get(chosen), "may not change once set")
        check_class(spec, errors)
        if checks_health(spec) and checks_health(before) and spec.get(port, 0) != before.get(port, 0):
            errors.forbidden(f"spec.{port}", "field is immutable")
        self.check(new, errors)


def normalize_ips(spec: Object, old: Object | None) -> None:
    """Keep ``clusterIP`` and ``clusterIPs`` the same thing."""
    address, addresses = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    if old is None:
        if address and not addresses:
            spec["clusterIPs"] = [address]
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
    if old["type"] in exposed and spec["type"] not in exposed and _node_port_set(spec) == _node_port_set(old):
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)
    if _reachable(old) and not _reachable(spec):
        _drop_same(spec, old, "externalTrafficPolicy")
    if spec["type"] == "ExternalName":
        _drop_same(spec, old, "internalTrafficPolicy")
    if checks_health(old) and not checks_health(spec):
        _drop_same(spec, old, "healthCheckNodePort")
    if old["type"] == "LoadBalancer" != spec["type"]:
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            _drop_same(spec, old, field)


def _reachable(spec: Object) -> bool:
    """Whether a service can be reached from outside."""
    return spec["type"] in ("NodePort", "LoadBalancer") or (
        spec["type"] == "ClusterIP" and bool(spec.get("externalIPs"))
    )


def _node_port_set(spec: Object) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _drop_same(spec: Object, old: Object, field: str) -> None:
    if field in spec and spec[field] == old.get(field):
        del spec[field]


def keep_node_ports(spec: Object, old: Object) -> None:
    """An update that leaves node ports out keeps those there were, by the names of the ports."""
    before = {port.get("name", ""): port.get("nodePort", 0) for port in old.get("ports") or ()}
    used = _node_port_set(spec) & _node_port_set(old)
    for port in spec.get("ports") or ():
        number = before.get(port.get("name", ""), 0)
        if not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number
