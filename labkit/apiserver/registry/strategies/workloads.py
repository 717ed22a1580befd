"""Deployments, replica sets, stateful sets, daemon sets, jobs, cron jobs and their kin.

Source: k8s.io/kubernetes ``pkg/apis/{apps,batch,policy}/{v1/defaults,validation}``.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import (
    immutable,
    validate_annotations,
    validate_labels,
    validate_selector,
)
from labkit.apiserver.registry.names import NameRule, percent, subdomain_name
from labkit.apiserver.registry.strategies.poddefaults import default_pod_spec
from labkit.apiserver.registry.strategies.pods import pod_warnings
from labkit.apiserver.registry.strategies.podvalidation import check_pod_spec
from labkit.apiserver.registry.strategies.storage import check_claim_spec
from labkit.apiserver.registry.strategy import Context, Strategy
from labkit.apiserver.request import Object

NOT_NEGATIVE = "must be greater than or equal to 0"


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
    check_pod_spec(template["spec"], f"{path}.spec", errors)


def check_selected_template(spec: Object, errors: FieldErrors, *, restart: bool = True) -> None:
    """A selector and the template that it must select.

    Args:
        spec: Of the workload.
        errors: What is wrong so far.
        restart: Whether pods must always be restarted.
    """
    selector = spec.get("selector")
    template = spec["template"]
    if selector is None:
        errors.required("spec.selector")
    else:
        validate_selector(selector, "spec.selector", errors)
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            errors.invalid("spec.selector", _go_selector(selector), "empty selector is invalid for deployment")
    labels = template["metadata"].get("labels") or {}
    if selector and not selects(selector, labels):
        errors.invalid("spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`")
    check_template(template, "spec.template", errors)
    policy = template["spec"].get("restartPolicy")
    if restart and policy != "Always":
        errors.not_supported("spec.template.spec.restartPolicy", policy, ["Always"])
    if restart and template["spec"].get("activeDeadlineSeconds") is not None:
        errors.forbidden(
            "spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"
        )


def _go_selector(selector: Object) -> Object:
    shown: Object = {}
    if selector.get("matchLabels"):
        shown["matchLabels"] = selector["matchLabels"]
    if selector.get("matchExpressions"):
        shown["matchExpressions"] = selector["matchExpressions"]
    return shown


def check_not_negative(spec: Object, fields: tuple[str, ...], errors: FieldErrors, path: str = "spec") -> None:
    """Counts and seconds."""
    for name in fields:
        value = spec.get(name)
        if value is not None and value < 0:
            errors.invalid(f"{path}.{name}", value, NOT_NEGATIVE)


def check_int_or_percent(value: Any, path: str, errors: FieldErrors, limit: bool = False) -> None:
    """A count or a percentage."""
    if isinstance(value, str):
        for message in percent(value):
            errors.invalid(path, value, message)
        if limit and not percent(value) and int(value[:-1]) > 100:
            errors.invalid(path, value, "must not be greater than 100%")
    elif isinstance(value, int) and value < 0:
        errors.invalid(path, value, NOT_NEGATIVE)


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

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        if old is not None and obj["spec"]["template"] == old["spec"]["template"]:
            return []
        return pod_warnings(obj["spec"]["template"]["spec"], "spec.template.spec")


@dataclass
class DeploymentStrategy(WorkloadStrategy):
    """Deployments."""

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
        super().check(obj, errors)
        spec = obj["spec"]
        strategy = spec["strategy"]
        kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
        if kind == "Recreate":
            if rolling is not None:
                errors.forbidden(
                    "spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
                )
        elif kind == "RollingUpdate":
            path = "spec.strategy.rollingUpdate"
            for name in ("maxUnavailable", "maxSurge"):
                check_int_or_percent((rolling or {}).get(name), f"{path}.{name}", errors, name == "maxUnavailable")
            zero = (0, "0%")
            if rolling and rolling.get("maxUnavailable") in zero and rolling.get("maxSurge") in zero:
                errors.invalid(f"{path}.maxUnavailable", rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
        else:
            errors.not_supported("spec.strategy.type", kind, ["Recreate", "RollingUpdate"])
        deadline = spec.get("progressDeadlineSeconds")
        if deadline is not None:
            if deadline < 0:
                errors.invalid("spec.progressDeadlineSeconds", deadline, NOT_NEGATIVE)
            elif deadline <= spec.get("minReadySeconds", 0):
                errors.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


@dataclass
class ReplicaSetStrategy(WorkloadStrategy):
    """Replica sets."""

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"replicas": 0}


@dataclass
class ReplicationControllerStrategy(WorkloadStrategy):
    """Replication controllers."""

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
        if not selects({"matchLabels": selector}, labels):
            errors.invalid(
                "spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`"
            )
        check_template(template, "spec.template", errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        return []


@dataclass
class DaemonSetStrategy(WorkloadStrategy):
    """Daemon sets."""

    def default_spec(self, spec: Object) -> None:
        """See ``WorkloadStrategy``."""
        strategy = spec["updateStrategy"]
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
        spec.setdefault("revisionHistoryLimit", 10)

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        names = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
        obj["status"] = dict.fromkeys(names, 0)


@dataclass
class StatefulSetStrategy(WorkloadStrategy):
    """Stateful sets."""

    def default_spec(self, spec: Object) -> None:
        """See ``WorkloadStrategy``."""
        spec.setdefault("podManagementPolicy", "OrderedReady")
        strategy = spec["updateStrategy"]
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        retention.setdefault("whenDeleted", "Retain")
        retention.setdefault("whenScaled", "Retain")
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        for claim in spec.get("volumeClaimTemplates") or ():
            claim.setdefault("kind", "PersistentVolumeClaim")
            claim.setdefault("apiVersion", "v1")
            claim["spec"].setdefault("volumeMode", "Filesystem")
            claim["status"].setdefault("phase", "Pending")

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        policy = spec.get("podManagementPolicy")
        if policy not in ("OrderedReady", "Parallel"):
            errors.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        super().check(obj, errors)
        for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
            check_claim_spec(claim["spec"], f"spec.volumeClaimTemplates[{index}].spec", errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        fixed = copy.deepcopy(dict(new["spec"]))
        for name in (
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ):
            if name in old["spec"]:
                fixed[name] = old["spec"][name]
            else:
                fixed.pop(name, None)
        if fixed != old["spec"]:
            errors.forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                "'minReadySeconds' are forbidden",
            )


@dataclass
class JobStrategy(Strategy):
    """Jobs."""

    generation: bool = True
    status: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        default_job_spec(obj["spec"])
        labels = obj["spec"]["template"]["metadata"].get("labels")
        if labels and not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)

    def prepare_create(self, context: Context, obj: Object) -> None:
        """A job selects its pods by its own uid, unless told otherwise."""
        super().prepare_create(context, obj)
        spec = obj["spec"]
        if spec.get("manualSelector"):
            return
        uid, name = obj["metadata"]["uid"], obj["metadata"].get("name", "")
        labels = spec["template"]["metadata"].setdefault("labels", {})
        labels["batch.kubernetes.io/controller-uid"] = labels["controller-uid"] = uid
        labels["batch.kubernetes.io/job-name"] = labels["job-name"] = name
        selector = spec.setdefault("selector", {})
        selector.setdefault("matchLabels", {}).setdefault("batch.kubernetes.io/controller-uid", uid)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_job_spec(obj["spec"], "spec", errors)
        selector = obj["spec"].get("selector")
        if selector is None:
            errors.required("spec.selector")
        else:
            validate_selector(selector, "spec.selector", errors)
            labels = obj["spec"]["template"]["metadata"].get("labels") or {}
            if not selects(selector, labels):
                errors.invalid(
                    "spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`"
                )

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_job_spec(new["spec"], "spec", errors)
        for name in ("completions", "selector", "template", "completionMode", "podFailurePolicy"):
            immutable(new["spec"].get(name), old["spec"].get(name), f"spec.{name}", errors)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        return pod_warnings(obj["spec"]["template"]["spec"], "spec.template.spec") if old is None else []


def default_job_spec(spec: Object) -> None:
    """Defaults of a job."""
    default_pod_spec(spec["template"]["spec"])
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = 2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)


def check_job_spec(spec: Object, path: str, errors: FieldErrors) -> None:
    """The spec of a job or of a cron job's template."""
    fields = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
    check_not_negative(spec, fields, errors, path)
    if spec.get("completionMode") not in (None, "NonIndexed", "Indexed"):
        errors.not_supported(f"{path}.completionMode", spec["completionMode"], ["Indexed", "NonIndexed"])
    elif spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        errors.required(f"{path}.completions", "when completion mode is Indexed")
    check_template(spec["template"], f"{path}.template", errors)
    policy = spec["template"]["spec"].get("restartPolicy")
    if policy == "Always":
        errors.required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        errors.not_supported(f"{path}.template.spec.restartPolicy", policy, ["OnFailure", "Never"])


