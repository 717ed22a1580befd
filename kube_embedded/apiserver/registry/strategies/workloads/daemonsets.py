"""The strategy of DaemonSets.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``.
"""

from typing import ClassVar

from typing_extensions import override

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...strategy import StrategyContext
from ..fields.rules import every, fields, not_negative
from .base import WorkloadStrategy, default_rollout, template_advice
from .rollouts import DAEMON_SET_UPDATE
from .selection import selected

# A relic of extensions/v1beta1: pods still have it as a label, and it decides when an update warns.
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _templates(daemon_set: Object) -> int:
    """The template generation."""
    text = (daemon_set["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "")
    return int(text) if text.lstrip("-").isdigit() else 0


def _count_template(daemon_set: Object, count: int) -> None:
    metadata = daemon_set["metadata"]
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        TEMPLATE_GENERATION: str(count),
    }


# pkg/apis/apps/validation/validation.go: ValidateDaemonSetSpec; pkg/registry/apps/daemonset/strategy.go
class DaemonSetStrategy(WorkloadStrategy):
    """Daemon sets."""

    new_status: ClassVar[Object] = {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    }

    defaults: ClassVar[Object] = {"revisionHistoryLimit": 10}
    rules = staticmethod(
        every(
            selected("DaemonSet"),
            fields(
                minReadySeconds=not_negative,
                updateStrategy=DAEMON_SET_UPDATE,
                revisionHistoryLimit=not_negative,
            ),
        )
    )

    @override
    def default(self, obj: Object) -> None:
        """Copy the template generation from its annotation, as ``extensions/v1beta1`` did."""
        super().default(obj)
        obj["metadata"]["annotations"] = {
            TEMPLATE_GENERATION: "0",
            **(obj["metadata"].get("annotations") or {}),
        }

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        same = old is not None and _templates(obj) == _templates(old)
        return [] if same else template_advice(obj["spec"]["template"], "spec.template")

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        super().prepare_create(context, obj)
        _count_template(obj, max(_templates(obj), 1))

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        super().prepare_update(context, new, old)
        changed = new["spec"]["template"] != old["spec"]["template"]
        _count_template(new, _templates(old) + changed)

    @override
    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        super().prepare_status_update(context, new, old)
        _count_template(new, _templates(old))

    @override
    def default_spec(self, spec: Object) -> None:
        default_rollout(spec["updateStrategy"], 1, 0)
        super().default_spec(spec)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        # The real server compares the selectors first.
        self.check_change(new, old, errors)
        self.check(new, errors)
