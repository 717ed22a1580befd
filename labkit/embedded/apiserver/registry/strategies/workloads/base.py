"""The strategies that kinds with a pod template share.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``.
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.pods.defaults import (
    default_pod_spec,
    drop_disabled,
)
from labkit.embedded.apiserver.registry.strategies.workloads.selection import (
    check_selected_template,
)
from labkit.embedded.apiserver.registry.strategies.workloads.warnings import (
    name_advice,
    template_advice,
    unchanged,
)
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.pods.resources import pod_cost
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.work import charge


class TemplateStrategy(Strategy):
    """What kinds with a pod template share."""

    generation = True
    full_checks = 0

    def pod_spec(self, obj: Object) -> Object:
        """The spec in the object's pod template."""
        spec: Object = obj["spec"]["template"]["spec"]
        return spec

    @override
    def default(self, obj: Object) -> None:
        spec = self.pod_spec(obj)
        charge(pod_cost(spec))  # at least one is made
        default_pod_spec(spec)

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        drop_disabled(self.pod_spec(new), self.pod_spec(old) if old is not None else {})


class WorkloadStrategy(TemplateStrategy):
    """What Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs share."""

    status = True
    names_hosts = False
    """Whether the names of its pods begin with its own."""

    @override
    def default(self, obj: Object) -> None:
        super().default(obj)
        self.default_spec(obj["spec"])

    def default_spec(self, spec: Object) -> None:
        """Set the defaults beside those of the template."""
        spec.setdefault("replicas", 1)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        errors.check_counts(
            "spec", obj["spec"], "replicas", "minReadySeconds", "revisionHistoryLimit"
        )
        check_selected_template(obj["spec"], errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        errors.check_unchanged(
            "spec.selector", new["spec"].get("selector"), old["spec"].get("selector")
        )

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        named = name_advice(obj, old) if self.names_hosts else []
        return (
            named
            if unchanged(obj, old)
            else named + template_advice(obj["spec"]["template"], "spec.template")
        )


class ReplicaSetStrategy(WorkloadStrategy):
    """Replica sets."""

    new_status: ClassVar[Object] = {"replicas": 0}
    names_hosts = True