def _cron_job_name(name: str, prefix: bool) -> list[str]:
    found = subdomain_name(name, prefix)
    if not prefix and len(name) > 52:
        found.append("must be no more than 52 characters")
    return found


@dataclass
class CronJobStrategy(Strategy):
    """Cron jobs."""

    name_rule: NameRule = _cron_job_name
    generation: bool = True
    status: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        spec.setdefault("concurrencyPolicy", "Allow")
        spec.setdefault("suspend", False)
        spec.setdefault("successfulJobsHistoryLimit", 3)
        spec.setdefault("failedJobsHistoryLimit", 1)
        default_pod_spec(spec["jobTemplate"]["spec"]["template"]["spec"])

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        schedule = spec.get("schedule", "")
        if not schedule:
            errors.required("spec.schedule")
        else:
            problem = schedule_problem(schedule)
            if problem:
                errors.invalid("spec.schedule", schedule, problem)
        check_not_negative(
            spec, ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"), errors
        )
        policy = spec.get("concurrencyPolicy")
        if policy not in ("Allow", "Forbid", "Replace"):
            errors.not_supported("spec.concurrencyPolicy", policy, ["Allow", "Forbid", "Replace"])
        check_job_spec(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", errors)


def schedule_problem(schedule: str) -> str:
    """What is wrong with a cron schedule, in the words of the parser that the real server uses."""
    if schedule.startswith("@"):
        known = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
        if schedule in known or schedule.startswith("@every "):
            return ""
        return f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    return ""


@dataclass
class DisruptionBudgetStrategy(Strategy):
    """Pod disruption budgets."""

    generation: bool = True
    status: bool = True
    unconditional_update: bool = False

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            errors.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
        for name in ("minAvailable", "maxUnavailable"):
            if spec.get(name) is not None:
                check_int_or_percent(spec[name], f"spec.{name}", errors, limit=True)
        validate_selector(spec.get("selector"), "spec.selector", errors)
