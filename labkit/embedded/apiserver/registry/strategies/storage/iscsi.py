"""Validation of iSCSI volumes.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.storage.source_rules import Rule, names_secret, needs, ordinary
from labkit.embedded.machinery.request import Object

PORTAL_NAMES = {
    "iqn": re.compile(r"iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9.-]+:[^,;*&$|\s]+"),
    "eui": re.compile(r"eui.[A-Za-z0-9]{16}"),
    "naa": re.compile(r"naa.[A-Za-z0-9]{32}"),
}
"""The forms of iSCSI names by prefix."""


def iscsi(source: Object, path: str, errors: FieldErrors) -> None:
    """Check an iSCSI volume of a pod."""
    _check_iscsi(source, path, "must be valid format starting with iqn, eui, or naa", ordinary, errors)


def iscsi_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a persistent iSCSI volume, whose secret has a name."""
    _check_iscsi(source, path, "must be valid format", names_secret("name"), errors)


def _check_iscsi(source: Object, path: str, start: str, secret: Rule, errors: FieldErrors) -> None:
    needs("targetPortal", "iqn")(source, path, errors)
    if source.get("iqn"):
        _check_portal_name(source["iqn"], f"{path}.iqn", start, errors)
    errors.check_between(f"{path}.lun", source.get("lun", 0), 0, 255)
    asks = source.get("chapAuthDiscovery") or source.get("chapAuthSession")
    if asks and source.get("secretRef") is None:
        errors.required(f"{path}.secretRef")
    secret(source, path, errors)
    initiator = source.get("initiatorName")
    if initiator is not None:
        _check_portal_name(initiator, f"{path}.initiatorname", start, errors)


def too_long_for_portal(source: Object, name: str) -> bool:
    """Whether ``<volume name>:<portal>`` is too long for an initiator name."""
    portal = f"{name}:{source.get('targetPortal', '')}"
    return source.get("initiatorName") is not None and len(portal.encode()) > 64


TOO_LONG_FOR_PORTAL = (
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters "
    "if iscsi.initiatorName is specified."
)


def _check_portal_name(name: str, path: str, start: str, errors: FieldErrors) -> None:
    form = PORTAL_NAMES.get(name[:3])
    if form is None:
        errors.invalid(path, name, start)
    elif not form.fullmatch(name):
        errors.invalid(path, name, "must be valid format")
