"""The strategies of ResourceQuotas and LimitRanges.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``, ``pkg/apis/core/v1/defaults.go``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import qualified_name
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_amount
from labkit.embedded.apiserver.registry.strategies.pods.resources import (
    check_resource_name,
    check_standard_name,
)
from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext
from labkit.embedded.machinery.quota import names
from labkit.embedded.machinery.quota.amounts import Amount, Amounts, read, read_one
from labkit.embedded.machinery.quota.evaluators import scopes
from labkit.embedded.machinery.request import Object

EXISTS_ONLY = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
SCOPES = (*EXISTS_ONLY, "PriorityClass", "VolumeAttributesClass")
PODS_ONLY = ("pods",)
CLAIMS_ONLY = ("persistentvolumeclaims", "requests.storage")
OPPOSITES = (("BestEffort", "NotBestEffort"), ("NotTerminating", "Terminating"))
ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
TYPES = ("Container", "PersistentVolumeClaim", "Pod")
MAX_MILLIS = (2**63 - 1) // 1000


class ResourceQuotaStrategy(Strategy):
    """ResourceQuotas, whose scopes are immutable."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        _check_hard(spec.get("hard"), "spec.hard", errors)
        _check_scopes(spec, errors)
        _check_selector(spec, errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        wanted = new["spec"].get("scopes") or []
        if set(wanted) != set(old["spec"].get("scopes") or ()):
            errors.invalid("spec.scopes", wanted or None, "field is immutable")


def _check_hard(amounts: Mapping[str, Any] | None, path: str, errors: FieldErrors) -> None:
    for name, amount in sorted(read(amounts).items()):
        place = f"{path}[{name}]"
        check_standard_name(name, place, errors)
        if "/" not in name and not names.standard_in_quota(name):
            errors.invalid(place, name, "must be a standard resource for quota")
        check_amount(name, amount, place, errors)


def _fits(scope: str, resource: str) -> bool:
    """Whether a quota of this scope may bound a resource."""
    if scope == "BestEffort":
        return resource in PODS_ONLY
    if scope == "VolumeAttributesClass":
        return resource in CLAIMS_ONLY
    return scope not in SCOPES or resource in PODS_ONLY or resource in names.COMPUTE


def _unfitting(scope: str, hard: Iterable[str]) -> int:
    return sum(1 for name in hard if names.standard_in_quota(name) and not _fits(scope, name))


def _check_scopes(spec: Object, errors: FieldErrors) -> None:
    chosen = spec.get("scopes") or []
    for scope in chosen:
        if scope not in SCOPES:
            errors.invalid("spec.scopes", chosen, "unsupported scope")
        for _ in range(_unfitting(scope, spec.get("hard") or ())):
            errors.invalid("spec.scopes", chosen, "unsupported scope applied to resource")
    _check_opposites(chosen, "spec.scopes", chosen, errors)


def _check_opposites(chosen: Iterable[str], path: str, scopes: list[str], errors: FieldErrors) -> None:
    for pair in OPPOSITES:
        if set(pair) <= set(chosen):
            errors.invalid(path, scopes or None, "conflicting scopes")


def _check_selector(spec: Object, errors: FieldErrors) -> None:
    """Check the scopes of a selector, which messages print as Go's internal struct."""
    if spec.get("scopeSelector") is None:
        return
    path = "spec.scopeSelector.matchExpressions"
    requirements = list(scopes({"scopeSelector": spec["scopeSelector"]}))
    items = [
        {"ScopeName": item.get("scopeName", ""), "Operator": item.get("operator", ""), "Values": item.get("values")}
        for item in requirements
    ]
    shown = {"MatchExpressions": items}
    for item in requirements:
        scope, operator, values = item.get("scopeName", ""), item.get("operator", ""), item.get("values") or []
        if scope not in SCOPES:
            errors.invalid(f"{path}.scopeName", scope, "unsupported scope")
        for _ in range(_unfitting(scope, spec.get("hard") or ())):
            errors.invalid(path, shown, "unsupported scope applied to resource")
        if scope in EXISTS_ONLY and operator != "Exists":
            errors.invalid(f"{path}.operator", operator, ONLY_EXISTS)
        if operator in ("In", "NotIn"):
            why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errors.check_present(f"{path}.values", values, why)
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                errors.invalid(f"{path}.values", values, why)
        else:
            errors.invalid(f"{path}.operator", operator, "not a valid selector operator")
    _check_opposites([item.get("scopeName", "") for item in requirements], path, spec.get("scopes") or [], errors)


class LimitRangeStrategy(Strategy):
    """Limit ranges."""

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
            path = f"spec.limits[{index}]"
            kind = item.get("type", "")
            good = errors.check_format(f"{path}.type", kind, qualified_name)
            if good and "/" not in kind and kind not in TYPES:
                errors.invalid(f"{path}.type", kind, "must be a standard limit type or fully qualified")
            errors.check_unique(f"{path}.type", kind, seen)
            _check_item(item, kind, path, errors)


def _check_item(item: Object, kind: str, path: str, errors: FieldErrors) -> None:
    """Check one item: names, then how its amounts compare."""
    given: dict[str, Amounts] = {}
    for field in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        if kind == "Pod" and field in ("default", "defaultRequest"):
            if item.get(field):
                errors.forbidden(f"{path}.{field}", "may not be specified when `type` is 'Pod'")
            continue
        if field == "maxLimitRequestRatio" and kind == "PersistentVolumeClaim" and not _bounds_storage(item):
            why = "either minimum or maximum storage value is required, but neither was provided"
            errors.required(f"{path}.limits", why)
        given[field] = read(item.get(field))
        for name in sorted(given[field]):
            check_name = check_resource_name if kind in ("Pod", "Container") else check_standard_name
            check_name(name, f"{path}.{field}[{name}]", errors)
    for name in sorted({name for amounts in given.values() for name in amounts}):
        of_name = {field: amounts[name] for field, amounts in given.items() if name in amounts}
        _check_amounts(of_name, name, path, errors)


def _bounds_storage(item: Object) -> bool:
    return any("storage" in (item.get(bound) or ()) for bound in ("min", "max"))


WRONG_ORDER = (
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest",
     "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)  # fmt: skip
"""(the smaller, the greater, the field that is wrong, the value that is shown, why)."""


def _check_amounts(amounts: Amounts, name: str, path: str, errors: FieldErrors) -> None:
    for smaller, greater, field, value, why in WRONG_ORDER:
        if smaller in amounts and greater in amounts and amounts[smaller].value > amounts[greater].value:
            shown = str(amounts[value])
            errors.invalid(f"{path}.{field}[{name}]", shown, why.format(amounts[smaller], amounts[greater]))
    ratio = amounts.get("maxLimitRequestRatio")
    if ratio is not None:
        _check_ratio(ratio, amounts, f"{path}.maxLimitRequestRatio[{name}]", errors)
    default, request = amounts.get("default"), amounts.get("defaultRequest")
    overcommitted = names.native(name) and not name.startswith(names.HUGE_PAGES)
    if default is not None and request is not None and not overcommitted and default.value != request.value:
        why = f"default value {default} must equal to defaultRequest value {request} in {name}"
        errors.invalid(f"{path}.defaultRequest[{name}]", str(request), why)


def _check_ratio(ratio: Amount, amounts: Amounts, path: str, errors: FieldErrors) -> None:
    if ratio.value < read_one("1").value:
        errors.invalid(path, str(ratio), f"ratio {ratio} is less than 1")
    if "min" not in amounts or "max" not in amounts:
        return
    smallest, largest = _millis(amounts["min"]), _millis(amounts["max"])
    if max(smallest, largest) >= MAX_MILLIS * 1000:
        smallest, largest = -(-smallest // 1000), -(-largest // 1000)
    bound = largest / smallest if smallest else float("inf") if largest else float("nan")
    if -(-ratio.value // 10**6) / 1000 > bound:
        shown = f"{bound:f}".replace("inf", "+Inf")
        errors.invalid(path, str(ratio), f"ratio {ratio} is greater than max/min = {shown}")


def _millis(amount: Amount) -> int:
    return -(-amount.value // 10**6)
