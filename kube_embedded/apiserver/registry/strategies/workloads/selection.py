"""Rules for a workload's pod template and selector.

Source: k8s.io/kubernetes ``pkg/apis/{apps,core}/validation``.
"""

from typing import Any

from kube_embedded.machinery.request import Object
from kube_embedded.rbac.selectors import selects

from ...errors import FieldErrors, printed_value
from ...metadata import validate_annotations, validate_labels, validate_selector
from ..fields.rules import Rule, fields
from ..pods.annotations import check_annotations
from ..pods.validation import check_pod_spec

# pkg/apis/core/validation/validation.go: ValidatePodTemplateSpec, whose paths leave out "metadata"
METADATA = fields(labels=validate_labels, annotations=validate_annotations)


def check_template(template: Object, path: str, errors: FieldErrors) -> None:
    """Check a pod template."""
    METADATA(template["metadata"], path, errors)
    check_annotations(template, errors, f"{path}.annotations")
    check_pod_spec(template["spec"], f"{path}.spec", errors)
    if template["spec"].get("ephemeralContainers"):
        detail = "ephemeral containers not allowed in pod template"
        errors.forbidden(f"{path}.spec.ephemeralContainers", detail)


UNUSABLE = {
    "ReplicaSet": "Invalid value: {}: invalid label selector",
    "StatefulSet": "Invalid value: {}",
}
"""The message for a selector that cannot be used; DaemonSets have none."""


def selected(owner: str = "ReplicaSet") -> Rule:
    """Make the rule for a workload's selector and the template that it must select.

    ``owner`` is the kind that creates the pods; a replica set creates those of a deployment.
    """
    daemon = owner == "DaemonSet"
    word = "deployment" if owner == "ReplicaSet" else owner.lower()

    def check(spec: Any, path: str, errors: FieldErrors) -> None:
        selector = spec.get("selector")
        template = spec["template"]
        field_path = f"{path}.selector"
        before = len(errors)
        validate_selector(selector, field_path, errors)
        usable = len(errors) == before
        if selector is None and not daemon:
            errors.required(field_path)
        elif selector is not None and not shown_selector(selector):
            errors.invalid(field_path, {}, f"empty selector is invalid for {word}")
        if usable:
            labels = template["metadata"].get("labels")
            # A missing selector selects no pods, an empty one all pods.
            if selector is None or not selects(selector, labels or {}):
                refuse_labels(labels, errors)
        elif not daemon:
            printed = printed_value(shown_selector(selector))
            errors.add("FieldValueInvalid", field_path, UNUSABLE[owner].format(printed))
        # As in Go, an unusable selector ends the checks of a replica set, but not those of the others.
        if usable or daemon:
            check_template(template, f"{path}.template", errors)
        if usable or owner != "ReplicaSet":
            check_forever(template["spec"], owner, errors)

    return check


# The controllers replace pods that end, whatever their result: only one policy makes sense.
def check_forever(spec: Object, owner: str, errors: FieldErrors) -> None:
    """Require that pods restart always and have no deadline."""
    path = "spec.template.spec"
    errors.check_choice(f"{path}.restartPolicy", spec.get("restartPolicy", ""), ["Always"])
    if spec.get("activeDeadlineSeconds") is not None:
        detail = f"activeDeadlineSeconds in {owner} is not Supported"
        errors.forbidden(f"{path}.activeDeadlineSeconds", detail)


def refuse_labels(labels: Object | None, errors: FieldErrors) -> None:
    """Report labels of a template that its selector does not select."""
    printed = None if labels is None else dict(sorted(labels.items()))
    detail = "`selector` does not match template `labels`"
    errors.invalid("spec.template.metadata.labels", printed, detail)


def shown_selector(selector: Object) -> Object:
    """A label selector as messages show it."""
    printed: Object = {}
    if selector.get("matchLabels"):
        printed["matchLabels"] = dict(sorted(selector["matchLabels"].items()))
    if selector.get("matchExpressions"):
        printed["matchExpressions"] = [
            {name: term[name] for name in ("key", "operator", "values") if name in term}
            for term in selector["matchExpressions"]
        ]
    return printed
