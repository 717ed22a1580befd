"""The strategy of Endpoints.

Source: k8s.io/kubernetes ``pkg/apis/core/validation``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.addresses import check_not_special
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


class EndpointsStrategy(Strategy):
    """Endpoints."""

    create_on_update = True

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        for index, subset in enumerate(obj.get("subsets") or ()):
            path = f"subsets[{index}]"
            if not subset.get("addresses") and not subset.get("notReadyAddresses"):
                errors.required(path, "must specify `addresses` or `notReadyAddresses`")
            for name in ("addresses", "notReadyAddresses"):
                for number, address in enumerate(subset.get(name) or ()):
                    check_address(address, f"{path}.{name}[{number}]", errors)
            ports = subset.get("ports") or []
            for number, port in enumerate(ports):
                _check_port(port, len(ports) > 1, f"{path}.ports[{number}]", errors)

    @override
    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port.setdefault("protocol", "TCP")


def check_address(address: Object, path: str, errors: FieldErrors) -> None:
    """Check one address of endpoints."""
    text = address.get("ip", "")
    errors.check_format(f"{path}.ip", text, names.address_messages)
    errors.check_if_given(f"{path}.hostname", address.get("hostname"), names.dns_label)
    errors.check_format(f"{path}.nodeName", address.get("nodeName"), names.dns_subdomain)
    if names.ip_address(names.without_zeros(text)):
        check_not_special(text, f"{path}.ip", errors)
    else:
        errors.invalid(f"{path}.ip", text, "must be a valid IP address")


def _check_port(port: Object, named: bool, path: str, errors: FieldErrors) -> None:
    name, protocol = port.get("name", ""), port.get("protocol", "")
    if named and not name:
        errors.required(f"{path}.name")
    errors.check_if_given(f"{path}.name", name, names.dns_label)
    errors.check_format(f"{path}.port", port.get("port", 0), names.port_number)
    errors.check_required_choice(f"{path}.protocol", protocol, ["SCTP", "TCP", "UDP"])
    errors.check_format(f"{path}.appProtocol", port.get("appProtocol"), names.qualified_name)
