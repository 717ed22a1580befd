"""The strategies and the warnings that kinds with a pod template share.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``, ``pkg/registry/{apps,batch,core}/*/strategy.go``.
"""

import copy
from typing import Any, ClassVar

from typing_extensions import override

from kube_embedded.machinery.pods.resources import pod_cost
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.work import charge

from ...errors import FieldErrors
from ...names import dns_label
from ...strategy import Strategy
from ..fields.rules import Rule, every, fields, not_negative
from ..pods.defaults import default_pod_spec, drop_disabled
from ..pods.warnings import pod_warnings
from .selection import selected

HOST_NAMES = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is "
    "recommended"
)


class TemplateStrategy(Strategy):
    """Kinds with a pod template."""

    generation = True
    full_checks = 0

    def pod_spec(self, obj: Object) -> Object:
        """The spec in the object's pod template."""
        spec: Object = obj["spec"]["template"]["spec"]
        return spec

    @override
    def default(self, obj: Object) -> None:
        spec = self.pod_spec(obj)
        # The pods are created later, by a controller: whoever writes the template pays for one.
        charge(pod_cost(spec))
        default_pod_spec(spec)

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        drop_disabled(self.pod_spec(new), self.pod_spec(old) if old is not None else {})


class WorkloadStrategy(TemplateStrategy):
    """Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs."""

    status = True
    # Pods of daemon sets have generated names too, but the real server does not warn of these.
    names_hosts = False
    """Whether the names of its pods begin with its own."""
    defaults: ClassVar[Object] = {"replicas": 1}
    """The values of fields that a spec leaves out."""
    rules: Rule = staticmethod(
        every(
            fields(
                replicas=not_negative,
                minReadySeconds=not_negative,
                revisionHistoryLimit=not_negative,
            ),
            selected(),
        )
    )
    """The rules for the spec."""

    @override
    def default(self, obj: Object) -> None:
        super().default(obj)
        self.default_spec(obj["spec"])

    def default_spec(self, spec: Object) -> None:
        """Set the defaults outside the template."""
        complete(spec, self.defaults)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        self.rules(obj["spec"], "spec", errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        selector = new["spec"].get("selector")
        errors.check_unchanged("spec.selector", selector, old["spec"].get("selector"))

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        warnings = name_advice(obj, old) if self.names_hosts else []
        if not unchanged(obj, old):
            warnings += template_advice(obj["spec"]["template"], "spec.template")
        return warnings


class ReplicaSetStrategy(WorkloadStrategy):
    """Replica sets."""

    new_status: ClassVar[Object] = {"replicas": 0}
    names_hosts = True


def complete(holder: Object, defaults: Object) -> None:
    """Set missing fields, and missing fields of its structs, in place."""
    for name, value in defaults.items():
        if isinstance(holder.get(name), dict):
            complete(holder[name], value)
        else:
            # A copy: objects are changed in place until they are stored.
            holder.setdefault(name, copy.deepcopy(value))


def default_rollout(strategy: Object, maximum: Any, surge: Any) -> None:
    """Set the defaults of the update strategy of a Deployment or a DaemonSet."""
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        complete(strategy, {"rollingUpdate": {"maxUnavailable": maximum, "maxSurge": surge}})


def name_advice(obj: Object, old: Object | None) -> list[str]:
    """Warn of a new object whose name is not a DNS label, although host names contain it."""
    messages = dns_label(obj["metadata"].get("name", "")) if old is None else []
    return [f"{HOST_NAMES}: [{' '.join(messages)}]"] if messages else []


def unchanged(obj: Object, old: Object | None) -> bool:
    """Return whether an update leaves the spec unchanged."""
    # The generation counts changes of the spec, so the real server compares only this number.
    generation = obj["metadata"].get("generation", 0)
    return old is not None and generation == old["metadata"].get("generation", 0)


def template_advice(template: Object, path: str) -> list[str]:
    """Return the warnings for a pod template."""
    return pod_warnings(template["spec"], path)
