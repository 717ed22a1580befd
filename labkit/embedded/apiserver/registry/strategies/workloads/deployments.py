"""The strategy of Deployments.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.workloads.base import WorkloadStrategy
from labkit.embedded.apiserver.registry.strategies.workloads.rollouts import check_deployment_update
from labkit.embedded.apiserver.registry.strategies.workloads.selection import (
    check_selected_template,
)
from labkit.embedded.apiserver.registry.strategy import StrategyContext, keep
from labkit.embedded.machinery.request import Object


class DeploymentStrategy(WorkloadStrategy):
    """Deployments."""

    names_hosts = True

    @override
    def count_generation(self, new: Object, old: Object) -> None:
        """Count changes of annotations as well, which replica sets inherit."""
        super().count_generation(new, old)
        if (new["metadata"].get("annotations") or {}) != (old["metadata"].get("annotations") or {}):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    @override
    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        """Keep the labels."""
        super().prepare_status_update(context, new, old)
        keep(new["metadata"], old["metadata"], "labels")

    @override
    def default_spec(self, spec: Object) -> None:
        spec.setdefault("replicas", 1)
        strategy = spec["strategy"]
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        errors.check_counts("spec", spec, "replicas")
        check_selected_template(spec, errors)
        check_deployment_update(spec["strategy"], "spec.strategy", errors)
        errors.check_counts(
            "spec", spec, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"
        )
        deadline = spec.get("progressDeadlineSeconds")
        if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
            errors.invalid(
                "spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"
            )
