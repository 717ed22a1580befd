"""The strategy of Services.

Source: k8s.io/kubernetes ``pkg/registry/core/service``, ``pkg/apis/core/{v1/defaults,validation}``.
"""

from typing import ClassVar

from typing_extensions import override

from kube_embedded.machinery.request import Object

from ... import names
from ...errors import FieldErrors
from ...metadata import validate_labels
from ...strategy import Strategy, StrategyContext
from ..fields.numbers import check_port
from . import cluster_ips
from . import service_traffic as traffic
from .service_allocation import allocate
from .service_warnings import service_warnings

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


class ServiceStrategy(Strategy):
    """Services."""

    create_on_update = True
    returns_deleted = True
    status = True
    new_status: ClassVar[Object] = {"loadBalancer": {}}
    full_checks = 0

    # The name becomes a part of DNS names and of variables in pods.
    name_rule = staticmethod(names.label_name)

    @override
    def default(self, obj: Object) -> None:
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
            # A missing target is the same as 0 in Go.
            if port.get("targetPort", 0) in (0, ""):
                port["targetPort"] = port.get("port", 0)
        if traffic.externally_accessible(spec):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] != "ExternalName":
            spec.setdefault("internalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        super().prepare_create(context, obj)
        normalize_ips(obj["spec"], None)
        allocate(context, obj, None)

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        super().prepare_update(context, new, old)
        spec = new["spec"]
        before = old["spec"]
        if spec["type"] != "ExternalName" and before["type"] != "ExternalName":
            for field in ("clusterIP", "clusterIPs", "ipFamilies"):
                if not spec.get(field) and field in before:
                    spec[field] = before[field]
            # `kubectl replace` sends no node ports: they must not change under the clients that use them.
            if spec["type"] in traffic.EXPOSED and before["type"] in traffic.EXPOSED:
                keep_node_ports(spec, before)
        if before["type"] != "ExternalName" and spec["type"] == "ExternalName":
            for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                if spec.get(field) == before.get(field):
                    spec.pop(field, None)
        # So that callers can change the type without clearing what only the old type has.
        drop_of_other_type(spec, before)
        normalize_ips(spec, before)
        allocate(context, new, old)

    @override
    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check the load balancer's addresses."""
        path = "status.loadBalancer.ingress"
        points = (new["status"].get("loadBalancer") or {}).get("ingress") or []
        if points and new["spec"].get("type") != "LoadBalancer":
            errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
            return
        for index, point in enumerate(points):
            address = point.get("ip", "")
            host = point.get("hostname", "")
            errors.check_if_given(f"{path}[{index}].ip", address, names.address_messages)
            errors.check_if_given(f"{path}[{index}].hostname", host, names.dns_subdomain)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        ports = spec.get("ports") or []
        if not ports and not cluster_ips.headless(spec) and spec["type"] != "ExternalName":
            errors.required("spec.ports")
        if spec["type"] in traffic.EXPOSED and cluster_ips.headless(spec):
            errors.invalid(
                "spec.clusterIPs[0]",
                "None",
                f"may not be set to 'None' for {spec['type']} services",
            )
        elif spec["type"] == "ExternalName":
            self._check_external_name(spec, errors)
        seen: set[str] = set()
        for index, port in enumerate(ports):
            self._check_port(port, len(ports) > 1, seen, f"spec.ports[{index}]", errors)
        validate_labels(spec.get("selector"), "spec.selector", errors)
        errors.check_required_choice(
            "spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None")
        )
        if spec.get("sessionAffinity") == "ClientIP":
            seconds = (
                (spec.get("sessionAffinityConfig") or {})
                .get("clientIP", {})
                .get("timeoutSeconds", 0)
            )
            if not 0 < seconds <= 86400:
                path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
                errors.invalid(path, seconds, "must be greater than 0 and less than 86400")
        cluster_ips.check_cluster_addresses(spec, errors)
        traffic.check_external_addresses(spec, errors)
        errors.check_choice("spec.type", spec["type"], TYPES)
        traffic.check_uniqueness(spec, ports, errors)
        traffic.check_balancer(obj, errors)
        traffic.check_policies(spec, errors)

    def _check_external_name(self, spec: Object, errors: FieldErrors) -> None:
        if spec.get("clusterIPs") or spec.get("clusterIP"):
            errors.forbidden("spec.clusterIPs", "may not be set for ExternalName services")
        for field in ("ipFamilies", "ipFamilyPolicy"):
            if spec.get(field):
                errors.forbidden(f"spec.{field}", "may not be set for ExternalName services")
        name = (spec.get("externalName") or "").removesuffix(".")
        errors.check_required("spec.externalName", name, names.dns_subdomain)

    def _check_port(
        self, port: Object, named: bool, seen: set[str], path: str, errors: FieldErrors
    ) -> None:
        name = port.get("name", "")
        if named and not name:
            errors.required(f"{path}.name")
        elif name:
            errors.check_format(f"{path}.name", name, names.dns_label)
            errors.check_unique(f"{path}.name", name, seen)
        errors.check_format(f"{path}.port", port.get("port", 0), names.port_number)
        errors.check_choice(f"{path}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))
        check_port(port.get("targetPort"), f"{path}.targetPort", errors)
        errors.check_format(f"{path}.appProtocol", port.get("appProtocol"), names.qualified_name)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return list(service_warnings(obj))

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        spec = new["spec"]
        before = old["spec"]
        cluster_ips.check_address_changes(spec, before, errors)
        chosen = "loadBalancerClass"
        if spec["type"] == before["type"] == "LoadBalancer" and spec.get(chosen) != before.get(
            chosen
        ):
            errors.invalid(f"spec.{chosen}", spec.get(chosen), "may not change once set")
        traffic.check_class(spec, errors)
        self.check(new, errors)


def normalize_ips(spec: Object, old: Object | None) -> None:
    """Keep ``clusterIP`` and ``clusterIPs`` in step."""
    address = spec.get("clusterIP", "")
    addresses = spec.get("clusterIPs") or []
    replaced = (
        old is not None
        and address != old.get("clusterIP", "")
        and addresses == (old.get("clusterIPs") or [])
    )
    # A client that handles `clusterIP` alone sends the old list back with it.
    if replaced and not address:
        spec.pop("clusterIPs", None)
    elif address and (replaced or not addresses):
        spec["clusterIPs"] = [address]


def drop_of_other_type(spec: Object, old: Object) -> None:
    """Drop unchanged fields that only the old type has."""
    if (
        old["type"] in traffic.EXPOSED
        and spec["type"] not in traffic.EXPOSED
        and _node_port_set(spec) == _node_port_set(old)
    ):
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)
    if traffic.externally_accessible(old) and not traffic.externally_accessible(spec):
        _drop_same(spec, old, "externalTrafficPolicy")
    if spec["type"] == "ExternalName":
        _drop_same(spec, old, "internalTrafficPolicy")
    if old["type"] == "LoadBalancer" != spec["type"]:
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            _drop_same(spec, old, field)


def _node_port_set(spec: Object) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _drop_same(spec: Object, old: Object, field: str) -> None:
    if field in spec and spec[field] == old.get(field):
        del spec[field]


def keep_node_ports(spec: Object, old: Object) -> None:
    """Keep the node ports that an update leaves out, by the names of the ports."""
    before = {port.get("name", ""): port.get("nodePort", 0) for port in old.get("ports") or ()}
    used = _node_port_set(spec) & _node_port_set(old)
    for port in spec.get("ports") or ():
        number = before.get(port.get("name", ""), 0)
        if not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number
