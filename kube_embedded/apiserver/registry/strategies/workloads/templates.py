"""The strategies of PodTemplates and ControllerRevisions.

Source: k8s.io/kubernetes ``pkg/registry/core/podtemplate``, ``pkg/apis/{core,apps}/validation``.
"""

from typing_extensions import override

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...strategy import Strategy
from .base import TemplateStrategy, template_advice, unchanged
from .selection import check_template


class PodTemplateStrategy(TemplateStrategy):
    """Pod templates."""

    returns_deleted = True

    @override
    def pod_spec(self, obj: Object) -> Object:
        spec: Object = obj["template"]["spec"]
        return spec

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        check_template(obj["template"], "template", errors)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [] if unchanged(obj, old) else template_advice(obj["template"], "template")


class ControllerRevisionStrategy(Strategy):
    """ControllerRevisions, whose data is immutable."""

    full_checks = 2

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        errors.check_counts("", obj, "revision")
        data = obj.get("data")
        if data is None:
            errors.required("data", "data is mandatory")
        elif not isinstance(data, dict):
            errors.required("data", "data must be a valid JSON object")

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        errors.check_counts("", new, "revision")
        # A rollback goes back to the data of a revision, so only its number can change.
        errors.check_unchanged("data", new.get("data"), old.get("data"))
