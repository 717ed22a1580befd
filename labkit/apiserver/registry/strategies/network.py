"""Leases, endpoint slices, network policies and ingresses.

Source: k8s.io/kubernetes ``pkg/apis/{coordination,discovery,networking}/validation``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import validate_selector
from labkit.apiserver.registry.names import dns_label, dns_subdomain, wildcard_subdomain
from labkit.apiserver.registry.strategies.core import check_port
from labkit.apiserver.registry.strategy import Strategy
from labkit.apiserver.request import Object


@dataclass
class LeaseStrategy(Strategy):
    """Leases."""

    create_on_update: bool = True
    unconditional_update: bool = False

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        seconds = spec.get("leaseDurationSeconds")
        if seconds is not None and seconds <= 0:
            errors.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
        transitions = spec.get("leaseTransitions")
        if transitions is not None and transitions < 0:
            errors.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


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

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        if new.get("addressType") != old.get("addressType"):
            errors.invalid("addressType", new.get("addressType"), "field is immutable")


@dataclass
class NetworkPolicyStrategy(Strategy):
    """Network policies."""

    generation: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction) or ():
                for port in rule.get("ports") or ():
                    port.setdefault("protocol", "TCP")
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        validate_selector(spec.get("podSelector"), "spec.podSelector", errors)
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate(spec.get(direction) or ()):
                place = f"spec.{direction}[{index}]"
                for number, port in enumerate(rule.get("ports") or ()):
                    if port.get("protocol") not in ("TCP", "UDP", "SCTP"):
                        errors.not_supported(
                            f"{place}.ports[{number}].protocol", port.get("protocol"), ["SCTP", "TCP", "UDP"]
                        )
                    if port.get("port") is not None:
                        check_port(port["port"], f"{place}.ports[{number}].port", errors)
                for number, peer in enumerate(rule.get(peers) or ()):
                    self._check_peer(peer, f"{place}.{peers}[{number}]", errors)
        for index, kind in enumerate(spec.get("policyTypes") or ()):
            if kind not in ("Ingress", "Egress"):
                errors.not_supported(f"spec.policyTypes[{index}]", kind, ["Egress", "Ingress"])

    def _check_peer(self, peer: Object, path: str, errors: FieldErrors) -> None:
        if not any(peer.get(name) is not None for name in ("podSelector", "namespaceSelector", "ipBlock")):
            errors.required(path, "must specify a peer")
        validate_selector(peer.get("podSelector"), f"{path}.podSelector", errors)
        validate_selector(peer.get("namespaceSelector"), f"{path}.namespaceSelector", errors)


@dataclass
class IngressStrategy(Strategy):
    """Ingresses."""

    generation: bool = True
    status: bool = True

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"loadBalancer": {}}

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        if not spec.get("rules") and spec.get("defaultBackend") is None:
            errors.invalid("spec", {"rules": None}, "either `defaultBackend` or `rules` must be specified")
        for index, rule in enumerate(spec.get("rules") or ()):
            host = rule.get("host", "")
            if host:
                check = wildcard_subdomain if "*" in host else dns_subdomain
                for message in check(host):
                    errors.invalid(f"spec.rules[{index}].host", host, message)
            for number, path in enumerate((rule.get("http") or {}).get("paths") or ()):
                self._check_path(path, f"spec.rules[{index}].http.paths[{number}]", errors)

    def _check_path(self, path: Object, place: str, errors: FieldErrors) -> None:
        kind = path.get("pathType")
        if kind is None:
            errors.required(f"{place}.pathType", "pathType must be specified")
        elif kind not in ("Exact", "Prefix", "ImplementationSpecific"):
            errors.not_supported(f"{place}.pathType", kind, ["Exact", "ImplementationSpecific", "Prefix"])
        elif kind in ("Exact", "Prefix") and not path.get("path", "").startswith("/"):
            errors.invalid(f"{place}.path", path.get("path", ""), "must be an absolute path")
        service = path["backend"].get("service")
        if service is None and path["backend"].get("resource") is None:
            errors.required(f"{place}.backend", "resource or service backend is required")
        elif service is not None:
            name = service.get("name", "")
            if not name:
                errors.required(f"{place}.backend.service.name")
            else:
                for message in dns_label(name):
                    errors.invalid(f"{place}.backend.service.name", name, message)


@dataclass
class IngressClassStrategy(Strategy):
    """Ingress classes."""

    generation: bool = True
