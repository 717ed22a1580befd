"""Rules for node selectors, which pods and volumes share."""

from typing import Any

from kube_embedded.machinery.pods.placement import STABLE_LABELS
from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...metadata import validate_requirement
from ...names import dns_subdomain
from .rules import Rule, each, every, fields, must, rule, zero


def _expressions(*, any_value: bool) -> Rule:
    return each(
        lambda term, path, errors: validate_requirement(
            term, path, errors, numbers=True, any_value=any_value
        )
    )


# pkg/apis/core/validation/validation.go: ValidateNodeFieldSelectorRequirement
def _check_field(requirement: Any, path: str, errors: FieldErrors) -> None:
    operator = requirement.get("operator", "")
    values = requirement.get("values") or []
    key = requirement.get("key", "")
    if operator not in ("In", "NotIn"):
        errors.invalid(f"{path}.operator", operator, "not a valid selector operator")
    elif len(values) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.required(f"{path}.values", detail)
    if key == "metadata.name":
        errors.check_each(f"{path}.values", values, dns_subdomain)
    else:
        errors.invalid(f"{path}.key", key, "not a valid field selector key")


# pkg/apis/core/validation/validation.go: ValidateNodeSelectorTerm, ValidatePreferredSchedulingTerms
NODE_TERM = fields(matchExpressions=_expressions(any_value=False), matchFields=each(_check_field))
# The values of a preference need not be valid label values.
PREFERENCE = fields(matchExpressions=_expressions(any_value=True), matchFields=each(_check_field))
WEIGHT = zero(0, must(lambda weight: 1 <= weight <= 100, "must be in the range 1-100"))
PREFERRED_TERMS = each(fields(weight=WEIGHT, preference=PREFERENCE))
NODE_SELECTOR = fields(
    nodeSelectorTerms=every(
        rule(FieldErrors.check_present, "must have at least one node selector term"),
        each(NODE_TERM),
    )
)

# pkg/api/node/util.go
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
    warnings = []
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        key = requirement.get("key", "")
        if key in DEPRECATED_LABELS:
            field_path = f"{path}.matchExpressions[{index}].key"
            warnings.append(f"{field_path}: {key} is {DEPRECATED_LABELS[key]}")
    return warnings
