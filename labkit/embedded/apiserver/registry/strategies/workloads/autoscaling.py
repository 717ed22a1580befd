"""The strategy of HorizontalPodAutoscalers, in the stored version ``autoscaling/v2``.

Nothing is measured here, so metrics and behavior are not checked.

Source: k8s.io/kubernetes ``pkg/apis/autoscaling/{validation,v1,v2}``,
``pkg/registry/autoscaling``.
"""

from __future__ import annotations

import copy
from typing import ClassVar

from typing_extensions import override

from labkit.embedded.apiserver.registry.conversion.autoscaling import (
    DEFAULT_UTILIZATION,
    utilization_metric,
)
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import path_segment_name
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN: Object = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
RULE_FIELDS = ("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance")


def _rules(rules: Object | None, default: Object) -> Object:
    merged = {
        **copy.deepcopy(default),
        **{name: value for name, value in (rules or {}).items() if value is not None},
    }
    return {name: merged[name] for name in RULE_FIELDS if name in merged}


class AutoscalerStrategy(Strategy):
    """HorizontalPodAutoscalers."""

    status = True
    new_status: ClassVar[Object] = {"desiredReplicas": 0, "currentMetrics": None}

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
        spec = obj["spec"]
        least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
        if least is not None and least < 1:
            errors.invalid("spec.minReplicas", least, "must be greater than or equal to 1")
        if most == 0:
            errors.required("spec.maxReplicas", "must be set and greater than 0")
        if least is not None and most < least:
            errors.invalid(
                "spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"
            )
        target = spec.get("scaleTargetRef") or {}
        check_reference(target, "spec.scaleTargetRef", errors)
        # Of the core group, nothing but a replication controller can be scaled.
        grouped = target.get("kind") != "ReplicationController"
        check_version(target, "spec.scaleTargetRef", errors, grouped=grouped)


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
