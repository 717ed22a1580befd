"""The strategy of Jobs.

Source: k8s.io/kubernetes ``pkg/apis/batch/{v1/defaults,validation}``.
"""

from typing import ClassVar

from typing_extensions import override

from kube_embedded.machinery.request import Object
from kube_embedded.rbac.selectors import selects

from ...errors import FieldErrors
from ...metadata import validate_selector
from ...strategy import StrategyContext
from ..fields.struct_diff import go_struct, internal_template
from .base import WorkloadStrategy, name_advice, template_advice, unchanged
from .job_specs import check_job_spec, default_policy
from .selection import refuse_labels, shown_selector

UID_LABEL = "batch.kubernetes.io/controller-uid"
IMMUTABLE = {
    "completionMode": "",
    "podFailurePolicy": "batch.v1.PodFailurePolicy",
    "backoffLimitPerIndex": "",
    "managedBy": "",
    "successPolicy": "batch.v1.SuccessPolicy",
}
"""Fields that cannot change, and the Go struct of those that are no scalars."""
NAME_LABEL = "batch.kubernetes.io/job-name"


class JobStrategy(WorkloadStrategy):
    """Jobs."""

    orphans = True
    full_checks = 1

    @override
    def default(self, obj: Object) -> None:
        super().default(obj)
        _take_labels(obj)

    defaults: ClassVar[Object] = {
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "manualSelector": False,
    }

    @override
    def default_spec(self, spec: Object) -> None:
        if spec.get("parallelism") is None:
            spec.setdefault("completions", 1)
        # With a limit for each index, the job as a whole is not limited: this is Go's MaxInt32.
        if spec.get("backoffLimitPerIndex") is not None:
            spec.setdefault("backoffLimit", 2**31 - 1)
        # A job with a failure policy accepts no other value.
        if spec.get("podFailurePolicy"):
            spec.setdefault("podReplacementPolicy", "Failed")
        super().default_spec(spec)
        default_policy(spec)

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        """Select the pods by the uid of the job unless ``manualSelector`` is set."""
        super().prepare_create(context, obj)
        spec = obj["spec"]
        if spec.get("manualSelector"):
            return
        metadata = obj["metadata"]
        labels = spec["template"]["metadata"].setdefault("labels", {})
        taken = metadata.get("labels") == labels
        for label, value in _generated(obj).items():
            labels.setdefault(label, value)
        if taken:
            # The real server's defaults share one map, which now has more in it.
            del metadata["labels"]
        _take_labels(obj)
        selector = spec.setdefault("selector", {})
        uid = obj["metadata"]["uid"]
        selector["matchLabels"] = {UID_LABEL: uid, **(selector.get("matchLabels") or {})}

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        if not obj["spec"].get("manualSelector"):
            _check_generated(obj, errors)
        _check_spec(obj, errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        _check_spec(new, errors)
        spec = new["spec"]
        before = old["spec"]
        _check_completions(spec, before, errors)
        super().check_change(new, old, errors)
        if spec["template"] != before["template"]:
            template = internal_template(spec["template"])
            errors.invalid("spec.template", template, "field is immutable")
        for name, struct in IMMUTABLE.items():
            value = spec.get(name)
            if (value or None) != (before.get(name) or None):
                printed = go_struct(struct, value) if struct and value is not None else value
                errors.invalid(f"spec.{name}", printed, "field is immutable")

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        warnings = name_advice(obj, old)
        if unchanged(obj, old):
            return warnings
        return warnings + template_advice(obj["spec"]["template"], "spec.template")


def _check_completions(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Refuse to change completions, except in step with parallelism of an indexed job."""
    completions = spec.get("completions")
    if spec.get("completionMode") != "Indexed":
        errors.check_unchanged("spec.completions", completions, before.get("completions"))
    elif completions is not None and completions not in (
        before.get("completions"),
        spec.get("parallelism"),
    ):
        errors.invalid(
            "spec.completions", completions, "can only be modified in tandem with spec.parallelism"
        )


def _take_labels(job: Object) -> None:
    """Copy the template's labels to a job without labels."""
    labels = job["spec"]["template"]["metadata"].get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)


def _generated(job: Object) -> dict[str, str]:
    """The labels that select a job's pods, by their former and their present names."""
    uid = job["metadata"]["uid"]
    name = job["metadata"].get("name", "")
    # The names without a domain are from before 1.27, and clients still select by them.
    return {"controller-uid": uid, "job-name": name, UID_LABEL: uid, NAME_LABEL: name}


def _check_generated(job: Object, errors: FieldErrors) -> None:
    """Check the generated labels, and that the selector selects them."""
    selector = job["spec"].get("selector")
    if selector is None:
        return
    generated = _generated(job)
    labels = job["spec"]["template"]["metadata"].get("labels") or {}
    for label, value in generated.items():
        field_path = f"spec.template.metadata.labels[{label}]"
        if label not in labels:
            errors.required(field_path, f"must be '{value}'")
        elif labels[label] != value:
            errors.invalid(field_path, dict(sorted(labels.items())), f"must be '{value}'")
    selector_errors = FieldErrors()
    validate_selector(selector, "spec.selector", selector_errors)
    if not selector_errors and not selects(selector, generated):
        errors.invalid("spec.selector", shown_selector(selector), "`selector` not auto-generated")


def _check_spec(job: Object, errors: FieldErrors) -> None:
    """Check the spec of a job with its selector."""
    spec = job["spec"]
    check_job_spec(spec, "spec", errors)
    selector = spec.get("selector")
    before = len(errors)
    validate_selector(selector, "spec.selector", errors)
    usable = len(errors) == before
    if selector is None:
        errors.required("spec.selector")
    labels = spec["template"]["metadata"].get("labels")
    if usable and (selector is None or not selects(selector, labels or {})):
        refuse_labels(labels, errors)
