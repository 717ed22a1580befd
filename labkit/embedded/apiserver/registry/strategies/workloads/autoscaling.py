"""The strategy of HorizontalPodAutoscalers, in the stored version ``autoscaling/v2``.

Source: k8s.io/kubernetes ``pkg/apis/autoscaling/{validation,v1,v2}``,
``pkg/registry/autoscaling``.
"""

from __future__ import annotations

import copy
from typing import Any

from typing_extensions import override

from labkit.embedded.apiserver.registry.conversion.autoscaling import DEFAULT_UTILIZATION, utilization_metric
from labkit.embedded.apiserver.registry.errors import NOT_NEGATIVE, FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, path_segment_name
from labkit.embedded.apiserver.registry.strategies.pods.resources import check_resource_name
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import amount

SOURCES = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}
"""Types of metrics and the fields that hold them."""
MAX_WINDOW, MAX_PERIOD = 3600, 1800
UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN: Object = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
RULE_FIELDS = ("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance")
TYPES = tuple(sorted(SOURCES))


def _rules(rules: Object | None, default: Object) -> Object:
    merged = {**copy.deepcopy(default), **{name: value for name, value in (rules or {}).items() if value is not None}}
    return {name: merged[name] for name in RULE_FIELDS if name in merged}


class AutoscalerStrategy(Strategy):
    """HorizontalPodAutoscalers."""

    @override
    def default(self, obj: Object) -> None:
        """Default all fields in version 2, the lower bound in version 1: conversion adds the rest."""
        spec = obj["spec"]
        if spec.get("minReplicas") is None:
            spec["minReplicas"] = 1
        if obj.get("apiVersion") != "autoscaling/v2":
            return
        if not spec.get("metrics"):
            spec["metrics"] = [utilization_metric(DEFAULT_UTILIZATION)]
        behavior = spec.get("behavior")
        if behavior is not None:
            spec["behavior"] = {
                "scaleUp": _rules(behavior.get("scaleUp"), UP),
                "scaleDown": _rules(behavior.get("scaleDown"), DOWN),
            }

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        self._check(obj, errors)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        self._check(new, errors, old)

    def _check(self, obj: Object, errors: FieldErrors, old: Object | None = None) -> None:
        spec = obj["spec"]
        least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
        if least is not None and least < 1:
            errors.invalid("spec.minReplicas", least, "must be greater than or equal to 1")
        if most == 0:
            errors.required("spec.maxReplicas", "must be set and greater than 0")
        elif most < 0:
            errors.invalid("spec.maxReplicas", most, "must be greater than or equal to 1")
        if least is not None and most < least:
            errors.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
        target = spec.get("scaleTargetRef") or {}
        check_reference(target, "spec.scaleTargetRef", errors)
        if old is None or _version_of(target) != _version_of(old["spec"].get("scaleTargetRef") or {}):
            # Of the core group, nothing but a replication controller can be scaled.
            grouped = target.get("kind") != "ReplicationController"
            check_version(target, "spec.scaleTargetRef", errors, grouped=grouped)
        metrics = spec.get("metrics") or []
        for index, metric in enumerate(metrics):
            check_metric(metric, f"spec.metrics[{index}]", errors)
        if least == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
            why = "must specify at least one Object or External metric to support scaling to zero replicas"
            errors.forbidden("spec.metrics", why)
        behavior = spec.get("behavior") or {}
        for direction in ("scaleUp", "scaleDown"):
            if behavior.get(direction) is not None:
                check_rules(behavior[direction], f"spec.behavior.{direction}", errors)


def _version_of(target: Object) -> tuple[str, str]:
    return target.get("kind", ""), target.get("apiVersion", "")


def check_reference(reference: Object, path: str, errors: FieldErrors) -> None:
    """Check the kind and name of an object that is scaled or measured."""
    for field in ("kind", "name"):
        errors.check_required(f"{path}.{field}", reference.get(field, ""), path_segment_name)


def check_version(reference: Object, path: str, errors: FieldErrors, *, grouped: bool) -> None:
    """Check the version of an object that is scaled or measured, which must name an API group if ``grouped``."""
    version = reference.get("apiVersion", "")
    if version.count("/") > 1:
        errors.invalid(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}")
    elif grouped and "/" not in version:
        errors.invalid(f"{path}.apiVersion", version, "apiVersion must specify API group")


