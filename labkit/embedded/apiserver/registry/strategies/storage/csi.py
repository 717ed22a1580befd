"""Volumes of CSI drivers.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain
from labkit.embedded.apiserver.registry.strategies.storage.sourcerules import needs
from labkit.embedded.machinery.request import Object


def check_driver_name(name: str, path: str, errors: FieldErrors) -> None:
    """The name of a CSI driver."""
    if not name:
        errors.required(path)
        return
    if len(name.encode()) > 63:
        errors.too_long(path, 63)
    for message in dns_subdomain(name.lower()):
        errors.invalid(path, name, message)


def csi(source: Object, path: str, errors: FieldErrors) -> None:
    """A volume that a CSI driver makes for one pod."""
    check_driver_name(source.get("driver", ""), f"{path}.driver", errors)
    secret = source.get("nodePublishSecretRef")
    if secret is None:
        return
    name = secret.get("name", "")
    if not name:
        errors.required(f"{path}.nodePublishSecretRef.name")
    for message in dns_subdomain(name) if name else ():
        errors.invalid(f"{path}.name", name, message)


def csi_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """A volume of a CSI driver."""
    check_driver_name(source.get("driver", ""), f"{path}.driver", errors)
    needs("volumeHandle")(source, path, errors)
    for field in (
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ):
        if source.get(field) is None:
            continue
        for part, rule in (("name", dns_subdomain), ("namespace", dns_label)):
            value = source[field].get(part, "")
            if not value:
                errors.required(f"{path}.{field}.{part}")
            for message in rule(value) if value else ():
                errors.invalid(f"{path}.{field}.{part}", value, message)
