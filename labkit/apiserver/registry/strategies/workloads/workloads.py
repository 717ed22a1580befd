"""Deployments, replica sets, stateful sets, daemon sets and their kin.

Source: k8s.io/kubernetes ``pkg/apis/{apps,policy}/{v1/defaults,validation}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import (
    immutable,
    validate_annotations,
    validate_labels,
    validate_selector,
)
from labkit.apiserver.registry.names import NameRule, declared_name, dns_label, label_name
from labkit.apiserver.registry.strategies.pods.annotations import check_annotations
from labkit.apiserver.registry.strategies.pods.defaults import default_pod_spec
from labkit.apiserver.registry.strategies.pods.features import drop_disabled
from labkit.apiserver.registry.strategies.pods.profiles import check_profiles
from labkit.apiserver.registry.strategies.pods.validation import check_pod_spec
from labkit.apiserver.registry.strategies.pods.warnings import pod_warnings
from labkit.apiserver.registry.strategies.storage.claims import check_claim_spec
from labkit.apiserver.registry.strategies.workloads.rollouts import (
    check_daemon_set_update,
    check_deployment_update,
    check_retention,
    check_stateful_set_update,
)
from labkit.apiserver.registry.strategies.workloads.statuses import check_workload_status
from labkit.apiserver.registry.strategy import Context, Strategy
from labkit.apiserver.request import Object

HOST_NAMES = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is "
    "recommended"
)
NOT_NEGATIVE = "must be greater than or equal to 0"
EMPTY_FOR = {"ReplicaSet": "deployment", "DaemonSet": "daemonset", "StatefulSet": "statefulset"}
"""The word for a workload in the complaint about an empty selector."""


def selects(selector: Object, labels: Object) -> bool:
    """Whether a label selector matches labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions") or ():
        present = labels.get(term.get("key", ""))
        operator, values = term.get("operator"), term.get("values") or ()
        if operator == "In" and present not in values:
            return False
        if operator == "NotIn" and present in values:
            return False
        if operator == "Exists" and present is None:
            return False
        if operator == "DoesNotExist" and present is not None:
            return False
    return True


def check_template(template: Object, path: str, errors: FieldErrors) -> None:
    """A pod template."""
    validate_labels(template["metadata"].get("labels"), f"{path}.labels", errors)
    validate_annotations(template["metadata"].get("annotations"), f"{path}.annotations", errors)
    check_annotations(template, errors, f"{path}.annotations")
    check_pod_spec(template["spec"], f"{path}.spec", errors)
    check_profiles(template, errors, f"{path}.spec")
    if template["spec"].get("ephemeralContainers"):
        errors.forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


UNUSABLE = {"ReplicaSet": "invalid label selector", "StatefulSet": ""}
"""What is said of a selector that selects nothing that makes sense; daemon sets say no more."""


def check_selected_template(spec: Object, errors: FieldErrors, *, owner: str = "ReplicaSet") -> None:
    """A selector and the template that it must select.

    Args:
        spec: Of the workload.
        errors: What is wrong so far.
        owner: What the pods are made by; a deployment's are a replica set's.
    """
    selector, template = spec.get("selector"), spec["template"]
    daemon = owner == "DaemonSet"
    found = FieldErrors()
    validate_selector(selector, "spec.selector", found)
    errors += found
    if selector is None and not daemon:
        errors.required("spec.selector")
    elif selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        errors.invalid("spec.selector", _go_selector(selector), f"empty selector is invalid for {EMPTY_FOR[owner]}")
    if not found:
        _check_selected(selector, template, errors)
    elif not daemon:
        _note_unusable(selector or {}, UNUSABLE[owner], errors)
    if not found or daemon:
        check_template(template, "spec.template", errors)
    if found and owner == "ReplicaSet":
        return
    _check_forever(template["spec"], owner, errors)


def _check_forever(spec: Object, owner: str, errors: FieldErrors) -> None:
    """Pods that are kept running have no end."""
    policy = spec.get("restartPolicy", "")
    if policy != "Always":
        errors.not_supported("spec.template.spec.restartPolicy", policy, ["Always"])
    if spec.get("activeDeadlineSeconds") is not None:
        errors.forbidden(
            "spec.template.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {owner} is not Supported"
        )


