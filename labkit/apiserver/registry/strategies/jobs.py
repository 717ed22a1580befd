"""Jobs and cron jobs.

Source: k8s.io/kubernetes ``pkg/apis/batch/{v1/defaults,validation}``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import immutable, validate_selector
from labkit.apiserver.registry.names import NameRule, subdomain_name
from labkit.apiserver.registry.strategies.poddefaults import default_pod_spec
from labkit.apiserver.registry.strategies.pods import pod_warnings
from labkit.apiserver.registry.strategies.workloads import check_not_negative, check_template, selects
from labkit.apiserver.registry.strategy import Context, Strategy
from labkit.apiserver.request import Object


def _cron_job_name(name: str, prefix: bool) -> list[str]:
    found = subdomain_name(name, prefix)
    if not prefix and len(name) > 52:
        found.append("must be no more than 52 characters")
    return found


@dataclass
class JobStrategy(Strategy):
    """Jobs."""

    checks_twice: bool = True

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
