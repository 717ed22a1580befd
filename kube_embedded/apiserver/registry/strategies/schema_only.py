"""The kinds without behaviour here, which are validated by their schema alone.

Cron jobs start no jobs and autoscalers scale nothing, so validating them exactly as Go does would have no benefit.
Clients
still create, read, change and delete these objects as in a real cluster; the server warns their writers (``effects``).
"""

import copy
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from kube_embedded.machinery.request import Object

from ..errors import FieldErrors
from ..names import NameRule, path_segment_name, subdomain_name
from ..strategy import Strategy, StrategyContext, timestamp
from .effects import ADMISSION, FLOW_CONTROL, NETWORKING, STORAGE, effect_warning
from .fields.by_schema import check_object


class SchemaStrategy(Strategy):
    """The rules of a kind without behaviour: the rules of metadata and of the schema.

    Args:
        defaults: Path to the value of a missing field, such as ``spec.ports[].protocol``: ``[]`` is for all items of a
            list. Fields in structs that are missing are not set.
        generation: If true, ``metadata.generation`` counts the changes.
        status: The status of new objects; None if the kind has none.
        create_on_update: If true, a PUT creates a missing object.
        returns_deleted: If true, a deletion returns the object instead of a Status.
        name_rule: The rule of names.
    """

    def __init__(
        self,
        defaults: Mapping[str, Any] | None = None,
        *,
        generation: bool = False,
        status: Object | None = None,
        create_on_update: bool = False,
        returns_deleted: bool = False,
        name_rule: NameRule = subdomain_name,
    ) -> None:
        self._defaults = [(path.split("."), value) for path, value in (defaults or {}).items()]
        self._new_status = status
        self.generation = generation
        self.status = status is not None
        self.create_on_update = create_on_update
        self.returns_deleted = returns_deleted
        self.name_rule = name_rule

    @override
    def default(self, obj: Object) -> None:
        for path, value in self._defaults:
            _set_default(obj, path, value)

    @override
    def reset_status(self, obj: Object) -> None:
        obj["status"] = copy.deepcopy(self._new_status)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        check_object(obj, errors)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [effect_warning(obj)]


def _set_default(holder: Object, path: list[str], default: Any) -> None:
    name, *rest = path
    if name.endswith("[]"):
        for item in holder.get(name.removesuffix("[]")) or ():
            _set_default(item, rest, default)
    elif rest:
        if holder.get(name) is not None:
            _set_default(holder[name], rest, default)
    # Elsewhere an explicit 0 or false stays, for instance a history limit of 0.
    elif holder.get(name) in (None, "", []) or (name in NOT_POINTERS and not holder[name]):
        holder[name] = copy.deepcopy(default)


NOT_POINTERS = ("matchingPrecedence", "queues", "handSize", "queueLengthLimit")
"""Numbers that are no pointers in Go, so that 0 is the same as none."""


class NetworkPolicyStrategy(SchemaStrategy):
    """Network policies, whose default types depend on their rules."""

    @override
    def default(self, obj: Object) -> None:
        super().default(obj)
        spec = obj["spec"]
        # As pkg/apis/networking/v1/defaults.go: a policy that lists no egress rules must not block all
        # egress.
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


class LimitRangeStrategy(SchemaStrategy):
    """Limit ranges, whose defaults ``kubectl describe`` shows."""

    @override
    def default(self, obj: Object) -> None:
        for item in obj["spec"].get("limits") or ():
            if item.get("type") != "Container":
                continue
            limits = {**(item.get("max") or {}), **(item.get("default") or {})}
            requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
            for field, amounts in (("default", limits), ("defaultRequest", requests)):
                if amounts:
                    item[field] = amounts

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        super().check(obj, errors)
        types: set[str] = set()
        for index, item in enumerate(obj["spec"].get("limits") or ()):
            errors.check_unique(f"spec.limits[{index}].type", item.get("type", ""), types)


class ApiServiceStrategy(SchemaStrategy):
    """API services, of which those without another server are available at once."""

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        super().prepare_create(context, obj)
        if obj["spec"].get("service") is None:
            obj["status"] = {"conditions": [available(timestamp(context.clock()))]}


def available(now: str) -> Object:
    """Return the condition of an API service that this server serves itself."""
    return {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": now,
        "reason": "Local",
        "message": "Local APIServices are always available",
    }


def _matching(path: str) -> Object:
    """Return the defaults of a webhook or a policy for the requests that it matches."""
    return {
        f"{path}.matchPolicy": "Equivalent",
        f"{path}.namespaceSelector": {},
        f"{path}.objectSelector": {},
        f"{path}.resourceRules[].scope": "*",
        f"{path}.excludeResourceRules[].scope": "*",
    }


_WEBHOOKS = {
    **_matching("webhooks[]"),
    "webhooks[].rules[].scope": "*",
    "webhooks[].failurePolicy": "Fail",
    "webhooks[].timeoutSeconds": 10,
    "webhooks[].clientConfig.service.port": 443,
}
_POLICY = {"spec.failurePolicy": "Fail", **_matching("spec.matchConstraints")}
_BINDING = _matching("spec.matchResources")

