"""Jobs and cron jobs.

Source: k8s.io/kubernetes ``pkg/apis/batch/{v1/defaults,validation}``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import immutable, validate_selector
from labkit.apiserver.registry.names import NameRule, subdomain_name
from labkit.apiserver.registry.strategies.poddefaults import default_pod_spec
from labkit.apiserver.registry.strategies.poddiff import internal_template
from labkit.apiserver.registry.strategies.pods import pod_warnings
from labkit.apiserver.registry.strategies.schedules import schedule_problem
from labkit.apiserver.registry.strategies.workloads import check_not_negative, check_template, selects
from labkit.apiserver.registry.strategies.workloadstatus import check_workload_status
from labkit.apiserver.registry.strategy import Context, Strategy
from labkit.apiserver.request import Object

UID_LABEL = "batch.kubernetes.io/controller-uid"
NAME_LABEL = "batch.kubernetes.io/job-name"


def _cron_job_name(name: str, prefix: bool) -> list[str]:
    found = subdomain_name(name, prefix)
    if not prefix and len(name) > 52:
        found.append("must be no more than 52 characters")
    return found


@dataclass
class JobStrategy(Strategy):
    """Jobs."""

    generation: bool = True
    status: bool = True
    orphans: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        default_job_spec(obj["spec"])
        _take_labels(obj)

    def prepare_create(self, context: Context, obj: Object) -> None:
        """A job selects its pods by its own uid, unless told otherwise."""
        super().prepare_create(context, obj)
        spec = obj["spec"]
        if spec.get("manualSelector"):
            return
        metadata = obj["metadata"]
        labels = spec["template"]["metadata"].setdefault("labels", {})
        taken = metadata.get("labels") == labels
        for label, value in _generated(obj).items():
            labels.setdefault(label, value)
        if taken:  # the real server's defaults share one map, which now has more in it
            del metadata["labels"]
        _take_labels(obj)
        selector = spec.setdefault("selector", {})
        uid = obj["metadata"]["uid"]
        selector["matchLabels"] = {UID_LABEL: uid, **(selector.get("matchLabels") or {})}

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        if not obj["spec"].get("manualSelector"):
            _check_generated(obj, errors)
        _check_spec(obj, errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        _check_spec(new, errors)
        for name in ("completions", "selector", "template", "completionMode", "podFailurePolicy"):
            value, before = new["spec"].get(name), old["spec"].get(name)
            if name == "template" and value != before:
                errors.invalid("spec.template", internal_template(value), "field is immutable")
            else:
                immutable(value, before, f"spec.{name}", errors)

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_workload_status(new["kind"], new["status"], old.get("status") or {}, errors)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        return pod_warnings(obj["spec"]["template"]["spec"], "spec.template.spec") if old is None else []


def _take_labels(job: Object) -> None:
    """A job without labels has those of its template."""
    labels = job["spec"]["template"]["metadata"].get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)


def _generated(job: Object) -> dict[str, str]:
    """The labels by which a job knows its pods, by their former names and by their present ones."""
    uid, name = job["metadata"]["uid"], job["metadata"].get("name", "")
    return {"controller-uid": uid, "job-name": name, UID_LABEL: uid, NAME_LABEL: name}


def _check_generated(job: Object, errors: FieldErrors) -> None:
    """The labels must be the generated ones, and the selector must select them."""
    selector = job["spec"].get("selector")
    if selector is None:
        return
    wanted = _generated(job)
    labels = job["spec"]["template"]["metadata"].get("labels") or {}
    for label, value in wanted.items():
        place = f"spec.template.metadata.labels[{label}]"
        if label not in labels:
            errors.required(place, f"must be '{value}'")
        elif labels[label] != value:
            errors.invalid(place, labels, f"must be '{value}'")
    found = FieldErrors()
    validate_selector(selector, "spec.selector", found)
    if not found and not selects(selector, wanted):
        errors.invalid("spec.selector", selector, "`selector` not auto-generated")


def _check_spec(job: Object, errors: FieldErrors) -> None:
    """The spec of a job that has its selector."""
    spec = job["spec"]
    check_job_spec(spec, "spec", errors)
    selector = spec.get("selector")
    found = FieldErrors()
    if selector is None:
        errors.required("spec.selector")
    else:
        validate_selector(selector, "spec.selector", found)
        errors += found
    labels = spec["template"]["metadata"].get("labels") or {}
    if not found and (selector is None or not selects(selector, labels)):
        errors.invalid("spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`")


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
    full_checks: int = 0
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
            if "TZ" in schedule:
                errors.invalid(
                    "spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
                )
        check_not_negative(
            spec, ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"), errors
        )
        policy = spec.get("concurrencyPolicy")
        if policy not in ("Allow", "Forbid", "Replace"):
            errors.not_supported("spec.concurrencyPolicy", policy, ["Allow", "Forbid", "Replace"])
        check_job_spec(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", errors)
