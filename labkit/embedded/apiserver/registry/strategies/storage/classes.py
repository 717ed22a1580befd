"""The strategy of StorageClasses.

Source: k8s.io/kubernetes ``pkg/apis/storage``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import qualified_name
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


class StorageClassStrategy(Strategy):
    """Storage classes."""

    returns_deleted = True

    @override
    def default(self, obj: Object) -> None:
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        provisioner = obj.get("provisioner", "")
        errors.check_required("provisioner", provisioner.lower(), qualified_name)
        errors.check_choice("reclaimPolicy", obj["reclaimPolicy"] or None, ("Delete", "Retain"))
        modes = ("Immediate", "WaitForFirstConsumer")
        errors.check_choice("volumeBindingMode", obj["volumeBindingMode"], modes)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        if (new.get("parameters") or {}) != (old.get("parameters") or {}):
            errors.check_unchanged("parameters", new.get("parameters"), old.get("parameters"))
        errors.check_unchanged(
            "provisioner", new.get("provisioner", ""), old.get("provisioner", "")
        )
        for field in ("reclaimPolicy", "volumeBindingMode"):
            errors.check_unchanged(field, new.get(field), old.get(field))
