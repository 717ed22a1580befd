"""The strategy of StatefulSets.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import label_name
from labkit.embedded.apiserver.registry.strategies.storage.claims import (
    check_claim_spec,
    claim_warnings,
)
from labkit.embedded.apiserver.registry.strategies.workloads.base import WorkloadStrategy
from labkit.embedded.apiserver.registry.strategies.workloads.rollouts import (
    check_retention,
    check_stateful_set_update,
)
from labkit.embedded.apiserver.registry.strategies.workloads.selection import (
    check_selected_template,
)
from labkit.embedded.machinery.request import Object


class StatefulSetStrategy(WorkloadStrategy):
    """Stateful sets."""

    new_status: ClassVar[Object] = {"replicas": 0, "availableReplicas": 0}

    name_rule = staticmethod(label_name)

    @override
    def default_spec(self, spec: Object) -> None:
        spec.setdefault("podManagementPolicy", "OrderedReady")
        strategy = spec["updateStrategy"]
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
            strategy.setdefault("rollingUpdate", {})
        if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
            strategy["rollingUpdate"].setdefault("partition", 0)
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        retention.setdefault("whenDeleted", "Retain")
        retention.setdefault("whenScaled", "Retain")
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        for claim in spec.get("volumeClaimTemplates") or ():
            claim["kind"], claim["apiVersion"] = "PersistentVolumeClaim", "v1"
            claim["spec"].setdefault("volumeMode", "Filesystem")
            claim["status"].setdefault("phase", "Pending")

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        """Drop ``maxUnavailable`` as well, whose feature gate is off, unless it is in use."""
        super().drop_fields(new, old)
        rolling = new["spec"]["updateStrategy"].get("rollingUpdate")
        before = (old or {}).get("spec", {}).get("updateStrategy", {}).get("rollingUpdate") or {}
        if rolling is not None and before.get("maxUnavailable") is None:
            rolling.pop("maxUnavailable", None)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        _check_stateful_set(obj["spec"], errors, new=True)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        _check_stateful_set(new["spec"], errors, new=False)
        fixed = {name: value for name, value in new["spec"].items() if name not in MAY_CHANGE}
        if fixed != {name: value for name, value in old["spec"].items() if name not in MAY_CHANGE}:
            *names, last = (f"'{name}'" for name in MAY_CHANGE)
            fields = f"fields other than {', '.join(names)} and {last}"
            errors.forbidden("spec", f"updates to statefulset spec for {fields} are forbidden")

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        found = super().warnings(obj, old)
        for index, claim in enumerate(obj["spec"].get("volumeClaimTemplates") or ()):
            place = f"spec.volumeClaimTemplates[{index}]"
            found += claim_warnings(claim["spec"], place if old is None else f"{place}.Spec")
        if obj["spec"].get("revisionHistoryLimit", 0) < 0:
            found.append(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; "
                "a value >= 0 is recommended"
            )
        return found


MAY_CHANGE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
"""The fields of a stateful set's spec that an update may change."""


def _check_stateful_set(spec: Object, errors: FieldErrors, *, new: bool) -> None:
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        errors.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    check_stateful_set_update(spec["updateStrategy"], "spec.updateStrategy", errors)
    field = "persistentVolumeClaimRetentionPolicy"
    check_retention(spec.get(field), f"spec.{field}", errors)
    claims = spec.get("volumeClaimTemplates") or ()
    if new:
        for index, claim in enumerate(claims):
            check_claim_spec(claim["spec"], f"spec.volumeClaimTemplates[{index}].spec", errors)
    errors.check_counts("spec", spec, "replicas", "minReadySeconds")
    errors.check_counts("spec.ordinals", spec.get("ordinals") or {}, "start")
    if new:
        errors.check_if_given("spec.serviceName", spec.get("serviceName"), label_name)
    check_selected_template(
        {**spec, "template": _with_claims(spec["template"], claims)}, errors, owner="StatefulSet"
    )


def _with_claims(template: Object, claims: Sequence[Object]) -> Object:
    """The template as pods will have it: without a host name, with a volume for each claim."""
    pod = {
        name: value
        for name, value in template["spec"].items()
        if name not in ("hostname", "subdomain")
    }
    made = {claim["metadata"].get("name", ""): claim for claim in claims}
    if made:
        kept = [volume for volume in pod.get("volumes") or () if volume.get("name", "") not in made]
        pod["volumes"] = [
            {"name": name, "persistentVolumeClaim": {"claimName": name}} for name in made
        ] + kept
    return {**template, "spec": pod}
