"""Validation of CSI volumes.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain
from labkit.embedded.apiserver.registry.strategies.storage.source_rules import needs
from labkit.embedded.machinery.request import Object


def check_driver_name(name: str, path: str, errors: FieldErrors) -> None:
    """Check the name of a CSI driver."""
    errors.check_present(path, name)
    errors.check_length(path, name, 63)
    errors.check_if_given(path, name, lambda name: dns_subdomain(name.lower()))


def csi(source: Object, path: str, errors: FieldErrors) -> None:
    """Check an inline CSI volume."""
    check_driver_name(source.get("driver", ""), f"{path}.driver", errors)
    secret = source.get("nodePublishSecretRef")
    if secret is None:
        return
    name = secret.get("name", "")
    errors.check_present(f"{path}.nodePublishSecretRef.name", name)
    errors.check_if_given(f"{path}.name", name, dns_subdomain)


def csi_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a persistent CSI volume."""
    check_driver_name(source.get("driver", ""), f"{path}.driver", errors)
    needs("volumeHandle")(source, path, errors)
    for action in ("controllerPublish", "controllerExpand", "nodePublish", "nodeExpand"):
        field = f"{action}SecretRef"
        if source.get(field) is None:
            continue
        for part, rule in (("name", dns_subdomain), ("namespace", dns_label)):
            errors.check_required(f"{path}.{field}.{part}", source[field].get(part, ""), rule)
