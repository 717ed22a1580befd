"""Ingresses and their classes.

Source: k8s.io/kubernetes ``pkg/apis/networking/{v1/defaults,validation}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import immutable
from labkit.embedded.apiserver.registry.names import (
    address_messages,
    dns_label,
    dns_subdomain,
    ip_address,
    path_segment_name,
    port_name,
    port_number,
    regex_error,
    wildcard_subdomain,
)
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
BAD_ENDINGS = ("/..", "/.")
HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"

CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def _points(ingress: Object) -> list[Object]:
    """Where traffic comes in, as the status says."""
    return ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []


@dataclass
class IngressStrategy(Strategy):
    """Ingresses."""

    generation: bool = True
    status: bool = True

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"loadBalancer": {}}

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        known = {entry.get("ip") for entry in _points(old)}
        for index, entry in enumerate(_points(new)):
            place, address, host = f"status.loadBalancer.ingress[{index}]", entry.get("ip"), entry.get("hostname")
            for message in address_messages(address) if address and address not in known else ():
                errors.invalid(f"{place}.ip", address, message)
            for message in dns_subdomain(host) if host else ():
                errors.invalid(f"{place}.hostname", host, message)
            if host and ip_address(host):
                errors.invalid(f"{place}.hostname", host, "must be a DNS name, not an IP address")

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        backend = spec.get("defaultBackend")
        if not spec.get("rules") and backend is None:
            errors.invalid("spec", None, "either `defaultBackend` or `rules` must be specified")
        if backend is not None:
            check_backend(backend, "spec.defaultBackend", errors)
        for index, rule in enumerate(spec.get("rules") or ()):
            self._check_rule(rule, f"spec.rules[{index}]", errors)
        for index, tls in enumerate(spec.get("tls") or ()):
            for number, host in enumerate(tls.get("hosts") or ()):
                _check_host(host, f"spec.tls[{index}].hosts[{number}]", errors)
            secret = tls.get("secretName", "")
            for message in dns_subdomain(secret) if secret else ():
                errors.invalid(f"spec.tls[{index}].secretName", secret, message)
        name = spec.get("ingressClassName")
        for message in dns_subdomain(name) if name is not None else ():
            errors.invalid("spec.ingressClassName", name, message)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        notes = obj["metadata"].get("annotations") or {}
        if old is not None or CLASS_ANNOTATION not in notes or obj["spec"].get("ingressClassName") is not None:
            return []
        return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]

    def _check_rule(self, rule: Object, path: str, errors: FieldErrors) -> None:
        host = rule.get("host", "")
        if host:
            if ip_address(host):
                errors.invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
            _check_host(host, f"{path}.host", errors)
        http = rule.get("http")
        if http is None:
            return
        if not http.get("paths"):
            errors.required(f"{path}.http.paths")
        for number, place in enumerate(http.get("paths") or ()):
            _check_path(place, f"{path}.http.paths[{number}]", errors)


def _check_host(host: str, path: str, errors: FieldErrors) -> None:
    for message in (wildcard_subdomain if "*" in host else dns_subdomain)(host):
        errors.invalid(path, host, message)


def _check_path(place: Object, path: str, errors: FieldErrors) -> None:
    kind, text = place.get("pathType"), place.get("path", "")
    if kind is None:
        errors.required(f"{path}.pathType", "pathType must be specified")
        return
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            errors.invalid(f"{path}.path", text, "must be an absolute path")
        for part in BAD_SEQUENCES:
            if part in text:
                errors.invalid(f"{path}.path", text, f"must not contain '{part}'")
        for part in BAD_ENDINGS:
            if text.endswith(part):
                errors.invalid(f"{path}.path", text, f"cannot end with '{part}'")
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            errors.invalid(f"{path}.path", text, "must be an absolute path")
    else:
        errors.not_supported(f"{path}.pathType", kind, ["Exact", "ImplementationSpecific", "Prefix"])
    check_backend(place["backend"], f"{path}.backend", errors)


def check_backend(backend: Object, path: str, errors: FieldErrors) -> None:
    """Where requests go: to a service's port, or to another object."""
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        errors.invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        _check_reference(resource, f"{path}.resource", errors)
    elif service is not None:
        name = service.get("name", "")
        if not name:
            errors.required(f"{path}.service.name")
        for message in dns_label(name) if name else ():
            errors.invalid(f"{path}.service.name", name, message)
        port = service.get("port") or {}
        if port.get("name") and port.get("number"):
            errors.invalid(path, "", "cannot set both port name & port number")
        elif port.get("name"):
            for message in port_name(port["name"]):
                errors.invalid(f"{path}.service.port.name", port["name"], message)
        elif port.get("number"):
            for message in port_number(port["number"]):
                errors.invalid(f"{path}.service.port.number", port["number"], message)
        else:
            errors.required(path, "port name or number is required")
    else:
        errors.invalid(path, "", "resource or service backend is required")


def _check_reference(reference: Object, path: str, errors: FieldErrors) -> None:
    group = reference.get("apiGroup")
    for message in dns_subdomain(group) if group is not None else ():
        errors.invalid(f"{path}.apiGroup", group, message)
    for field in ("kind", "name"):
        value = reference.get(field, "")
        if not value:
            errors.required(f"{path}.{field}")
        for message in path_segment_name(value, False):
            errors.invalid(f"{path}.{field}", value, message)


@dataclass
class IngressClassStrategy(Strategy):
    """Ingress classes."""

    generation: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        parameters = obj["spec"].get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        controller = obj["spec"].get("controller", "")
        if len(controller) > 250:
            errors.too_long("spec.controller", 250)
        check_domain_path(controller, "spec.controller", errors)
        parameters = obj["spec"].get("parameters")
        if parameters is None:
            return
        path = "spec.parameters"
        _check_reference(parameters, path, errors)
        scope, namespace = parameters.get("scope"), parameters.get("namespace")
        if scope not in ("Cluster", "Namespace"):
            errors.not_supported(f"{path}.scope", scope, ["Cluster", "Namespace"])
        elif scope == "Namespace" and namespace is None:
            errors.required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
        elif scope == "Namespace":
            for message in dns_label(namespace):
                errors.invalid(f"{path}.namespace", namespace, message)
        elif namespace is not None:
            errors.forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        immutable(new["spec"].get("controller", ""), old["spec"].get("controller", ""), "spec.controller", errors)
        self.check(new, errors)


def check_domain_path(value: str, path: str, errors: FieldErrors) -> None:
    """A domain, a slash and a path, such as ``acme.io/foo``."""
    if not value:
        errors.required(path)
        return
    host, _, rest = value.partition("/")
    if not host or not rest:
        errors.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    for message in dns_subdomain(host):
        errors.invalid(path, host, message)
    if not re.fullmatch(HTTP_PATH, rest):
        errors.invalid(path, rest, regex_error("Invalid path", HTTP_PATH))
