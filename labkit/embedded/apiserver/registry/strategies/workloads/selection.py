"""Validation of a workload's pod template and selector.

Source: k8s.io/kubernetes ``pkg/apis/{apps,core}/validation``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import (
    validate_annotations,
    validate_labels,
    validate_selector,
)
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.apiserver.registry.strategies.pods.annotations import check_annotations
from labkit.embedded.apiserver.registry.strategies.pods.validation import check_pod_spec
from labkit.embedded.machinery.request import Object

EMPTY_FOR = {"ReplicaSet": "deployment", "DaemonSet": "daemonset", "StatefulSet": "statefulset"}
"""The word for a workload in the complaint about an empty selector."""


def check_template(template: Object, path: str, errors: FieldErrors) -> None:
    """Check a pod template."""
    validate_labels(template["metadata"].get("labels"), f"{path}.labels", errors)
    validate_annotations(template["metadata"].get("annotations"), f"{path}.annotations", errors)
    check_annotations(template, errors, f"{path}.annotations")
    check_pod_spec(template["spec"], f"{path}.spec", errors)
    if template["spec"].get("ephemeralContainers"):
        errors.forbidden(
            f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"
        )


UNUSABLE = {"ReplicaSet": "invalid label selector", "StatefulSet": ""}
"""The message for an unusable selector; DaemonSets have none."""


def check_selected_template(
    spec: Object, errors: FieldErrors, *, owner: str = "ReplicaSet"
) -> None:
    """Check a workload's selector and the template that it must select.

    ``owner`` is the kind that makes the pods; a deployment's are a replica set's.
    """
    selector, template = spec.get("selector"), spec["template"]
    daemon = owner == "DaemonSet"
    found = FieldErrors()
    validate_selector(selector, "spec.selector", found)
    errors += found
    if selector is None and not daemon:
        errors.required("spec.selector")
    elif (
        selector is not None
        and not selector.get("matchLabels")
        and not selector.get("matchExpressions")
    ):
        errors.invalid(
            "spec.selector",
            shown_selector(selector),
            f"empty selector is invalid for {EMPTY_FOR[owner]}",
        )
    if not found:
        _check_selected(selector, template, errors)
    elif not daemon:
        _note_unusable(selector or {}, UNUSABLE[owner], errors)
    if not found or daemon:
        check_template(template, "spec.template", errors)
    if found and owner == "ReplicaSet":
        return
    check_forever(template["spec"], owner, errors)


def check_forever(spec: Object, owner: str, errors: FieldErrors) -> None:
    """Require that pods restart always and have no deadline."""
    errors.check_choice(
        "spec.template.spec.restartPolicy", spec.get("restartPolicy", ""), ["Always"]
    )
    if spec.get("activeDeadlineSeconds") is not None:
        why = f"activeDeadlineSeconds in {owner} is not Supported"
        errors.forbidden("spec.template.spec.activeDeadlineSeconds", why)


def _check_selected(selector: Object | None, template: Object, errors: FieldErrors) -> None:
    """Check that a selector selects the template: none selects nothing, an empty one everything."""
    labels = template["metadata"].get("labels")
    if selector is None or not selects(selector, labels or {}):
        refuse_labels(labels, errors)


def refuse_labels(labels: Object | None, errors: FieldErrors) -> None:
    """Report labels of a template that its selector does not select."""
    shown = None if labels is None else dict(sorted(labels.items()))
    errors.invalid(
        "spec.template.metadata.labels", shown, "`selector` does not match template `labels`"
    )


def _note_unusable(selector: Object, why: str, errors: FieldErrors) -> None:
    errors.invalid("spec.selector", shown_selector(selector), why)
    errors[-1]["message"] = errors[-1]["message"].removesuffix(": ")


def shown_selector(selector: Object) -> Object:
    """A label selector as messages show it."""
    shown: Object = {}
    if selector.get("matchLabels"):
        shown["matchLabels"] = dict(sorted(selector["matchLabels"].items()))
    if selector.get("matchExpressions"):
        shown["matchExpressions"] = [
            {name: term[name] for name in ("key", "operator", "values") if name in term}
            for term in selector["matchExpressions"]
        ]
    return shown
