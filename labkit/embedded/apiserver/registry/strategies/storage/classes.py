"""The strategy of StorageClasses.

Source: k8s.io/kubernetes ``pkg/apis/storage``.
"""

from __future__ import annotations

from collections import Counter

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import MAX_CAUSES, FieldErrors
from labkit.embedded.apiserver.registry.names import qualified_name
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


class StorageClassStrategy(Strategy):
    """Storage classes."""

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
        check_topologies(obj.get("allowedTopologies") or [], errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        if (new.get("parameters") or {}) != (old.get("parameters") or {}):
            errors.check_unchanged("parameters", new.get("parameters"), old.get("parameters"))
        errors.check_unchanged("provisioner", new.get("provisioner", ""), old.get("provisioner", ""))
        for field in ("reclaimPolicy", "volumeBindingMode"):
            errors.check_unchanged(field, new.get(field), old.get(field))


def check_topologies(topologies: list[Object], errors: FieldErrors) -> None:
    """Check allowed topologies: terms that differ, with keys and values that differ.

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
            errors.check_present(f"{place}.values", values)
            before: set[str] = set()
            for position, value in enumerate(values):
                errors.check_unique(f"{place}.values[{position}]", value, before)
            errors.check_format(f"{place}.key", key, qualified_name)
            if key in keys:
                errors.duplicate(f"{place}.key", key)
            keys[key] = frozenset(values)
        mine = frozenset(keys.items())
        for _ in range(min(known[mine], MAX_CAUSES)):
            errors.duplicate(path, "")
        known[mine] += 1
