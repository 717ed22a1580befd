"""Validation of node selectors, which pods and volumes share.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_requirement
from labkit.embedded.apiserver.registry.names import dns_subdomain
from labkit.embedded.machinery.pods.placement import STABLE_LABELS
from labkit.embedded.machinery.request import Object


def check_node_selector(selector: Object, path: str, errors: FieldErrors) -> None:
    """Check a node selector."""
    terms = selector.get("nodeSelectorTerms") or []
    errors.check_present(
        f"{path}.nodeSelectorTerms", terms, "must have at least one node selector term"
    )
    for index, term in enumerate(terms):
        check_node_term(term, f"{path}.nodeSelectorTerms[{index}]", errors)


def check_preferred_terms(terms: list[Object], path: str, errors: FieldErrors) -> None:
    """Check preferred terms, whose values need not be valid label values."""
    for index, term in enumerate(terms):
        check_weight(term, f"{path}[{index}]", errors)
        check_node_term(
            term.get("preference") or {}, f"{path}[{index}].preference", errors, any_value=True
        )


def check_weight(term: Object, path: str, errors: FieldErrors) -> None:
    """Check the weight of a preference."""
    weight = term.get("weight", 0)
    if not 1 <= weight <= 100:
        errors.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def check_node_term(term: Object, path: str, errors: FieldErrors, any_value: bool = False) -> None:
    """Check one term: expressions over labels and fields. ``any_value`` allows values that no label can have."""
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        place = f"{path}.matchExpressions[{index}]"
        validate_requirement(requirement, place, errors, numbers=True, any_value=any_value)
    for index, requirement in enumerate(term.get("matchFields") or ()):
        _check_field(requirement, f"{path}.matchFields[{index}]", errors)


def _check_field(requirement: Object, path: str, errors: FieldErrors) -> None:
    operator, values = requirement.get("operator", ""), requirement.get("values") or []
    if operator not in ("In", "NotIn"):
        errors.invalid(f"{path}.operator", operator, "not a valid selector operator")
    elif len(values) != 1:
        errors.required(
            f"{path}.values",
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        )
    if requirement.get("key", "") != "metadata.name":
        errors.invalid(f"{path}.key", requirement.get("key", ""), "not a valid field selector key")
        return
    errors.check_each(f"{path}.values", values, dns_subdomain)


DEPRECATED_LABELS = {
    **{old: f'deprecated since v1.17; use "{new}" instead' for old, new in STABLE_LABELS.items()},
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}
"""Labels of nodes that have a better name today."""


def node_term_warnings(term: Object, path: str) -> list[str]:
    """Warn of deprecated labels."""
    found = []
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        place, key = f"{path}.matchExpressions[{index}]", requirement.get("key", "")
        if key in DEPRECATED_LABELS:
            found.append(f"{place}.key: {key} is {DEPRECATED_LABELS[key]}")
    return found
