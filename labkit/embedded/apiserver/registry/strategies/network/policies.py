"""The strategy of NetworkPolicies.

Source: k8s.io/kubernetes ``pkg/apis/networking/validation``.
"""

from __future__ import annotations

import ipaddress

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_selector
from labkit.embedded.apiserver.registry.names import range_messages
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_port
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


class NetworkPolicyStrategy(Strategy):
    """Network policies."""

    generation = True
    full_checks = 0

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction) or ():
                for port in rule.get("ports") or ():
                    port.setdefault("protocol", "TCP")
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        validate_selector(spec.get("podSelector"), "spec.podSelector", errors)
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate(spec.get(direction) or ()):
                place = f"spec.{direction}[{index}]"
                for number, port in enumerate(rule.get("ports") or ()):
                    errors.check_choice(
                        f"{place}.ports[{number}].protocol",
                        port["protocol"],
                        ("TCP", "UDP", "SCTP"),
                    )
                    self._check_port(port, f"{place}.ports[{number}]", errors)
                for number, peer in enumerate(rule.get(peers) or ()):
                    self._check_peer(peer, f"{place}.{peers}[{number}]", errors)
        for index, kind in enumerate(spec.get("policyTypes") or ()):
            errors.check_choice(f"spec.policyTypes[{index}]", kind, ["Ingress", "Egress"])

    def _check_peer(self, peer: Object, path: str, errors: FieldErrors) -> None:
        validate_selector(peer.get("podSelector"), f"{path}.podSelector", errors)
        validate_selector(peer.get("namespaceSelector"), f"{path}.namespaceSelector", errors)
        block = peer.get("ipBlock")
        if block is not None:
            self._check_block(block, f"{path}.ipBlock", errors)

    def _check_block(self, block: Object, path: str, errors: FieldErrors) -> None:
        cidr = block.get("cidr", "")
        errors.check_required(f"{path}.cidr", cidr, range_messages)
        whole = network(cidr)
        if whole is None:
            return
        for index, text in enumerate(block.get("except") or ()):
            errors.check_format(f"{path}.except[{index}]", text, range_messages)
            part = network(text)
            if part is None:
                continue
            inside = part.version == whole.version and part.network_address in whole
            if not inside or whole.prefixlen >= part.prefixlen:
                errors.invalid(f"{path}.except[{index}]", text, "must be a strict subset of `cidr`")

    def _check_port(self, port: Object, path: str, errors: FieldErrors) -> None:
        number, end = port.get("port"), port.get("endPort")
        if isinstance(number, str) and end is not None:
            errors.invalid(
                f"{path}.endPort", end, "may not be specified when `port` is non-numeric"
            )
        if number is not None:
            check_port(number, f"{path}.port", errors)


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Parse a CIDR; None if it is invalid."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
