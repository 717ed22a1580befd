"""Validation of the spec of a SubjectAccessReview.

Source: k8s.io/kubernetes ``pkg/apis/authorization/validation``,
``pkg/registry/authorization/util``.
"""

from kube_embedded.machinery.request import Object
from kube_embedded.machinery.status import ApiError

from ...registry.errors import FieldErrors
from ...registry.names import label_value, qualified_name
from ..decode.field_selectors import exact_fields, parse_fields
from ..decode.label_selectors import parse_labels

RESOURCE = "spec.resourceAttributes"
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def validate_access_spec(spec: Object, *, needs_user: bool) -> FieldErrors:
    """Validate a review's spec; in some it must name a user or a group."""
    errors = FieldErrors()
    resource = spec.get("resourceAttributes")
    path = spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        detail = "cannot be specified in combination with resourceAttributes"
        errors.invalid("spec.nonResourceAttributes", go_fields(path), detail)
    if resource is None and path is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        errors.invalid(RESOURCE, None, detail)
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
    raw = selector.get("rawSelector", "")
    requirements = selector.get("requirements") or []
    if raw and requirements:
        detail = "may not specified at the same time as requirements"
        errors.invalid(f"{path}.rawSelector", raw, detail)
    if not raw and not requirements:
        detail = f"when {path} is specified, requirements or rawSelector is required"
        errors.required(f"{path}.requirements", detail)
    for index, requirement in enumerate(requirements):
        location = f"{path}.requirements[{index}]"
        key = requirement.get("key", "")
        operator = requirement.get("operator", "")
        values = requirement.get("values") or []
        if not labels and not key:
            errors.required(f"{location}.key", "must be specified")
        if operator in ("In", "NotIn") and not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.required(f"{location}.values", detail)
        elif operator in ("Exists", "DoesNotExist") and values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.forbidden(f"{location}.values", detail)
        # Fields have no rules of their own for names and values.
        if labels:
            errors.check_format(f"{location}.key", key, qualified_name)
            errors.check_each(f"{location}.values", values, label_value)


def evaluation_errors(spec: Object) -> str:
    """The errors of selectors that could not be parsed; rules do not use selectors."""
    resource = spec.get("resourceAttributes") or {}
    errors = []
    for field, parse in (("fieldSelector", parse_fields), ("labelSelector", parse_labels)):
        selector = resource.get(field) or {}
        raw = selector.get("rawSelector")
        terms = selector.get("requirements") or []
        known = sum(_is_known(term, field) for term in terms)
        if raw:
            # A raw selector counts as one term.
            try:
                parse(raw)
            except ApiError:
                errors.append(f"{RESOURCE}.{field} ignored due to parse error")
        elif known < len(terms):
            extent = "partially ignored" if known else "ignored"
            errors.append(f"{RESOURCE}.{field} {extent} due to parse error")
    return "; ".join(errors)


def _is_known(term: Object, field: str) -> bool:
    operators = ("In", "NotIn") if field == "fieldSelector" else OPERATORS
    several = field == "fieldSelector" and len(term.get("values") or ()) != 1
    return term.get("operator") in operators and not several


def exact_requirements(selector: Object) -> tuple[tuple[str, str], ...]:
    """The fields for which a field selector requires exactly one value."""
    if selector.get("rawSelector"):
        return exact_fields(selector["rawSelector"])
    return tuple(
        (term.get("key", ""), term["values"][0])
        for term in selector.get("requirements") or ()
        if term.get("operator") == "In" and len(term.get("values") or ()) == 1
    )
