"""Validation of the spec of a SubjectAccessReview.

Source: k8s.io/kubernetes ``pkg/apis/authorization/validation``,
``pkg/registry/authorization/util``.
"""

from __future__ import annotations

from typing import Any

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
        shown_path = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        errors.invalid(
            "spec.nonResourceAttributes", shown_path, "cannot be specified in combination with resourceAttributes"
        )
    if resource is None and path is None:
        errors.invalid(RESOURCE, None, "exactly one of nonResourceAttributes or resourceAttributes must be specified")
    if needs_user and not spec.get("user") and not spec.get("groups"):
        errors.invalid("spec.user", "", "at least one of user or group must be specified")
    for field in ("fieldSelector", "labelSelector"):
        selector = (resource or {}).get(field)
        if selector is not None:
            _validate_selector(selector, f"{RESOURCE}.{field}", field == "labelSelector", errors)
    return errors


def _validate_selector(selector: Object, path: str, labels: bool, errors: FieldErrors) -> None:
    raw, requirements = selector.get("rawSelector", ""), selector.get("requirements") or []
    if raw and requirements:
        errors.invalid(f"{path}.rawSelector", raw, "may not specified at the same time as requirements")
    if not raw and not requirements:
        errors.required(f"{path}.requirements", f"when {path} is specified, requirements or rawSelector is required")
    for index, requirement in enumerate(requirements):
        _validate_requirement(requirement, f"{path}.requirements[{index}]", labels, errors)


def _validate_requirement(requirement: Object, path: str, labels: bool, errors: FieldErrors) -> None:
    key, operator = requirement.get("key", ""), requirement.get("operator", "")
    values = requirement.get("values") or []
    if not labels and not key:
        errors.required(f"{path}.key", "must be specified")
    if operator in ("In", "NotIn") and not values:
        errors.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        errors.forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
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
    for field, understood in (("fieldSelector", _field_terms), ("labelSelector", _label_terms)):
        selector = resource.get(field)
        if selector is None:
            continue
        known, unknown = understood(selector)
        if unknown:
            extent = "partially ignored" if known else "ignored"
            found.append(f"{RESOURCE}.{field} {extent} due to parse error")
    return "; ".join(found)


def _field_terms(selector: Object) -> tuple[int, int]:
    raw = selector.get("rawSelector")
    if raw:
        return _parses(parse_fields, raw)
    terms = selector.get("requirements") or []
    known = sum(term.get("operator") in ("In", "NotIn") and len(term.get("values") or ()) == 1 for term in terms)
    return known, len(terms) - known


def exact_requirements(selector: Object) -> tuple[tuple[str, str], ...]:
    """The fields for which a field selector requires exactly one value."""
    if selector.get("rawSelector"):
        return exact_fields(selector["rawSelector"])
    return tuple(
        (term.get("key", ""), term["values"][0])
        for term in selector.get("requirements") or ()
        if term.get("operator") == "In" and len(term.get("values") or ()) == 1
    )


def _label_terms(selector: Object) -> tuple[int, int]:
    raw = selector.get("rawSelector")
    if raw:
        return _parses(parse_labels, raw)
    terms = selector.get("requirements") or []
    known = sum(term.get("operator") in ("In", "NotIn", "Exists", "DoesNotExist") for term in terms)
    return known, len(terms) - known


def _parses(parse: Any, raw: str) -> tuple[int, int]:
    try:
        parse(raw)
    except ApiError:
        return 0, 1
    return 1, 0