SCHEMA_ONLY: Mapping[tuple[str, str], SchemaStrategy] = {
    ("", "Endpoints"): SchemaStrategy({"subsets[].ports[].protocol": "TCP"}, create_on_update=True),
    ("", "LimitRange"): LimitRangeStrategy(create_on_update=True),
    ("", "PersistentVolume"): SchemaStrategy(
        {
            "spec.persistentVolumeReclaimPolicy": "Retain",
            "spec.volumeMode": "Filesystem",
            "spec.hostPath.type": "",
            "status.phase": "Pending",
        },
        status={"phase": "Pending"},
        returns_deleted=True,
    ),
    ("", "PersistentVolumeClaim"): SchemaStrategy(
        {"spec.volumeMode": "Filesystem", "status.phase": "Pending"},
        status={"phase": "Pending"},
        returns_deleted=True,
    ),
    (ADMISSION, "MutatingAdmissionPolicy"): SchemaStrategy(_POLICY, generation=True),
    (ADMISSION, "MutatingAdmissionPolicyBinding"): SchemaStrategy(_BINDING, generation=True),
    (ADMISSION, "MutatingWebhookConfiguration"): SchemaStrategy(
        {**_WEBHOOKS, "webhooks[].reinvocationPolicy": "Never"}, generation=True
    ),
    (ADMISSION, "ValidatingAdmissionPolicy"): SchemaStrategy(_POLICY, generation=True, status={}),
    (ADMISSION, "ValidatingAdmissionPolicyBinding"): SchemaStrategy(_BINDING, generation=True),
    (ADMISSION, "ValidatingWebhookConfiguration"): SchemaStrategy(_WEBHOOKS, generation=True),
    # The core group's service is named ``v1.``, which is not a domain name.
    ("apiregistration.k8s.io", "APIService"): ApiServiceStrategy(
        {"spec.service.port": 443}, status={}, name_rule=path_segment_name
    ),
    # The real server adds a metric of 80 % CPU and rules of behavior, which nothing would follow here.
    ("autoscaling", "HorizontalPodAutoscaler"): SchemaStrategy(
        {"spec.minReplicas": 1}, status={"desiredReplicas": 0, "currentMetrics": None}
    ),
    # Jobs that `kubectl create job --from` makes of the template get their defaults when they are created.
    ("batch", "CronJob"): SchemaStrategy(
        {
            "spec.concurrencyPolicy": "Allow",
            "spec.suspend": False,
            "spec.successfulJobsHistoryLimit": 3,
            "spec.failedJobsHistoryLimit": 1,
        },
        generation=True,
        status={},
    ),
    ("discovery.k8s.io", "EndpointSlice"): SchemaStrategy(
        {"ports[].name": "", "ports[].protocol": "TCP"}, generation=True
    ),
    (FLOW_CONTROL, "FlowSchema"): SchemaStrategy(
        {"spec.matchingPrecedence": 1000}, generation=True, status={}
    ),
    (FLOW_CONTROL, "PriorityLevelConfiguration"): SchemaStrategy(
        {
            "spec.exempt.nominalConcurrencyShares": 0,
            "spec.exempt.lendablePercent": 0,
            "spec.limited.nominalConcurrencyShares": 30,
            "spec.limited.lendablePercent": 0,
            "spec.limited.limitResponse.queuing.queues": 64,
            "spec.limited.limitResponse.queuing.handSize": 8,
            "spec.limited.limitResponse.queuing.queueLengthLimit": 50,
        },
        generation=True,
        status={},
    ),
    (NETWORKING, "IPAddress"): SchemaStrategy(),
    (NETWORKING, "Ingress"): SchemaStrategy(generation=True, status={"loadBalancer": {}}),
    (NETWORKING, "IngressClass"): SchemaStrategy(
        {"spec.parameters.scope": "Cluster"}, generation=True
    ),
    (NETWORKING, "NetworkPolicy"): NetworkPolicyStrategy(
        {"spec.ingress[].ports[].protocol": "TCP", "spec.egress[].ports[].protocol": "TCP"},
        generation=True,
    ),
    (NETWORKING, "ServiceCIDR"): SchemaStrategy(generation=True, status={}),
    ("node.k8s.io", "RuntimeClass"): SchemaStrategy(create_on_update=True),
    ("policy", "PodDisruptionBudget"): SchemaStrategy(
        generation=True,
        status={
            "disruptionsAllowed": 0,
            "currentHealthy": 0,
            "desiredHealthy": 0,
            "expectedPods": 0,
        },
    ),
    (STORAGE, "CSIDriver"): SchemaStrategy(
        {
            "spec.attachRequired": True,
            "spec.podInfoOnMount": False,
            "spec.storageCapacity": False,
            "spec.fsGroupPolicy": "ReadWriteOnceWithFSType",
            "spec.volumeLifecycleModes": ["Persistent"],
            "spec.requiresRepublish": False,
            "spec.seLinuxMount": False,
        },
        returns_deleted=True,
    ),
    (STORAGE, "CSINode"): SchemaStrategy(returns_deleted=True),
    (STORAGE, "CSIStorageCapacity"): SchemaStrategy(),
    (STORAGE, "StorageClass"): SchemaStrategy(
        {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}, returns_deleted=True
    ),
    (STORAGE, "VolumeAttachment"): SchemaStrategy(status={"attached": False}, returns_deleted=True),
    (STORAGE, "VolumeAttributesClass"): SchemaStrategy(returns_deleted=True),
}
