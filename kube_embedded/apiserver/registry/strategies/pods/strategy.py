"""The strategy of Pods.

Source: k8s.io/kubernetes ``pkg/registry/core/pod/strategy.go``, ``pkg/api/pod/util.go``.
"""

import copy

from typing_extensions import override

from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.pods.resources import pod_cost
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema.values import amount
from kube_embedded.machinery.work import charge

from ...errors import FieldErrors
from ...metadata import validate_metadata
from ...names import dns_label
from ...strategy import (
    DeleteOptions,
    Strategy,
    StrategyContext,
    common_update_errors,
    keep,
    timestamp,
)
from ..fields.addresses import address_warnings
from ..fields.rules import each, fields, forbidden
from . import resize
from .annotations import MIRROR, check_annotation_changes, check_annotations
from .containers import UNPADDED
from .defaults import default_pod, drop_disabled, drop_disabled_status
from .statuses import check_pod_status
from .updates import check_ephemeral_update, check_pod_update
from .validation import check_pod_spec
from .warnings import pod_warnings

HOST_NAME = (
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is "
    "recommended"
)


IMAGES = fields(containers=each(UNPADDED), initContainers=each(UNPADDED))


NEEDS_ACCOUNT = forbidden("must not be specified when serviceAccountName is not set")
PROJECTED = fields(sources=each(fields(serviceAccountToken=NEEDS_ACCOUNT)))
NO_TOKENS = fields(volumes=each(fields(projected=PROJECTED)))


def _compute(holder: Object, form: str) -> dict[str, int]:
    amounts = (holder.get("resources") or {}).get(form) or {}
    sizes = {name: amount(amounts.get(name, 0)) for name in ("cpu", "memory")}
    return {name: size for name, size in sizes.items() if size > 0}


def quality_of_service(spec: Object) -> str:
    """Return ``Guaranteed``, ``Burstable`` or ``BestEffort``; resources of the pod as a whole count first."""
    holders = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    if spec.get("resources"):
        holders = [spec]
    requests = [_compute(holder, "requests") for holder in holders]
    limits = [_compute(holder, "limits") for holder in holders]
    if not any(requests) and not any(limits):
        return "BestEffort"
    # No request exceeds its limit, so comparing each container is the same as comparing the sums.
    limited = all(len(limit) == 2 for limit in limits)
    return "Guaranteed" if limited and requests == limits else "Burstable"


class PodStrategy(Strategy):
    """Pods: a nearly immutable spec, and graceful deletion."""

    returns_deleted = True
    generation = True
    status = True
    graceful = True

    @override
    def default(self, obj: Object) -> None:
        default_pod(obj["spec"])

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        super().prepare_create(context, obj)
        charge(pod_cost(obj["spec"]))
        for condition in obj["status"].get("conditions") or ():
            condition["lastTransitionTime"] = timestamp(context.clock())

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        drop_disabled(new["spec"], old["spec"] if old is not None else {})

    @override
    def reset_status(self, obj: Object) -> None:
        status: Object = {"phase": "Pending"}
        if obj["spec"].get("schedulingGates"):
            status["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "lastProbeTime": None,
                    "lastTransitionTime": None,
                    "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                }
            ]
        status["qosClass"] = obj["status"].get("qosClass") or quality_of_service(obj["spec"])
        obj["status"] = status

    @override
    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        super().prepare_status_update(context, new, old)
        for field in ("ownerReferences", "deletionTimestamp"):
            keep(new["metadata"], old["metadata"], field)
        status = new["status"]
        drop_disabled_status(status, old["status"])
        if not status.get("qosClass") and old["status"].get("qosClass"):
            status["qosClass"] = old["status"]["qosClass"]

    @override
    def prepare_part_update(
        self, context: StrategyContext, part: str, new: Object, old: Object
    ) -> None:
        """Reset all fields except those that ``/ephemeralcontainers`` and ``/resize`` can change."""
        sent = new["spec"]
        if part == "resize":
            new["spec"] = resize.resized(sent, old["spec"])
        else:
            new["spec"] = copy.deepcopy(dict(old["spec"]))
            keep(new["spec"], sent, "ephemeralContainers")
        new["status"] = copy.deepcopy(old["status"])
        drop_disabled(new["spec"], old["spec"])
        for field in (
            "deletionTimestamp",
            "generation",
            "selfLink",
            "labels",
            "annotations",
            "finalizers",
            "ownerReferences",
        ):
            keep(new["metadata"], old["metadata"], field)
        self.count_generation(new, old)

    @override
    def validate_part_update(self, kind: Kind, part: str, new: Object, old: Object) -> FieldErrors:
        errors = common_update_errors(kind, new, old)
        validate_metadata(new["metadata"], kind.namespaced, self.name_rule, errors)
        self._check_pod(new, errors)
        if part == "ephemeralcontainers":
            check_annotation_changes(new, old, errors)
            if MIRROR in (old["metadata"].get("annotations") or {}):
                return _forbidden("static pods do not support ephemeral containers")
            check_ephemeral_update(new["spec"], old["spec"], errors)
            return errors
        detail = resize.refused_as_a_whole(old)
        if detail:
            return _forbidden(detail)
        quality = old["status"].get("qosClass") or quality_of_service(old["spec"])
        if quality_of_service(new["spec"]) != quality:
            printed = new["status"].get("qosClass", "")
            errors.invalid("spec", printed, "Pod QOS Class may not change as a result of resizing")
        if resize.unsupported(old):
            errors.forbidden("spec", "Pod running on node without support for resize")
        resize.check_resize(new["spec"], old["spec"], errors)
        return errors

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        self._check_pod(obj, errors)
        if obj["spec"].get("ephemeralContainers"):
            errors.forbidden("spec.ephemeralContainers", "cannot be set on create")
        if obj["spec"].get("nodeName") and obj["spec"].get("schedulingGates"):
            errors.forbidden(
                "spec.nodeName", "cannot be set until all schedulingGates have been cleared"
            )

    def _check_pod(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        check_annotations(obj, errors)
        check_pod_spec(spec, "spec", errors, is_pod=True)
        if not spec.get("serviceAccountName"):
            NO_TOKENS(spec, "spec", errors)
        IMAGES(spec, "spec", errors)

    @override
    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        self._check_pod(new, errors)
        check_annotation_changes(new, old, errors)
        check_pod_update(new["spec"], old["spec"], errors)

    @override
    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        check_annotation_changes(new, old, errors)
        check_pod_status(new, old, errors)

    @override
    def grace_seconds(self, obj: Object, options: DeleteOptions) -> int:
        spec = obj["spec"]
        period = options.grace_seconds
        if period is None:
            period = spec.get("terminationGracePeriodSeconds", 0)
        if not spec.get("nodeName") or obj["status"].get("phase") in ("Failed", "Succeeded"):
            period = 0
        return 1 if period < 0 else int(period)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Warn at creation only: updates come from controllers, which show no warnings."""
        if old is not None:
            return []
        messages = dns_label(obj["metadata"].get("name", ""))
        warnings = [f"{HOST_NAME}: [{' '.join(messages)}]"] if messages else []
        return warnings + pod_warnings(obj["spec"])

    @override
    def status_warnings(self, obj: Object) -> list[str]:
        warnings: list[str] = []
        for field in ("podIPs", "hostIPs"):
            for index, address in enumerate(obj["status"].get(field) or ()):
                warnings += address_warnings(address.get("ip", ""), f"status.{field}[{index}].ip")
        return warnings


def _forbidden(detail: str) -> FieldErrors:
    errors = FieldErrors()
    errors.forbidden("[]", detail)
    return errors
