"""Endpoint slices.

Source: k8s.io/kubernetes ``pkg/apis/discovery/validation``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.names import dns_label, dns_subdomain, port_number, qualified_name
from labkit.apiserver.registry.strategies.nodes import check_ordinary
from labkit.apiserver.registry.strategy import Strategy
from labkit.apiserver.request import Object

MAX_ENDPOINTS, MAX_ADDRESSES = 1000, 100
PROTOCOLS = ("SCTP", "TCP", "UDP")


@dataclass
class EndpointSliceStrategy(Strategy):
    """Endpoint slices."""

    generation: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        for port in obj.get("ports") or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")

    def count_generation(self, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        same = all(new.get(name) == old.get(name) for name in ("endpoints", "ports", "addressType"))
        new["metadata"]["generation"] = old["metadata"].get("generation", 1) + (0 if same else 1)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        kind = obj.get("addressType", "")
        if not kind:
            errors.required("addressType")
        elif kind not in ("IPv4", "IPv6", "FQDN"):
            errors.not_supported("addressType", kind, ["IPv4", "IPv6", "FQDN"])
        endpoints, ports = obj.get("endpoints") or [], obj.get("ports") or []
        if len(endpoints) > MAX_ENDPOINTS:
            errors.too_many("endpoints", len(endpoints), MAX_ENDPOINTS)
        else:
            for index, endpoint in enumerate(endpoints):
                _check_endpoint(endpoint, kind, f"endpoints[{index}]", errors)
        names: set[str] = set()
        for index, port in enumerate(ports):
            _check_port(port, names, f"ports[{index}]", errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        if new.get("addressType") != old.get("addressType"):
            errors.invalid("addressType", new.get("addressType"), "field is immutable")


def _check_endpoint(endpoint: Object, kind: str, path: str, errors: FieldErrors) -> None:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        errors.required(f"{path}.addresses", "must contain at least 1 address")
    elif len(addresses) > MAX_ADDRESSES:
        errors.too_many(f"{path}.addresses", len(addresses), MAX_ADDRESSES)
    for index, address in enumerate(addresses):
        place = f"{path}.addresses[{index}]"
        if kind in ("IPv4", "IPv6"):
            if not _is_address(address, int(kind[-1])):
                errors.invalid(place, address, f"must be a valid {kind} address")
            check_ordinary(address, place, errors)
        elif kind == "FQDN":
            _check_domain(address, place, errors)
    node, host = endpoint.get("nodeName"), endpoint.get("hostname")
    for message in dns_subdomain(node) if node is not None else ():
        errors.invalid(f"{path}.nodeName", node, message)
    for message in dns_label(host) if host is not None else ():
        errors.invalid(f"{path}.hostname", host, message)


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _check_domain(text: str, path: str, errors: FieldErrors) -> None:
    if not text:
        errors.required(path)
        return
    name = text.removesuffix(".")
    messages = dns_subdomain(name)
    if messages:
        errors.invalid(path, name, ",".join(messages))
    elif "." not in name:
        errors.invalid(path, name, "should be a domain with at least two segments separated by dots")


def _check_port(port: Object, names: set[str], path: str, errors: FieldErrors) -> None:
    name, number = port.get("name") or "", port.get("port")
    for message in dns_label(name) if name else ():
        errors.invalid(f"{path}.name", name, message)
    if name in names:
        errors.duplicate(f"{path}.name", name)
    names.add(name)
    for message in port_number(number) if number is not None else ():
        errors.invalid(f"{path}.port", number, message)
    if port.get("protocol") not in PROTOCOLS:
        errors.not_supported(f"{path}.protocol", port.get("protocol"), PROTOCOLS)
    application = port.get("appProtocol")
    for message in qualified_name(application) if application is not None else ():
        errors.invalid(f"{path}.appProtocol", application, message)
