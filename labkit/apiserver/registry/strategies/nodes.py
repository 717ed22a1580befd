"""Nodes and the addresses of endpoints.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.names import (
    CIDR_MESSAGE,
    IP_MESSAGE,
    dns_label,
    dns_subdomain,
    ip_address,
    label_value,
    port_number,
    qualified_name,
)
from labkit.apiserver.registry.strategy import Strategy
from labkit.apiserver.request import Object

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
NODE_CHANGES = (
    "node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig "
    "feature gate is enabled)"
)


@dataclass
class NodeStrategy(Strategy):
    """Nodes."""

    status: bool = True

    def default(self, obj: Object) -> None:
        """The first of several address ranges stands alone as well."""
        spec = obj["spec"]
        if spec.get("podCIDR") and (spec.get("podCIDRs") or [""])[0] != spec["podCIDR"]:
            spec["podCIDRs"] = [spec["podCIDR"]]
        elif spec.get("podCIDRs") and not spec.get("podCIDR"):
            spec["podCIDR"] = spec["podCIDRs"][0]
        status = obj["status"]
        if status.get("capacity") and not status.get("allocatable"):
            status["allocatable"] = dict(status["capacity"])

    def reset_status(self, obj: Object) -> None:
        """A node comes with its status."""

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_taints(obj["spec"].get("taints") or [], "metadata.taints", errors)
        for index, text in enumerate(_ranges(obj["spec"])):
            if not _is_range(text):
                errors.invalid(f"spec.podCIDRs[{index}]", text, CIDR_MESSAGE)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        spec, before = new["spec"], old["spec"]
        check_taints(spec.get("taints") or [], "metadata.taints", errors)
        if _ranges(before) and _ranges(spec) != _ranges(before):
            errors.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')
        if before.get("providerID") and spec.get("providerID", "") != before["providerID"]:
            errors.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid')
        allowed: tuple[str, ...] = ("taints", "unschedulable", "configSource")
        fixed = {"providerID": spec.get("providerID", "")} if not before.get("providerID") else {}
        if not _ranges(before):
            allowed += ("podCIDR", "podCIDRs")
        names = (spec.keys() | before.keys()) - set(allowed) - fixed.keys()
        if any(spec.get(name) != before.get(name) for name in names):
            errors.forbidden("[]", NODE_CHANGES)


def _ranges(spec: Object) -> list[str]:
    """Address ranges; ``podCIDR`` is the first of them."""
    ranges = list(spec.get("podCIDRs") or ())
    first = spec.get("podCIDR")
    return [first, *ranges[1:]] if first else ranges


def _is_range(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def check_taints(taints: list[Object], path: str, errors: FieldErrors) -> None:
    """A node's taints: good keys and values, each key and effect once."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        place = f"{path}[{index}]"
        key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
        for message in qualified_name(key):
            errors.invalid(f"{place}.key", key, message)
        messages = label_value(value)
        if messages:
            errors.invalid(f"{place}.value", value, ";".join(messages))
        if not effect:
            errors.required(f"{place}.effect")
        elif effect not in EFFECTS:
            errors.not_supported(f"{place}.effect", effect, EFFECTS)
        if (key, effect) in seen:
            shown = {"Key": key, "Value": value, "Effect": effect, "TimeAdded": taint.get("timeAdded")}
            errors.duplicate(place, shown, "taints must be unique by key and effect pair")
        seen.add((key, effect))


@dataclass
class EndpointsStrategy(Strategy):
    """Endpoints."""

    create_on_update: bool = True

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        for index, subset in enumerate(obj.get("subsets") or ()):
            path = f"subsets[{index}]"
            ready, other = subset.get("addresses") or [], subset.get("notReadyAddresses") or []
            if not ready and not other:
                errors.required(path, "must specify `addresses` or `notReadyAddresses`")
            for name, addresses in (("addresses", ready), ("notReadyAddresses", other)):
                for number, address in enumerate(addresses):
                    check_address(address, f"{path}.{name}[{number}]", errors)
            ports = subset.get("ports") or []
            for number, port in enumerate(ports):
                _check_port(port, len(ports) > 1, f"{path}.ports[{number}]", errors)

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port.setdefault("protocol", "TCP")


def check_address(address: Object, path: str, errors: FieldErrors) -> None:
    """One address of endpoints."""
    text = address.get("ip", "")
    if not ip_address(text):
        errors.invalid(f"{path}.ip", text, IP_MESSAGE)
    if address.get("hostname"):
        for message in dns_label(address["hostname"]):
            errors.invalid(f"{path}.hostname", address["hostname"], message)
    node = address.get("nodeName")
    for message in dns_subdomain(node) if node is not None else ():
        errors.invalid(f"{path}.nodeName", node, message)
    check_ordinary(text, f"{path}.ip", errors)


def check_ordinary(text: str, path: str, errors: FieldErrors) -> None:
    """An address that other machines can reach."""
    if not ip_address(text):
        errors.invalid(path, text, "must be a valid IP address")
        return
    found = ipaddress.ip_address(text)
    if found.is_unspecified:
        errors.invalid(path, text, f"may not be unspecified ({text})")
    if found.is_loopback:
        errors.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if found.is_link_local:
        errors.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if found in ipaddress.ip_network("224.0.0.0/24" if found.version == 4 else "ff02::/16"):
        errors.invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


def _check_port(port: Object, named: bool, path: str, errors: FieldErrors) -> None:
    name, protocol = port.get("name", ""), port.get("protocol", "")
    if named and not name:
        errors.required(f"{path}.name")
    for message in dns_label(name) if name else ():
        errors.invalid(f"{path}.name", name, message)
    for message in port_number(port.get("port", 0)):
        errors.invalid(f"{path}.port", port.get("port", 0), message)
    if not protocol:
        errors.required(f"{path}.protocol")
    elif protocol not in ("SCTP", "TCP", "UDP"):
        errors.not_supported(f"{path}.protocol", protocol, ["SCTP", "TCP", "UDP"])
    application = port.get("appProtocol")
    for message in qualified_name(application) if application is not None else ():
        errors.invalid(f"{path}.appProtocol", application, message)
