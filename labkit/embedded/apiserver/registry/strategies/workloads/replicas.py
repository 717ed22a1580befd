"""Replica sets, and the replication controllers that came before them.

Source: k8s.io/kubernetes ``pkg/apis/{apps,core}/{v1/defaults,validation}``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import NameRule, declared_name
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_not_negative
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.apiserver.registry.strategies.pods.defaults import default_pod_spec
from labkit.embedded.apiserver.registry.strategies.workloads.advice import template_advice, unchanged
from labkit.embedded.apiserver.registry.strategies.workloads.base import WorkloadStrategy
from labkit.embedded.apiserver.registry.strategies.workloads.selection import check_forever, check_template
from labkit.embedded.machinery.request import Object


@dataclass
class ReplicaSetStrategy(WorkloadStrategy):
    """Replica sets."""

    full_checks: int = 0
    names_hosts: bool = True

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"replicas": 0}


@dataclass
class ReplicationControllerStrategy(WorkloadStrategy):
    """Replication controllers."""

    full_checks: int = 0
    names_hosts: bool = True

    name_rule: NameRule = declared_name
    orphans: bool = True
    returns_deleted: bool = False

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        template = spec.get("template")
        if template is not None:
            default_pod_spec(template["spec"])
            labels = template["metadata"].get("labels")
            if labels:
                if not spec.get("selector"):
                    spec["selector"] = dict(labels)
                if not obj["metadata"].get("labels"):
                    obj["metadata"]["labels"] = dict(labels)
        spec.setdefault("replicas", 1)

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"replicas": 0}

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        check_not_negative(spec, ("replicas", "minReadySeconds"), errors)
        selector = spec.get("selector") or {}
        if not selector:
            errors.required("spec.selector")
        template = spec.get("template")
        if template is None:
            errors.required("spec.template")
            return
        labels = template["metadata"].get("labels")
        if selector and not selects({"matchLabels": selector}, labels or {}):
            errors.invalid(
                "spec.template.metadata.labels",
                None if labels is None else dict(sorted(labels.items())),
                "`selector` does not match template `labels`",
            )
        check_template(template, "spec.template", errors)
        check_forever(template["spec"], "ReplicationController", errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``; of an update the real server looks at the template that there was."""
        if old is None:
            return super().warnings(obj, old)
        return [] if unchanged(obj, old) else template_advice(old["spec"]["template"], "spec.template")
