"""Endpoints: the addresses behind a service, as they were written before there were slices of them.

Source: k8s.io/kubernetes ``pkg/apis/core/validation``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import (
    address_messages,
    dns_label,
    dns_subdomain,
    ip_address,
    port_number,
    qualified_name,
)
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


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
    for message in address_messages(text):
        errors.invalid(f"{path}.ip", text, message)
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