def check_metric(metric: Object, path: str, errors: FieldErrors) -> None:
    """Check a metric: one source, of the type it names."""
    kind = metric.get("type", "")
    errors.check_present(f"{path}.type", kind, "must specify a metric source type")
    errors.check_choice(f"{path}.type", kind, TYPES)
    present = [field for field in ("object", "external", "pods", "resource", "containerResource") if metric.get(field)]
    for field in present[:1]:
        check_source(field, metric[field], f"{path}.{field}", errors)
    expected = SOURCES.get(kind, "")
    if not expected:
        errors.not_supported(f"{path}.type", kind, TYPES)
    elif metric.get(expected) is None:
        errors.required(f"{path}.{expected}", "must populate information for the given metric source")
    if len(present) != 1:
        for field in present:
            if field != expected:
                errors.forbidden(f"{path}.{field}", "must populate the given metric source only")


def check_source(field: str, source: Object, path: str, errors: FieldErrors) -> None:
    """Check the source of a metric."""
    target, place = source.get("target") or {}, f"{path}.target"
    value, average, percent = (target.get(name) for name in ("value", "averageValue", "averageUtilization"))
    if field in ("resource", "containerResource"):
        if not source.get("name"):
            errors.required(f"{path}.name", "must specify a resource name")
        elif field == "containerResource":
            check_resource_name(source["name"], f"{path}.name", errors)
        if field == "containerResource":
            errors.check_required(f"{path}.container", source.get("container"), dns_label, "must specify a container")
        check_target(target, place, errors)
        if percent is None and average is None:
            errors.required(f"{place}.averageUtilization", "must set either a target raw value or a target utilization")
        if percent is not None and average is not None:
            errors.forbidden(f"{place}.averageValue", "may not set both a target raw value and a target utilization")
        return
    if field == "object":
        described = source.get("describedObject") or {}
        check_reference(described, f"{path}.describedObject", errors)
        check_version(described, f"{path}.describedObject", errors, grouped=False)
    name = (source.get("metric") or {}).get("name", "")
    errors.check_required(f"{path}.metric.name", name, path_segment_name, "must specify a metric name")
    check_target(target, place, errors)
    if field == "pods":
        if average is None:
            errors.required(f"{place}.averageValue", "must specify a positive target averageValue")
    elif value is None and average is None:
        wanted = "value or averageValue" if field == "object" else "value for metric or a per-pod target"
        errors.required(f"{place}.averageValue", f"must set either a target {wanted}")
    elif field == "external" and value is not None and average is not None:
        errors.forbidden(f"{place}.value", "may not set both a target value for metric and a per-pod target")


def check_target(target: Object, path: str, errors: FieldErrors) -> None:
    """Check the target of a metric."""
    kind = target.get("type", "")
    errors.check_present(f"{path}.type", kind, "must specify a metric target type")
    if kind not in ("Utilization", "Value", "AverageValue"):
        errors.invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue")
    for field in ("value", "averageValue"):
        value = target.get(field)
        if value is not None and amount(value) <= 0:
            errors.invalid(f"{path}.{field}", value, "must be positive")
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        errors.invalid(f"{path}.averageUtilization", percent, "must be greater than 0")


def check_rules(rules: Object, path: str, errors: FieldErrors) -> None:
    """Check the scaling rules of one direction."""
    window, select = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy")
    if window is not None and window < 0:
        errors.invalid(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > MAX_WINDOW:
        errors.invalid(f"{path}.stabilizationWindowSeconds", window, f"must be less than or equal to {MAX_WINDOW}")
    errors.check_choice(f"{path}.selectPolicy", select, ("Disabled", "Max", "Min"))
    policies: list[Any] = rules.get("policies") or []
    errors.check_present(f"{path}.policies", policies, "must specify at least one Policy")
    for index, policy in enumerate(policies):
        place = f"{path}.policies[{index}]"
        kind, value, period = policy.get("type", ""), policy.get("value", 0), policy.get("periodSeconds", 0)
        errors.check_choice(f"{place}.type", kind, ("Percent", "Pods"))
        if value <= 0:
            errors.invalid(f"{place}.value", value, "must be greater than zero")
        if period <= 0:
            errors.invalid(f"{place}.periodSeconds", period, "must be greater than zero")
        if period > MAX_PERIOD:
            errors.invalid(f"{place}.periodSeconds", period, f"must be less than or equal to {MAX_PERIOD}")
    tolerance = rules.get("tolerance")
    if tolerance is not None and amount(tolerance) < 0:
        errors.invalid(f"{path}.tolerance", tolerance, NOT_NEGATIVE)
