"""The strategy of StatefulSets.

Source: k8s.io/kubernetes ``pkg/apis/apps/{v1/defaults,validation}``.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from typing_extensions import override

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import label_name
from ...strategy import keep
from ..fields.by_schema import CLAIM_SPEC
from ..fields.rules import choice, each, every, fields, if_set, must, not_negative
from .base import WorkloadStrategy, complete
from .rollouts import check_stateful_set_update
from .selection import selected


class StatefulSetStrategy(WorkloadStrategy):
    """Stateful sets."""

    new_status: ClassVar[Object] = {"replicas": 0, "availableReplicas": 0}

    name_rule = staticmethod(label_name)

    defaults: ClassVar[Object] = {
        "podManagementPolicy": "OrderedReady",
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "replicas": 1,
        "revisionHistoryLimit": 10,
    }

    @override
    def default_spec(self, spec: Object) -> None:
        strategy = spec["updateStrategy"]
        if not strategy.get("type"):
            complete(strategy, {"rollingUpdate": {}})
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
            strategy["rollingUpdate"].setdefault("partition", 0)
        super().default_spec(spec)
        for claim in spec.get("volumeClaimTemplates") or ():
            claim["kind"] = "PersistentVolumeClaim"
            claim["apiVersion"] = "v1"
            complete(claim, {"spec": {"volumeMode": "Filesystem"}, "status": {"phase": "Pending"}})

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
        NEW(obj["spec"], "spec", errors)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        UPDATED(new["spec"], "spec", errors)
        masked = {**new["spec"]}
        for field in MAY_CHANGE:
            keep(masked, old["spec"], field)
        if masked != old["spec"]:
            *names, last = (f"'{name}'" for name in MAY_CHANGE)
            listed = f"fields other than {', '.join(names)} and {last}"
            errors.forbidden("spec", f"updates to statefulset spec for {listed} are forbidden")

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        warnings = super().warnings(obj, old)
        if obj["spec"].get("revisionHistoryLimit", 0) < 0:
            warnings.append(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; "
                "a value >= 0 is recommended"
            )
        return warnings


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


def _check_selected(spec: Any, path: str, errors: FieldErrors) -> None:
    template = _with_claims(spec["template"], spec.get("volumeClaimTemplates") or ())
    SELECTED({**spec, "template": template}, path, errors)


# pkg/apis/apps/validation/validation.go: ValidateStatefulSetSpec, ValidateStatefulSetUpdate
SELECTED = selected("StatefulSet")
RETENTION = choice("Retain", "Delete")
UPDATE = fields(
    podManagementPolicy=must(
        lambda policy: policy in ("OrderedReady", "Parallel"),
        "must be 'OrderedReady' or 'Parallel'",
    ),
    updateStrategy=check_stateful_set_update,
    persistentVolumeClaimRetentionPolicy=fields(whenDeleted=RETENTION, whenScaled=RETENTION),
)
COUNTS = fields(
    replicas=not_negative, minReadySeconds=not_negative, ordinals=fields(start=not_negative)
)
CLAIMS = fields(volumeClaimTemplates=each(fields(spec=CLAIM_SPEC)))
NEW = every(UPDATE, CLAIMS, COUNTS, fields(serviceName=if_set(label_name)), _check_selected)
# Claims and the service of an older version can be invalid; as they cannot change, they are not checked again.
UPDATED = every(UPDATE, COUNTS, _check_selected)


def _with_claims(template: Object, claims: Sequence[Object]) -> Object:
    """The template as pods will have it: without a host name, with a volume for each claim."""
    # The controller itself sets both host names: the pod's, and the service's.
    pod = {**template["spec"]}
    for field in ("hostname", "subdomain"):
        pod.pop(field, None)
    names = dict.fromkeys(claim["metadata"].get("name", "") for claim in claims)
    if names:
        others = [
            volume for volume in pod.get("volumes") or () if volume.get("name", "") not in names
        ]
        pod["volumes"] = [
            *({"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names),
            *others,
        ]
    return {**template, "spec": pod}
