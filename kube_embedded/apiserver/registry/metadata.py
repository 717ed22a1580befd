"""Validation of ``metadata``, which all kinds share.

Source: k8s.io/apimachinery ``pkg/api/validation/objectmeta.go``.
"""

from ...machinery.golang.quote import go_quote
from ...machinery.request import Object
from .errors import FieldErrors
from .names import NameRule, label_name, label_value, qualified_name

MAX_ANNOTATIONS_BYTES = 256 * 1024
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


def validate_metadata(
    metadata: Object, namespaced: bool, rule: NameRule, errors: FieldErrors, path: str = "metadata"
) -> None:
    """Check the metadata of a new object."""
    errors.check_if_given(
        f"{path}.generateName", metadata.get("generateName"), lambda prefix: rule(prefix, True)
    )
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


def validate_metadata_update(
    new: Object, old: Object, errors: FieldErrors, path: str = "metadata"
) -> None:
    """Check a change of metadata."""
    # Otherwise two controllers could prevent the deletion of each other's objects for ever.
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
    for field in ("name", "namespace", "uid"):
        errors.check_unchanged(f"{path}.{field}", new.get(field, ""), old.get(field, ""))
    for field in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        errors.check_unchanged(f"{path}.{field}", new.get(field), old.get(field))
    validate_labels(new.get("labels"), f"{path}.labels", errors)
    validate_annotations(new.get("annotations"), f"{path}.annotations", errors)
    validate_owners(new.get("ownerReferences"), f"{path}.ownerReferences", errors)


def validate_labels(labels: Object | None, path: str, errors: FieldErrors) -> None:
    """Check the keys and values of labels."""
    for key, value in (labels or {}).items():
        errors.check_format(path, key, qualified_name)
        errors.check_format(path, value, label_value)


def validate_annotations(annotations: Object | None, path: str, errors: FieldErrors) -> None:
    """Check the keys and the total size of annotations."""
    if not annotations:
        return
    for key in annotations:
        errors.invalid_each(path, key, qualified_name(key.lower()))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS_BYTES:
        errors.too_long(path, MAX_ANNOTATIONS_BYTES)


def validate_owners(owners: list[Object] | None, path: str, errors: FieldErrors) -> None:
    """Check owner references: complete, and at most one controller."""
    controller = ""
    for owner in owners or ():
        version = owner.get("apiVersion", "")
        kind = owner.get("kind", "")
        if not version or version.count("/") > 1 or version.endswith("/"):
            errors.invalid(f"{path}.apiVersion", version, "version must not be empty")
        for field in ("kind", "name", "uid"):
            if not owner.get(field):
                errors.invalid(f"{path}.{field}", owner.get(field, ""), "must not be empty")
        # Events are deleted by their age, so they cannot own other objects.
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
    """Check that finalizers are qualified names."""
    for name in finalizers or ():
        errors.check_format(path, name, qualified_name)
    # One orphans the dependents, the other deletes them first.
    if finalizers and ORPHAN in finalizers and FOREGROUND in finalizers:
        errors.invalid(path, finalizers, f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set")


def validate_known_finalizers(finalizers: list[str] | None, path: str, errors: FieldErrors) -> None:
    """Check that finalizers have a domain or are Kubernetes' own (``pkg/apis/core/validation``)."""
    for index, name in enumerate(finalizers or ()):
        check_known_finalizer(name, f"{path}[{index}]", errors)


def check_known_finalizer(name: str, path: str, errors: FieldErrors) -> None:
    """Check that a finalizer has a domain or is Kubernetes' own."""
    if "/" not in name and name not in ("kubernetes", ORPHAN, FOREGROUND):
        errors.invalid(
            path, name, "name is neither a standard finalizer name nor is it fully qualified"
        )


def validate_selector(selector: Object | None, path: str, errors: FieldErrors) -> None:
    """Check a label selector (``pkg/apis/meta/v1/validation``)."""
    if selector is None:
        return
    validate_labels(selector.get("matchLabels"), f"{path}.matchLabels", errors)
    for index, term in enumerate(selector.get("matchExpressions", ())):
        validate_requirement(term, f"{path}.matchExpressions[{index}]", errors)


def validate_requirement(
    term: Object, path: str, errors: FieldErrors, *, numbers: bool = False, any_value: bool = False
) -> None:
    """Check one requirement of a selector.

    ``numbers`` allows ``Gt`` and ``Lt``, ``any_value`` values that no label can have.
    """
    operator = term.get("operator", "")
    values = term.get("values") or []
    if operator in ("In", "NotIn"):
        errors.check_present(
            f"{path}.values", values, "must be specified when `operator` is 'In' or 'NotIn'"
        )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.forbidden(
                f"{path}.values",
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )
    elif numbers and operator in ("Gt", "Lt"):
        if len(values) != 1:
            errors.required(
                f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"
            )
    else:
        errors.invalid(f"{path}.operator", operator, "not a valid selector operator")
    errors.check_format(f"{path}.key", term.get("key", ""), qualified_name)
    errors.check_each(f"{path}.values", () if any_value else values, label_value)
