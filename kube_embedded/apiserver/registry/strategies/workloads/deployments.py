"""The strategy of Deployments.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``.
"""

from typing import Any, ClassVar

from typing_extensions import override

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...strategy import StrategyContext, keep
from ..fields.rules import every, fields, not_negative
from .base import WorkloadStrategy, default_rollout
from .rollouts import DEPLOYMENT_UPDATE
from .selection import selected


def _check_deadline(spec: Any, path: str, errors: FieldErrors) -> None:
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        detail = "must be greater than minReadySeconds"
        errors.invalid(f"{path}.progressDeadlineSeconds", deadline, detail)


# pkg/apis/apps/validation/validation.go: ValidateDeploymentSpec
class DeploymentStrategy(WorkloadStrategy):
    """Deployments."""

    names_hosts = True
    defaults: ClassVar[Object] = {
        "replicas": 1,
        # extensions/v1beta1 never deleted old replica sets, and had no deadline for a rollout.
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }
    rules = staticmethod(
        every(
            fields(replicas=not_negative),
            selected(),
            fields(
                strategy=DEPLOYMENT_UPDATE,
                minReadySeconds=not_negative,
                revisionHistoryLimit=not_negative,
                progressDeadlineSeconds=not_negative,
            ),
            _check_deadline,
        )
    )

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
        default_rollout(spec["strategy"], "25%", "25%")
        super().default_spec(spec)
