"""What deployments, replica sets, stateful sets and daemon sets have in common.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import immutable
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_not_negative
from labkit.embedded.apiserver.registry.strategies.pods.defaults import default_pod_spec
from labkit.embedded.apiserver.registry.strategies.pods.features import drop_disabled
from labkit.embedded.apiserver.registry.strategies.workloads.advice import name_advice, template_advice, unchanged
from labkit.embedded.apiserver.registry.strategies.workloads.selection import check_selected_template
from labkit.embedded.apiserver.registry.strategies.workloads.statuses import check_workload_status
from labkit.embedded.apiserver.registry.strategy import Context, Strategy
from labkit.embedded.machinery.request import Object


@dataclass
class WorkloadStrategy(Strategy):
    """What deployments and the like have in common.

    Args:
        names_hosts: The names of its pods begin with its own.
    """

    generation: bool = True
    status: bool = True
    names_hosts: bool = False

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        default_pod_spec(obj["spec"]["template"]["spec"])
        self.default_spec(obj["spec"])

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        super().prepare_create(context, obj)
        drop_disabled((obj["spec"].get("template") or {}).get("spec") or {}, {})

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        drop_disabled((new["spec"].get("template") or {}).get("spec") or {}, old["spec"]["template"]["spec"])
        super().prepare_update(context, new, old)

    def default_spec(self, spec: Object) -> None:
        """Defaults beside the template's."""
        spec.setdefault("replicas", 1)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_not_negative(obj["spec"], ("replicas", "minReadySeconds", "revisionHistoryLimit"), errors)
        check_selected_template(obj["spec"], errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        immutable(new["spec"].get("selector"), old["spec"].get("selector"), "spec.selector", errors)

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_workload_status(new["kind"], new["status"], old.get("status") or {}, errors)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        named = name_advice(obj, old) if self.names_hosts else []
        return named if unchanged(obj, old) else named + template_advice(obj["spec"]["template"], "spec.template")
