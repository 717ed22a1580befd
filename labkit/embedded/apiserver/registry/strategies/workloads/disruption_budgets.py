"""The strategy of PodDisruptionBudgets.

Source: k8s.io/kubernetes ``pkg/apis/policy/validation``.
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_selector
from labkit.embedded.apiserver.registry.names import path_segment_name
from labkit.embedded.apiserver.registry.strategies.workloads.rollouts import (
    check_at_most_all,
    check_int_or_percent,
)
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

POLICIES = ("AlwaysAllow", "IfHealthyBudget")


class DisruptionBudgetStrategy(Strategy):
    """Pod disruption budgets."""

    unconditional_update = False
    generation = True
    status = True
    new_status: ClassVar[Object] = {
        "disruptionsAllowed": 0,
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "expectedPods": 0,
    }
    full_checks = 0
    change_checks = 0
    known_finalizers = False

    name_rule = staticmethod(path_segment_name)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            errors.invalid(
                "spec", _internal(spec), "minAvailable and maxUnavailable cannot be both set"
            )
        for name in ("minAvailable", "maxUnavailable"):
            if spec.get(name) is not None:
                check_int_or_percent(spec[name], f"spec.{name}", errors)
                check_at_most_all(spec[name], f"spec.{name}", errors)
        validate_selector(spec.get("selector"), "spec.selector", errors)
        errors.check_choice(
            "spec.unhealthyPodEvictionPolicy", spec.get("unhealthyPodEvictionPolicy"), POLICIES
        )


def _internal(spec: Object) -> Object:
    """A budget's spec as messages show it: with Go's names."""
    names = ("minAvailable", "selector", "maxUnavailable", "unhealthyPodEvictionPolicy")
    return {name[0].upper() + name[1:]: spec.get(name) for name in names}