def _check_selected(selector: Object | None, template: Object, errors: FieldErrors) -> None:
    """No selector selects nothing, an empty one everything."""
    labels = template["metadata"].get("labels") or {}
    if selector is None or not selects(selector, labels):
        errors.invalid(
            "spec.template.metadata.labels",
            dict(sorted(labels.items())) or None,
            "`selector` does not match template `labels`",
        )


def _note_unusable(selector: Object, why: str, errors: FieldErrors) -> None:
    errors.invalid("spec.selector", _go_selector(selector), why)
    errors[-1]["message"] = errors[-1]["message"].removesuffix(": ")


def _go_selector(selector: Object) -> Object:
    shown: Object = {}
    if selector.get("matchLabels"):
        shown["matchLabels"] = dict(sorted(selector["matchLabels"].items()))
    if selector.get("matchExpressions"):
        shown["matchExpressions"] = selector["matchExpressions"]
    return shown


def check_not_negative(spec: Object, fields: tuple[str, ...], errors: FieldErrors, path: str = "spec") -> None:
    """Counts and seconds."""
    for name in fields:
        value = spec.get(name)
        if value is not None and value < 0:
            errors.invalid(f"{path}.{name}" if path else name, value, NOT_NEGATIVE)


@dataclass
class WorkloadStrategy(Strategy):
    """What deployments and the like have in common."""

    generation: bool = True
    status: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        default_pod_spec(obj["spec"]["template"]["spec"])
        self.default_spec(obj["spec"])

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
        if old is not None and obj["spec"]["template"] == old["spec"]["template"]:
            return []
        template = obj["spec"]["template"]
        return pod_warnings(template["metadata"], template["spec"], "spec.template")


@dataclass
class DeploymentStrategy(WorkloadStrategy):
    """Deployments."""

    full_checks: int = 0

    def prepare_status_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``; the labels are not the status's to change."""
        super().prepare_status_update(context, new, old)
        new["metadata"].pop("labels", None)
        if "labels" in old["metadata"]:
            new["metadata"]["labels"] = old["metadata"]["labels"]

    def default_spec(self, spec: Object) -> None:
        """See ``WorkloadStrategy``."""
        spec.setdefault("replicas", 1)
        strategy = spec["strategy"]
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        check_not_negative(spec, ("replicas",), errors)
        check_selected_template(spec, errors)
        check_deployment_update(spec["strategy"], "spec.strategy", errors)
        check_not_negative(spec, ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"), errors)
        deadline = spec.get("progressDeadlineSeconds")
        if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
            errors.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


@dataclass
class ReplicaSetStrategy(WorkloadStrategy):
    """Replica sets."""

    full_checks: int = 0

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"replicas": 0}


