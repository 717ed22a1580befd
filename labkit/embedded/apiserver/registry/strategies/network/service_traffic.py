"""What reaches a service, and how: ports, external addresses, load balancers, traffic policies.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidateService``).
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import address_messages, port_number, qualified_name, range_messages
from labkit.embedded.apiserver.registry.strategies.fields.addresses import check_not_special
from labkit.embedded.machinery.request import Object

BALANCED_ONLY = "may only be used when `type` is 'LoadBalancer'"
EXPOSED = ("NodePort", "LoadBalancer")
POLICIES = ("Cluster", "Local")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
CHECKED_ONLY = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"


def check_external_addresses(spec: Object, errors: FieldErrors) -> None:
    """Addresses outside of the cluster at which a service is to be had."""
    for index, address in enumerate(spec.get("externalIPs") or ()):
        path = f"spec.externalIPs[{index}]"
        if errors.check_format(path, address, address_messages):
            check_not_special(address, path, errors)


def check_uniqueness(spec: Object, ports: list[Object], errors: FieldErrors) -> None:
    """No two ports are the same, and only services of some types have node ports."""
    if spec["type"] == "ClusterIP":
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                errors.forbidden(f"spec.ports[{index}].nodePort", "may not be used when `type` is 'ClusterIP'")
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
            shown = {"Name": "", "Protocol": key[0], "AppProtocol": None, "Port": key[1], "TargetPort": 0}
            errors.duplicate(f"spec.ports[{index}]", {**shown, "NodePort": 0})
        seen.add(key)


def check_balancer(obj: Object, errors: FieldErrors) -> None:
    """What only load balancers have."""
    spec = obj["spec"]
    balanced = spec["type"] == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges") or ()
    if ranges and not balanced:
        errors.forbidden("spec.LoadBalancerSourceRanges", BALANCED_ONLY)
    for index, source in enumerate(ranges):
        errors.check_format(f"spec.LoadBalancerSourceRanges[{index}]", source.strip(), range_messages)
    if not balanced and spec.get("allocateLoadBalancerNodePorts") is not None:
        errors.forbidden("spec.allocateLoadBalancerNodePorts", BALANCED_ONLY)
    check_class(spec, errors)


def check_class(spec: Object, errors: FieldErrors) -> None:
    """Which load balancer is meant."""
    balanced, chosen = spec["type"] == "LoadBalancer", spec.get("loadBalancerClass")
    if chosen is not None and not balanced:
        errors.forbidden("spec.loadBalancerClass", BALANCED_ONLY)
    elif chosen is not None:
        errors.check_format("spec.loadBalancerClass", chosen, qualified_name)


def externally_accessible(spec: Object) -> bool:
    """Whether a service is to be had from outside of the cluster."""
    return spec["type"] in EXPOSED or (spec["type"] == "ClusterIP" and bool(spec.get("externalIPs")))


def checks_health(spec: Object) -> bool:
    """Whether a load balancer must ask which nodes have pods of the service."""
    return spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def check_policies(spec: Object, errors: FieldErrors) -> None:
    """How traffic from outside and inside is led to pods."""
    external = spec.get("externalTrafficPolicy")
    if external is not None:
        if not externally_accessible(spec):
            errors.invalid("spec.externalTrafficPolicy", external, "may only be set for externally-accessible services")
        elif external not in POLICIES:
            errors.not_supported("spec.externalTrafficPolicy", external, POLICIES)
    number = spec.get("healthCheckNodePort", 0)
    if not checks_health(spec):
        if number:
            errors.invalid("spec.healthCheckNodePort", number, CHECKED_ONLY)
    elif number:
        errors.check_format("spec.healthCheckNodePort", number, port_number)
    internal = spec.get("internalTrafficPolicy")
    errors.check_choice("spec.internalTrafficPolicy", internal, POLICIES)
    distribution = spec.get("trafficDistribution")
    errors.check_choice("spec.trafficDistribution", distribution, DISTRIBUTIONS)
