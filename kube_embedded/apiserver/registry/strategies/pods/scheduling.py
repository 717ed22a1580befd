"""Rules for affinity, tolerations and topology spread."""

from typing import Any

from ...errors import FieldErrors
from ...metadata import validate_selector
from ...names import dns_label, label_value, qualified_name
from ..fields.node_selectors import NODE_SELECTOR, PREFERRED_TERMS, WEIGHT
from ..fields.rules import choice, each, every, fields, if_set, matches, must, rule, zero

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _check_namespaces(term: Any, path: str, errors: FieldErrors) -> None:
    # The cause has the field's name in the singular, and no index.
    for name in term.get("namespaces") or ():
        errors.check_format(f"{path}.namespace", name, dns_label)


def _check_label_keys(holder: Any, path: str, errors: FieldErrors) -> None:
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = holder.get(field) or ()
        if keys and holder.get("labelSelector") is None:
            detail = "must not be specified when labelSelector is not set"
            errors.forbidden(f"{path}.{field}", detail)
        else:
            errors.check_each(f"{path}.{field}", keys, qualified_name)


# pkg/apis/core/validation/validation.go: validatePodAffinityTerm, validateAffinity
TOPOLOGY = rule(FieldErrors.check_present, "can not be empty")
POD_TERM = every(
    fields(labelSelector=validate_selector, namespaceSelector=validate_selector),
    _check_namespaces,
    _check_label_keys,
    fields(topologyKey=every(TOPOLOGY, zero("", matches(qualified_name)))),
)
POD_AFFINITY = fields(
    **{
        REQUIRED: each(POD_TERM),
        PREFERRED: each(fields(weight=WEIGHT, podAffinityTerm=zero({}, POD_TERM))),
    }
)
AFFINITY = fields(
    nodeAffinity=fields(**{REQUIRED: NODE_SELECTOR, PREFERRED: PREFERRED_TERMS}),
    podAffinity=POD_AFFINITY,
    podAntiAffinity=POD_AFFINITY,
)


def _check_operator(toleration: Any, path: str, errors: FieldErrors) -> None:
    field_path = f"{path}.operator"
    operator = toleration.get("operator", "")
    value = toleration.get("value", "")
    effect = toleration.get("effect", "")
    if not toleration.get("key") and operator != "Exists":
        detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.invalid(field_path, operator, detail)
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.invalid(f"{path}.effect", effect, detail)
    if operator in ("", "Equal"):
        errors.check_problem(field_path, value, ";".join(label_value(value)))
    elif operator == "Exists":
        if value:
            errors.invalid(field_path, value, "value must be empty when `operator` is 'Exists'")
    else:
        choices = ["Equal", "Exists"]
        # These two are known, but their feature gate (TaintTolerationComparisonOperators) is off.
        if operator in ("Lt", "Gt"):
            choices += ["Lt", "Gt"]
        errors.not_supported(field_path, operator, choices)


# pkg/apis/core/validation/validation.go: ValidateTolerations
TOLERATIONS = each(
    every(fields(key=if_set(qualified_name)), _check_operator, fields(effect=choice(*EFFECTS)))
)

# pkg/apis/core/validation/validation.go: validateTopologySpreadConstraints
POSITIVE = must(lambda number: number > 0, "must be greater than zero")
POLICY = choice("Honor", "Ignore")
SPREAD = each(
    every(
        fields(
            maxSkew=zero(0, POSITIVE),
            topologyKey=TOPOLOGY,
            whenUnsatisfiable=zero("", choice("DoNotSchedule", "ScheduleAnyway")),
            minDomains=POSITIVE,
            nodeAffinityPolicy=POLICY,
            nodeTaintsPolicy=POLICY,
        ),
        _check_label_keys,
        fields(labelSelector=validate_selector),
    )
)
