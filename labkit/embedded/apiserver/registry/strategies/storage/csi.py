"""Validation of CSI volumes.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_subdomain
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


def csi_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a persistent CSI volume."""
    check_driver_name(source.get("driver", ""), f"{path}.driver", errors)
    needs("volumeHandle")(source, path, errors)
