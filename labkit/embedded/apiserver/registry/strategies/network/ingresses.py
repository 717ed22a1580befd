"""The strategies of Ingresses and IngressClasses.

Source: k8s.io/kubernetes ``pkg/apis/networking/{v1/defaults,validation}``.
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_domain_path
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


class IngressStrategy(Strategy):
    """Ingresses, whose hosts, paths and certificates are not checked."""

    generation = True
    status = True
    new_status: ClassVar[Object] = {"loadBalancer": {}}

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        backend = spec.get("defaultBackend")
        if not spec.get("rules") and backend is None:
            errors.invalid("spec", None, "either `defaultBackend` or `rules` must be specified")
        if backend is not None:
            _check_backend(backend, "spec.defaultBackend", errors)
        for index, rule in enumerate(spec.get("rules") or ()):
            for number, place in enumerate((rule.get("http") or {}).get("paths") or ()):
                path = f"spec.rules[{index}].http.paths[{number}]"
                kind = place.get("pathType")
                errors.check_required_choice(
                    f"{path}.pathType", kind, PATH_TYPES, "pathType must be specified"
                )
                _check_backend(place["backend"], f"{path}.backend", errors)
        errors.check_format(
            "spec.ingressClassName", spec.get("ingressClassName"), names.dns_subdomain
        )


def _check_backend(backend: Object, path: str, errors: FieldErrors) -> None:
    """Check a backend: a service's port, or another object."""
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None:
        _check_reference(resource, f"{path}.resource", errors)
    elif service is not None:
        errors.check_required(f"{path}.service.name", service.get("name", ""), names.dns_label)
        port = service.get("port") or {}
        errors.check_present(
            path, port.get("name") or port.get("number"), "port name or number is required"
        )
    else:
        errors.invalid(path, "", "resource or service backend is required")


def _check_reference(reference: Object, path: str, errors: FieldErrors) -> None:
    errors.check_format(f"{path}.apiGroup", reference.get("apiGroup"), names.dns_subdomain)
    for field in ("kind", "name"):
        errors.check_required(f"{path}.{field}", reference.get(field, ""), names.path_segment_name)


class IngressClassStrategy(Strategy):
    """Ingress classes."""

    generation = True

    @override
    def default(self, obj: Object) -> None:
        parameters = obj["spec"].get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        controller = obj["spec"].get("controller", "")
        check_domain_path(controller, "spec.controller", errors)
        parameters = obj["spec"].get("parameters")
        if parameters is not None:
            _check_reference(parameters, "spec.parameters", errors)
