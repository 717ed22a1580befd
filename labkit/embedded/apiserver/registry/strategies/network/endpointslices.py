"""The strategy of EndpointSlices.

Source: k8s.io/kubernetes ``pkg/apis/discovery/validation``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from typing_extensions import override

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.addresses import check_not_special
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

MAX_ENDPOINTS, MAX_ADDRESSES, MAX_PORTS, MAX_HINTS = 1000, 100, 20000, 8
TYPES = ("FQDN", "IPv4", "IPv6")
PROTOCOLS = ("SCTP", "TCP", "UDP")


class EndpointSliceStrategy(Strategy):
    """Endpoint slices."""

    generation = True
    change_checks = 0

    @override
    def default(self, obj: Object) -> None:
        for port in obj.get("ports") or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        kind = obj.get("addressType", "")
        errors.check_required_choice("addressType", kind, TYPES)
        endpoints, ports = obj.get("endpoints") or [], obj.get("ports") or []
        seen: set[str] = set()
        if errors.check_count("ports", ports, MAX_PORTS):
            for index, port in enumerate(ports):
                _check_port(port, seen, f"ports[{index}]", errors)
        if errors.check_count("endpoints", endpoints, MAX_ENDPOINTS):
            for index, endpoint in enumerate(endpoints):
                _check_endpoint(endpoint, kind, f"endpoints[{index}]", errors)


def _check_endpoint(endpoint: Object, kind: str, path: str, errors: FieldErrors) -> None:
    addresses = endpoint.get("addresses") or []
    errors.check_present(f"{path}.addresses", addresses, "must contain at least 1 address")
    errors.check_count(f"{path}.addresses", addresses, MAX_ADDRESSES)
    for index, address in enumerate(addresses):
        place = f"{path}.addresses[{index}]"
        if kind in ("IPv4", "IPv6"):
            if not errors.check_format(place, address, names.address_messages):
                continue
            if ipaddress.ip_address(address).version != int(kind[-1]):
                errors.invalid(f"{path}.addresses", address, f"must be an {kind} address")
            check_not_special(address, place, errors)
    node, host = endpoint.get("nodeName"), endpoint.get("hostname")
    errors.check_format(f"{path}.nodeName", node, names.dns_subdomain)
    errors.check_format(f"{path}.hostname", host, names.dns_label)
    hints = endpoint.get("hints") or {}
    if _check_hints(
        hints.get("forZones") or [], names.label_value, f"{path}.hints.forZones", errors
    ):
        _check_hints(
            hints.get("forNodes") or [], names.dns_subdomain, f"{path}.hints.forNodes", errors
        )


def _check_hints(
    hints: list[Object], rule: Callable[[str], list[str]], path: str, errors: FieldErrors
) -> bool:
    """Check the names of zones or nodes; return whether there are not too many."""
    if not errors.check_count(path, hints, MAX_HINTS):
        return False
    seen: set[str] = set()
    for index, hint in enumerate(hints):
        name, place = hint.get("name", ""), f"{path}[{index}].name"
        errors.check_unique(place, name, seen)
        errors.check_format(place, name, rule)
    return True


def _check_port(port: Object, seen: set[str], path: str, errors: FieldErrors) -> None:
    name = port.get("name") or ""
    errors.check_if_given(f"{path}.name", name, names.dns_label)
    errors.check_unique(f"{path}.name", name, seen)
    errors.check_choice(f"{path}.protocol", port["protocol"], PROTOCOLS)
    errors.check_format(f"{path}.appProtocol", port.get("appProtocol"), names.qualified_name)
