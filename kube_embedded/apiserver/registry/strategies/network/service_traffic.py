"""Validation of how traffic reaches a service: ports, external IPs, load balancers, traffic policies.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidateService``).
"""

from typing import Any

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import address_messages, qualified_name, range_messages
from ..fields.addresses import check_not_special

BALANCED_ONLY = "may only be used when `type` is 'LoadBalancer'"
EXPOSED = ("NodePort", "LoadBalancer")
POLICIES = ("Cluster", "Local")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")


def check_external_addresses(spec: Object, errors: FieldErrors) -> None:
    """Check the external IPs of a service."""
    for index, address in enumerate(spec.get("externalIPs") or ()):
        path = f"spec.externalIPs[{index}]"
        if errors.check_format(path, address, address_messages):
            check_not_special(address, path, errors)


def check_uniqueness(spec: Object, ports: list[Object], errors: FieldErrors) -> None:
    """Refuse duplicate ports, and node ports of ClusterIP services."""
    if spec["type"] == "ClusterIP":
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                errors.forbidden(
                    f"spec.ports[{index}].nodePort", "may not be used when `type` is 'ClusterIP'"
                )
    taken: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("nodePort", 0))
        if key[1] and key in taken:
            errors.duplicate(f"spec.ports[{index}].nodePort", key[1])
        taken.add(key)
    seen: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port", 0))
        if key in seen:
            # The comparison is made on protocol and port, and only these are shown as given.
            printed = {
                "Name": "",
                "Protocol": key[0],
                "AppProtocol": None,
                "Port": key[1],
                "TargetPort": 0,
            }
            errors.duplicate(f"spec.ports[{index}]", {**printed, "NodePort": 0})
        seen.add(key)


def check_balancer(obj: Object, errors: FieldErrors) -> None:
    """Check the fields of load balancers."""
    spec = obj["spec"]
    balanced = spec["type"] == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges") or ()
    if ranges and not balanced:
        # The real server names this field as its Go struct does.
        errors.forbidden("spec.LoadBalancerSourceRanges", BALANCED_ONLY)
    for index, source in enumerate(ranges):
        errors.check_format(
            f"spec.LoadBalancerSourceRanges[{index}]", source.strip(), range_messages
        )
    if not balanced and spec.get("allocateLoadBalancerNodePorts") is not None:
        errors.forbidden("spec.allocateLoadBalancerNodePorts", BALANCED_ONLY)
    check_class(spec, errors)


def check_class(spec: Object, errors: FieldErrors) -> None:
    """Check the load balancer class."""
    balanced = spec["type"] == "LoadBalancer"
    chosen = spec.get("loadBalancerClass")
    if chosen is not None and not balanced:
        errors.forbidden("spec.loadBalancerClass", BALANCED_ONLY)
    else:
        errors.check_format("spec.loadBalancerClass", chosen, qualified_name)


def externally_accessible(spec: Object) -> bool:
    """Return whether a service can be reached from outside the cluster."""
    return spec["type"] in EXPOSED or (
        spec["type"] == "ClusterIP" and bool(spec.get("externalIPs"))
    )


def check_policies(spec: Object, errors: FieldErrors) -> None:
    """Check the traffic policies of a service."""
    external = spec.get("externalTrafficPolicy")
    if external is not None:
        if externally_accessible(spec):
            errors.check_choice("spec.externalTrafficPolicy", external, POLICIES)
        else:
            errors.invalid(
                "spec.externalTrafficPolicy",
                external,
                "may only be set for externally-accessible services",
            )
    errors.check_choice("spec.internalTrafficPolicy", spec.get("internalTrafficPolicy"), POLICIES)
    errors.check_choice("spec.trafficDistribution", spec.get("trafficDistribution"), DISTRIBUTIONS)
