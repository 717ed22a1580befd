"""The strategies of ResourceQuotas and LimitRanges.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``, ``pkg/apis/core/v1/defaults.go``.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_amount
from labkit.embedded.apiserver.registry.strategies.pods.resources import check_standard_name
from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext
from labkit.embedded.machinery.quota import names
from labkit.embedded.machinery.quota.amounts import read
from labkit.embedded.machinery.request import Object

TYPES = ("Container", "PersistentVolumeClaim", "Pod")


class ResourceQuotaStrategy(Strategy):
    """ResourceQuotas. Their scopes are not checked: a quota with scopes counts nothing."""

    returns_deleted = True
    status = True
    full_checks = 0

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        _check_hard(obj["spec"].get("hard"), "spec.hard", errors)


def _check_hard(amounts: Mapping[str, Any] | None, path: str, errors: FieldErrors) -> None:
    for name, amount in sorted(read(amounts).items()):
        place = f"{path}[{name}]"
        check_standard_name(name, place, errors)
        if "/" not in name and not names.standard_in_quota(name):
            errors.invalid(place, name, "must be a standard resource for quota")
        check_amount(name, amount, place, errors)


class LimitRangeStrategy(Strategy):
    """Limit ranges, which have no effect. Their amounts are not compared."""

    create_on_update = True
    change_checks = 0

    @override
    def default(self, obj: Object) -> None:
        for item in obj["spec"].get("limits") or ():
            if item.get("type") != "Container":
                continue
            default = item.setdefault("default", {})
            request = item.setdefault("defaultRequest", {})
            for name, value in (item.get("max") or {}).items():
                default.setdefault(name, value)
            for name, value in default.items():
                request.setdefault(name, value)
            for name, value in (item.get("min") or {}).items():
                request.setdefault(name, value)
            for field in ("default", "defaultRequest"):
                if not item[field]:
                    del item[field]

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        """Generate a name for a limit range that has none."""
        super().prepare_create(context, obj)
        if not obj["metadata"].get("name"):
            obj["metadata"]["name"] = str(uuid.UUID(int=context.random.getrandbits(128), version=4))

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        seen: set[str] = set()
        for index, item in enumerate(obj["spec"].get("limits") or ()):
            path, kind = f"spec.limits[{index}].type", item.get("type", "")
            if "/" not in kind and kind not in TYPES:
                errors.invalid(path, kind, "must be a standard limit type or fully qualified")
            errors.check_unique(path, kind, seen)
