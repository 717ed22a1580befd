"""The strategy of RuntimeClasses.

Source: k8s.io/kubernetes ``pkg/apis/node/validation``, ``pkg/registry/node/runtimeclass``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_labels
from labkit.embedded.apiserver.registry.names import dns_label
from labkit.embedded.apiserver.registry.strategies.pods.resources import check_resources
from labkit.embedded.apiserver.registry.strategies.pods.scheduling import check_tolerations
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


class RuntimeClassStrategy(Strategy):
    """Runtime classes."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        errors.check_required("handler", obj.get("handler", ""), dns_label)
        overhead, scheduling = obj.get("overhead"), obj.get("scheduling")
        if overhead is not None:
            check_resources({"limits": overhead.get("podFixed")}, "overhead", errors)
        if scheduling is None:
            return
        validate_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector", errors)
        tolerations, path = scheduling.get("tolerations") or [], "scheduling.tolerations"
        check_tolerations(tolerations, path, errors)
        seen: set[tuple[str, ...]] = set()
        for index, toleration in enumerate(tolerations):
            key = tuple(toleration.get(name, "") for name in ("key", "operator", "value", "effect"))
            if key in seen:
                shown = dict(zip(("Key", "Operator", "Value", "Effect"), key, strict=True))
                shown["TolerationSeconds"] = toleration.get("tolerationSeconds")
                errors.duplicate(f"{path}[{index}]", shown)
            seen.add(key)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        errors.check_unchanged("handler", new.get("handler", ""), old.get("handler", ""))
