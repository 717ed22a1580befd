"""Rules of ``metadata`` that all kinds share.

Source: k8s.io/apimachinery ``pkg/api/validation/objectmeta.go``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import NameRule, label_name, label_value, qualified_name
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

MAX_ANNOTATIONS_BYTES = 256 * 1024
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


def validate_metadata(
    metadata: Object, namespaced: bool, rule: NameRule, errors: FieldErrors, path: str = "metadata"
) -> None:
    """What a new object's metadata must be."""
    errors.check_if_given(f"{path}.generateName", metadata.get("generateName"), lambda prefix: rule(prefix, True))
    errors.check_present(f"{path}.name", metadata.get("name"), "name or generateName is required")
    errors.check_if_given(f"{path}.name", metadata.get("name"), lambda name: rule(name, False))
    namespace = metadata.get("namespace", "")
    if namespaced:
        errors.check_required(f"{path}.namespace", namespace, label_name)
    elif namespace:
        errors.forbidden(f"{path}.namespace", "not allowed on this type")
    errors.check_not_negative(f"{path}.generation", metadata.get("generation", 0))
    validate_labels(metadata.get("labels"), f"{path}.labels", errors)
    validate_annotations(metadata.get("annotations"), f"{path}.annotations", errors)
    validate_owners(metadata.get("ownerReferences"), f"{path}.ownerReferences", errors)
    validate_finalizers(metadata.get("finalizers"), f"{path}.finalizers", errors)


def validate_metadata_update(new: Object, old: Object, errors: FieldErrors, path: str = "metadata") -> None:
    """What may change in an object's metadata."""
    if old.get("deletionTimestamp"):
        added = sorted(set(new.get("finalizers", ())) - set(old.get("finalizers", ())))
        if added:
            listed = "[]string{" + ", ".join(go_quote(name) for name in added) + "}"
            errors.forbidden(
                f"{path}.finalizers",
                f"no new finalizers can be added if the object is being deleted, found new finalizers {listed}",
            )
    if not new.get("resourceVersion"):
        errors.invalid(f"{path}.resourceVersion", "", "must be specified for an update")
    errors.check_not_negative(f"{path}.generation", new.get("generation", 0))
    if new.get("generation", 0) < old.get("generation", 0):
        errors.invalid(f"{path}.generation", new.get("generation", 0), "must not be decremented")
    for field, empty in (
        ("name", ""),
        ("namespace", ""),
        ("uid", ""),
        ("creationTimestamp", None),
        ("deletionTimestamp", None),
        ("deletionGracePeriodSeconds", None),
    ):
        immutable(new.get(field, empty), old.get(field, empty), f"{path}.{field}", errors)
    validate_labels(new.get("labels"), f"{path}.labels", errors)
    validate_annotations(new.get("annotations"), f"{path}.annotations", errors)
    validate_owners(new.get("ownerReferences"), f"{path}.ownerReferences", errors)


def immutable(new: Any, old: Any, field: str, errors: FieldErrors) -> None:
    """A field that may not change."""
    if new != old:
        errors.invalid(field, new, "field is immutable")


def validate_labels(labels: Object | None, path: str, errors: FieldErrors) -> None:
    """Keys and values of labels."""
    for key, value in (labels or {}).items():
        errors.check_format(path, key, qualified_name)
        errors.check_format(path, value, label_value)


def validate_annotations(annotations: Object | None, path: str, errors: FieldErrors) -> None:
    """Keys and total size of annotations."""
    if not annotations:
        return
    for key in annotations:
        errors.invalid_each(path, key, qualified_name(key.lower()))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS_BYTES:
        errors.too_long(path, MAX_ANNOTATIONS_BYTES)


def validate_owners(owners: list[Object] | None, path: str, errors: FieldErrors) -> None:
    """Owner references: complete, and one controller at most; which of them is wrong is not said."""
    controller = ""
    for owner in owners or ():
        version, kind = owner.get("apiVersion", ""), owner.get("kind", "")
        if not version or version.count("/") > 1 or version.endswith("/"):
            errors.invalid(f"{path}.apiVersion", version, "version must not be empty")
        for field in ("kind", "name", "uid"):
            if not owner.get(field):
                errors.invalid(f"{path}.{field}", owner.get(field, ""), "must not be empty")
        if version == "v1" and kind == "Event":
            errors.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")
        if owner.get("controller"):
            this = f"{kind}/{owner.get('name', '')}"
            if controller:
                errors.invalid(
                    path,
                    owners,
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {this}",
                )
            else:
                controller = this


def validate_finalizers(finalizers: list[str] | None, path: str, errors: FieldErrors) -> None:
    """Finalizers are qualified names."""
    for name in finalizers or ():
        errors.check_format(path, name, qualified_name)
    if finalizers and ORPHAN in finalizers and FOREGROUND in finalizers:
        errors.invalid(path, finalizers, f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set")


def validate_known_finalizers(finalizers: list[str] | None, path: str, errors: FieldErrors) -> None:
    """A finalizer is one of Kubernetes' own, or its name says whose it is.

    Source: k8s.io/kubernetes ``pkg/apis/core/validation``.
    """
    for index, name in enumerate(finalizers or ()):
        check_known_finalizer(name, f"{path}[{index}]", errors)


def check_known_finalizer(name: str, path: str, errors: FieldErrors) -> None:
    """One finalizer's name without a domain must be one of Kubernetes' own."""
    if "/" not in name and name not in ("kubernetes", ORPHAN, FOREGROUND):
        errors.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified")


def validate_selector(
    selector: Object | None, path: str, errors: FieldErrors, allow_invalid_values: bool = False
) -> None:
    """A label selector.

    Source: ``pkg/apis/meta/v1/validation``.
    """
    if selector is None:
        return
    validate_labels(selector.get("matchLabels"), f"{path}.matchLabels", errors)
    for index, term in enumerate(selector.get("matchExpressions", ())):
        place = f"{path}.matchExpressions[{index}]"
        operator, values = term.get("operator", ""), term.get("values") or []
        if operator in ("In", "NotIn"):
            errors.check_present(f"{place}.values", values, "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                errors.forbidden(
                    f"{place}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                )
        else:
            errors.invalid(f"{place}.operator", operator, "not a valid selector operator")
        errors.check_format(f"{place}.key", term.get("key", ""), qualified_name)
        if not allow_invalid_values:
            for number, value in enumerate(values):
                errors.check_format(f"{place}.values[{number}]", value, label_value)
