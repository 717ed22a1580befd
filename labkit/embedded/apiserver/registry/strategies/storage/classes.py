"""Storage classes.

Source: k8s.io/kubernetes ``pkg/apis/storage``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import MAX_CAUSES, FieldErrors
from labkit.embedded.apiserver.registry.metadata import immutable
from labkit.embedded.apiserver.registry.names import qualified_name
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


@dataclass
class StorageClassStrategy(Strategy):
    """Storage classes."""

    returns_deleted: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        provisioner = obj.get("provisioner", "")
        if not provisioner:
            errors.required("provisioner")
        else:
            for message in qualified_name(provisioner.lower()):
                errors.invalid("provisioner", provisioner.lower(), message)
        if obj.get("reclaimPolicy") not in ("", "Delete", "Retain"):
            errors.not_supported("reclaimPolicy", obj.get("reclaimPolicy", ""), ["Delete", "Retain"])
        mode = obj.get("volumeBindingMode")
        if mode not in ("Immediate", "WaitForFirstConsumer"):
            errors.not_supported("volumeBindingMode", mode, ["Immediate", "WaitForFirstConsumer"])
        check_topologies(obj.get("allowedTopologies") or [], errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        if (new.get("parameters") or {}) != (old.get("parameters") or {}):
            immutable(new.get("parameters"), old.get("parameters"), "parameters", errors)
        immutable(new.get("provisioner", ""), old.get("provisioner", ""), "provisioner", errors)
        for field in ("reclaimPolicy", "volumeBindingMode"):
            if new.get(field) != old.get(field):
                errors.invalid(field, new.get(field), "field is immutable")


def check_topologies(topologies: list[Object], errors: FieldErrors) -> None:
    """Where a storage class has volumes: terms that differ, each with keys and values that differ.

    The real server starts with as many empty terms as there are terms, so it calls an empty one a duplicate.
    """
    known: Counter[frozenset[tuple[str, frozenset[str]]]] = Counter({frozenset(): len(topologies)})
    for index, term in enumerate(topologies):
        if len(errors) >= MAX_CAUSES:
            return
        path = f"allowedTopologies[{index}].matchLabelExpressions"
        keys: dict[str, frozenset[str]] = {}
        for number, expression in enumerate(term.get("matchLabelExpressions") or ()):
            place, key = f"{path}[{number}]", expression.get("key", "")
            values = expression.get("values") or []
            if not values:
                errors.required(f"{place}.values")
            before: set[str] = set()
            for position, value in enumerate(values):
                if value in before:
                    errors.duplicate(f"{place}.values[{position}]", value)
                before.add(value)
            for message in qualified_name(key):
                errors.invalid(f"{place}.key", key, message)
            if key in keys:
                errors.duplicate(f"{place}.key", key)
            keys[key] = frozenset(values)
        mine = frozenset(keys.items())
        for _ in range(min(known[mine], MAX_CAUSES)):
            errors.duplicate(path, "")
        known[mine] += 1
