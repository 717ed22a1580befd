"""The strategies of Ingresses and IngressClasses.

Source: k8s.io/kubernetes ``pkg/apis/networking/{v1/defaults,validation}``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_domain_path
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

CLASS_ANNOTATION = "kubernetes.io/ingress.class"


class IngressStrategy(Strategy):
    """Ingresses."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
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
            errors.check_if_given(f"spec.tls[{index}].secretName", tls.get("secretName", ""), names.dns_subdomain)
        errors.check_format("spec.ingressClassName", spec.get("ingressClassName"), names.dns_subdomain)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        notes = obj["metadata"].get("annotations") or {}
        if old is not None or CLASS_ANNOTATION not in notes or obj["spec"].get("ingressClassName") is not None:
            return []
        return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]

    def _check_rule(self, rule: Object, path: str, errors: FieldErrors) -> None:
        host = rule.get("host", "")
        if host:
            if names.ip_address(host):
                errors.invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
            _check_host(host, f"{path}.host", errors)
        http = rule.get("http")
        if http is None:
            return
        errors.check_present(f"{path}.http.paths", http.get("paths"))
        for number, place in enumerate(http.get("paths") or ()):
            _check_path(place, f"{path}.http.paths[{number}]", errors)


def _check_host(host: str, path: str, errors: FieldErrors) -> None:
    errors.invalid_each(path, host, (names.wildcard_subdomain if "*" in host else names.dns_subdomain)(host))


def _check_path(place: Object, path: str, errors: FieldErrors) -> None:
    kind, text = place.get("pathType"), place.get("path", "")
    if kind is None:
        errors.required(f"{path}.pathType", "pathType must be specified")
        return
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            errors.invalid(f"{path}.path", text, "must be an absolute path")
        for part in ("//", "/./", "/../", "%2f", "%2F"):
            if part in text:
                errors.invalid(f"{path}.path", text, f"must not contain '{part}'")
        for part in ("/..", "/."):
            if text.endswith(part):
                errors.invalid(f"{path}.path", text, f"cannot end with '{part}'")
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            errors.invalid(f"{path}.path", text, "must be an absolute path")
    else:
        errors.not_supported(f"{path}.pathType", kind, ["Exact", "ImplementationSpecific", "Prefix"])
    check_backend(place["backend"], f"{path}.backend", errors)


def check_backend(backend: Object, path: str, errors: FieldErrors) -> None:
    """Check a backend: a service's port, or another object."""
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        errors.invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        _check_reference(resource, f"{path}.resource", errors)
    elif service is not None:
        errors.check_required(f"{path}.service.name", service.get("name", ""), names.dns_label)
        port = service.get("port") or {}
        if port.get("name") and port.get("number"):
            errors.invalid(path, "", "cannot set both port name & port number")
        elif port.get("name"):
            errors.check_format(f"{path}.service.port.name", port["name"], names.port_name)
        elif port.get("number"):
            errors.check_format(f"{path}.service.port.number", port["number"], names.port_number)
        else:
            errors.required(path, "port name or number is required")
    else:
        errors.invalid(path, "", "resource or service backend is required")


def _check_reference(reference: Object, path: str, errors: FieldErrors) -> None:
    errors.check_format(f"{path}.apiGroup", reference.get("apiGroup"), names.dns_subdomain)
    for field in ("kind", "name"):
        errors.check_required(f"{path}.{field}", reference.get(field, ""), names.path_segment_name)


class IngressClassStrategy(Strategy):
    """Ingress classes."""

    @override
    def default(self, obj: Object) -> None:
        parameters = obj["spec"].get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
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
            errors.check_format(f"{path}.namespace", namespace, names.dns_label)
        elif namespace is not None:
            errors.forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        errors.check_unchanged("spec.controller", new["spec"].get("controller", ""), old["spec"].get("controller", ""))
        self.check(new, errors)
