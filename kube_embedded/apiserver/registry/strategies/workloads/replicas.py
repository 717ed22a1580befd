"""The strategy of ReplicationControllers; ReplicaSets need no more than what workloads share.

Source: k8s.io/kubernetes ``pkg/apis/{apps,core}/{v1/defaults,validation}``.
"""

from typing import ClassVar

from typing_extensions import override

from kube_embedded.machinery.request import Object
from kube_embedded.rbac.selectors import selects

from ...errors import FieldErrors
from ...names import declared_name
from ..fields.rules import fields, not_negative
from ..pods.defaults import default_pod_spec
from . import selection
from .base import WorkloadStrategy, template_advice, unchanged

COUNTS = fields(replicas=not_negative, minReadySeconds=not_negative)


class ReplicationControllerStrategy(WorkloadStrategy):
    """Replication controllers."""

    new_status: ClassVar[Object] = {"replicas": 0}
    orphans = True
    names_hosts = True

    name_rule = staticmethod(declared_name)

    @override
    def pod_spec(self, obj: Object) -> Object:
        return (obj["spec"].get("template") or {}).get("spec") or {}

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        template = spec.get("template")
        if template is not None:
            default_pod_spec(template["spec"])
            labels = template["metadata"].get("labels")
            if labels:
                for holder, field in ((spec, "selector"), (obj["metadata"], "labels")):
                    holder[field] = holder.get(field) or dict(labels)
        self.default_spec(spec)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        COUNTS(spec, "spec", errors)
        selector = spec.get("selector")
        errors.check_present("spec.selector", selector)
        template = spec.get("template")
        if template is None:
            errors.required("spec.template")
            return
        labels = template["metadata"].get("labels")
        if selector and not selects({"matchLabels": selector}, labels or {}):
            selection.refuse_labels(labels, errors)
        selection.check_template(template, "spec.template", errors)
        selection.check_forever(template["spec"], "ReplicationController", errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Accept a change of the selector."""
        # Unlike the kinds of apps/v1, which forbid it because pods could be orphaned.

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """For an update, warn of the old template, as the real server does."""
        if old is None:
            return super().warnings(obj, old)
        if unchanged(obj, old):
            return []
        return template_advice(old["spec"]["template"], "spec.template")