@dataclass
class ReplicationControllerStrategy(WorkloadStrategy):
    """Replication controllers."""

    full_checks: int = 0

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
        labels = template["metadata"].get("labels") or {}
        if selector and not selects({"matchLabels": selector}, labels):
            errors.invalid(
                "spec.template.metadata.labels",
                dict(sorted(labels.items())) or None,
                "`selector` does not match template `labels`",
            )
        check_template(template, "spec.template", errors)
        _check_forever(template["spec"], "ReplicationController", errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        super().prepare_create(context, obj)
        drop_disabled((obj["spec"].get("template") or {}).get("spec") or {}, {})

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        drop_disabled((new["spec"].get("template") or {}).get("spec") or {}, old["spec"]["template"]["spec"])
        super().prepare_update(context, new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``; the name of a new one becomes part of host names."""
        messages = dns_label(obj["metadata"].get("name", "")) if old is None else []
        found = [f"{HOST_NAMES}: [{' '.join(messages)}]"] if messages else []
        return found + super().warnings(obj, old)


TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _templates(daemon_set: Object) -> int:
    """How many templates a daemon set has had."""
    text = (daemon_set["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "")
    return int(text) if text.lstrip("-").isdigit() else 0


def _count_template(daemon_set: Object, count: int) -> None:
    metadata = daemon_set["metadata"]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), TEMPLATE_GENERATION: str(count)}


@dataclass
class DaemonSetStrategy(WorkloadStrategy):
    """Daemon sets."""

    full_checks: int = 0

    def default(self, obj: Object) -> None:
        """See ``Strategy``; an annotation counts the templates, as the spec did in former versions."""
        super().default(obj)
        obj["metadata"]["annotations"] = {TEMPLATE_GENERATION: "0", **(obj["metadata"].get("annotations") or {})}

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        super().prepare_create(context, obj)
        _count_template(obj, max(_templates(obj), 1))

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        super().prepare_update(context, new, old)
        changed = new["spec"]["template"] != old["spec"]["template"]
        _count_template(new, _templates(old) + changed)

    def prepare_status_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        super().prepare_status_update(context, new, old)
        _count_template(new, _templates(old))

    def default_spec(self, spec: Object) -> None:
        """See ``WorkloadStrategy``."""
        strategy = spec["updateStrategy"]
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
        spec.setdefault("revisionHistoryLimit", 10)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        immutable(new["spec"].get("selector"), old["spec"].get("selector"), "spec.selector", errors)
        self.check(new, errors)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        check_selected_template(spec, errors, owner="DaemonSet")
        check_not_negative(spec, ("minReadySeconds",), errors)
        check_daemon_set_update(spec["updateStrategy"], "spec.updateStrategy", errors)
        check_not_negative(spec, ("revisionHistoryLimit",), errors)

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        names = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
        obj["status"] = dict.fromkeys(names, 0)


@dataclass
class StatefulSetStrategy(WorkloadStrategy):
    """Stateful sets."""

    name_rule: NameRule = label_name
    full_checks: int = 0

    def default_spec(self, spec: Object) -> None:
        """See ``WorkloadStrategy``."""
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

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        super().prepare_create(context, obj)
        _forget_unavailable(obj, None)

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        _forget_unavailable(new, old)
        super().prepare_update(context, new, old)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        _check_stateful_set(obj["spec"], errors, new=True)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        _check_stateful_set(new["spec"], errors, new=False)
        fixed = {name: value for name, value in new["spec"].items() if name not in MAY_CHANGE}
        if fixed != {name: value for name, value in old["spec"].items() if name not in MAY_CHANGE}:
            errors.forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                "'minReadySeconds' are forbidden",
            )

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        found = super().warnings(obj, old)
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
"""What an update of a stateful set's spec may change."""


def _forget_unavailable(obj: Object, old: Object | None) -> None:
    """``maxUnavailable`` is behind a gate that is closed: nobody may begin to use it."""
    rolling = obj["spec"]["updateStrategy"].get("rollingUpdate")
    before = (old or {}).get("spec", {}).get("updateStrategy", {}).get("rollingUpdate") or {}
    if rolling is not None and before.get("maxUnavailable") is None:
        rolling.pop("maxUnavailable", None)


def _check_stateful_set(spec: Object, errors: FieldErrors, *, new: bool) -> None:
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        errors.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    check_stateful_set_update(spec["updateStrategy"], "spec.updateStrategy", errors)
    check_retention(
        spec.get("persistentVolumeClaimRetentionPolicy"), "spec.persistentVolumeClaimRetentionPolicy", errors
    )
    claims = spec.get("volumeClaimTemplates") or ()
    if new:
        for index, claim in enumerate(claims):
            check_claim_spec(claim["spec"], f"spec.volumeClaimTemplates[{index}].spec", errors)
    check_not_negative(spec, ("replicas", "minReadySeconds"), errors)
    check_not_negative(spec.get("ordinals") or {}, ("start",), errors, "spec.ordinals")
    if new and spec.get("serviceName"):
        for message in label_name(spec["serviceName"], False):
            errors.invalid("spec.serviceName", spec["serviceName"], message)
    check_selected_template({**spec, "template": _with_claims(spec["template"], claims)}, errors, owner="StatefulSet")


def _with_claims(template: Object, claims: Sequence[Object]) -> Object:
    """The template as its pods will be: without a name of its own, with a volume for each claim."""
    pod = {name: value for name, value in template["spec"].items() if name not in ("hostname", "subdomain")}
    made = {claim["metadata"].get("name", ""): claim for claim in claims}
    if made:
        kept = [volume for volume in pod.get("volumes") or () if volume.get("name", "") not in made]
        pod["volumes"] = [
            *({"name": name, "persistentVolumeClaim": {"claimName": name}} for name in made),
            *kept,
        ]
    return {**template, "spec": pod}
