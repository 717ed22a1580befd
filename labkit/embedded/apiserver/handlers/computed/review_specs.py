"""Validation of the spec of a SubjectAccessReview.

Source: k8s.io/kubernetes ``pkg/apis/authorization/validation``,
``pkg/registry/authorization/util``.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.apiserver.handlers.decode.field_selectors import exact_fields, parse_fields
from labkit.embedded.apiserver.handlers.decode.label_selectors import parse_labels
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import label_value, qualified_name
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

RESOURCE = "spec.resourceAttributes"


def validate_access_spec(spec: Object, *, needs_user: bool) -> FieldErrors:
    """Validate a review's spec; in some it must name a user or a group."""
    errors = FieldErrors()
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        why = "cannot be specified in combination with resourceAttributes"
        errors.invalid("spec.nonResourceAttributes", go_fields(path), why)
    if resource is None and path is None:
        errors.invalid(
            RESOURCE,
            None,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        )
    if needs_user and not spec.get("user") and not spec.get("groups"):
        errors.invalid("spec.user", "", "at least one of user or group must be specified")
    for field in ("fieldSelector", "labelSelector"):
        selector = (resource or {}).get(field)
        if selector is not None:
            _validate_selector(selector, f"{RESOURCE}.{field}", field == "labelSelector", errors)
    return errors


def go_fields(attributes: Object) -> Object:
    """The attributes of a non-resource request as Go prints a struct without JSON names."""
    return {"Path": attributes.get("path", ""), "Verb": attributes.get("verb", "")}


def _validate_selector(selector: Object, path: str, labels: bool, errors: FieldErrors) -> None:
    raw, requirements = selector.get("rawSelector", ""), selector.get("requirements") or []
    if raw and requirements:
        errors.invalid(
            f"{path}.rawSelector", raw, "may not specified at the same time as requirements"
        )
    if not raw and not requirements:
        errors.required(
            f"{path}.requirements",
            f"when {path} is specified, requirements or rawSelector is required",
        )
    for index, requirement in enumerate(requirements):
        _validate_requirement(requirement, f"{path}.requirements[{index}]", labels, errors)


def _validate_requirement(
    requirement: Object, path: str, labels: bool, errors: FieldErrors
) -> None:
    key, operator = requirement.get("key", ""), requirement.get("operator", "")
    values = requirement.get("values") or []
    if not labels and not key:
        errors.required(f"{path}.key", "must be specified")
    if operator in ("In", "NotIn") and not values:
        errors.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        errors.forbidden(
            f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        )
    if labels:
        for message in qualified_name(key):
            errors.invalid(f"{path}.key", key, message)
        for index, value in enumerate(values):
            for message in label_value(value):
                errors.invalid(f"{path}.values[{index}]", value, message)


def evaluation_errors(spec: Object) -> str:
    """The errors of selectors that could not be parsed; rules do not use selectors."""
    resource = spec.get("resourceAttributes") or {}
    found = []
    for field, parse, is_known in (
        ("fieldSelector", parse_fields, _is_known_field_term),
        ("labelSelector", parse_labels, _is_known_label_term),
    ):
        selector = resource.get(field)
        if selector is None:
            continue
        known, unknown = _count_terms(selector, parse, is_known)
        if unknown:
            extent = "partially ignored" if known else "ignored"
            found.append(f"{RESOURCE}.{field} {extent} due to parse error")
    return "; ".join(found)


def _count_terms(
    selector: Object, parse: Callable[[str], object], is_known: Callable[[Object], bool]
) -> tuple[int, int]:
    """How many terms of a selector are understood, and how many are not; a raw selector counts as one."""
    raw, terms = selector.get("rawSelector"), selector.get("requirements") or []
    if not raw:
        known = sum(map(is_known, terms))
        return known, len(terms) - known
    try:
        parse(raw)
    except ApiError:
        return 0, 1
    return 1, 0


def _is_known_field_term(term: Object) -> bool:
    return term.get("operator") in ("In", "NotIn") and len(term.get("values") or ()) == 1


def _is_known_label_term(term: Object) -> bool:
    return term.get("operator") in ("In", "NotIn", "Exists", "DoesNotExist")


def exact_requirements(selector: Object) -> tuple[tuple[str, str], ...]:
    """The fields for which a field selector requires exactly one value."""
    if selector.get("rawSelector"):
        return exact_fields(selector["rawSelector"])
    return tuple(
        (term.get("key", ""), term["values"][0])
        for term in selector.get("requirements") or ()
        if term.get("operator") == "In" and len(term.get("values") or ()) == 1
    )
