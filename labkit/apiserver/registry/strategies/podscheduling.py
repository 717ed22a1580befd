"""Where a pod may run: affinity, tolerations, spread.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import validate_selector
from labkit.apiserver.registry.names import label_value, qualified_name
from labkit.apiserver.request import Object

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def check_affinity(affinity: Object | None, path: str, errors: FieldErrors) -> None:
    """Node and pod affinity: selectors that make sense."""
    if affinity is None:
        return
    node = affinity.get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is not None:
        place = f"{path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        terms = required.get("nodeSelectorTerms") or []
        if not terms:
            errors.required(place, "must have at least one node selector term")
        for index, term in enumerate(terms):
            _check_node_term(term, f"{place}[{index}]", errors)
    for form in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(form) or {}
        place = f"{path}.{form}.requiredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()):
            validate_selector(term.get("labelSelector"), f"{place}[{index}].labelSelector", errors)
            if not term.get("topologyKey"):
                errors.required(f"{place}[{index}].topologyKey", "can not be empty")


def _check_node_term(term: Object, path: str, errors: FieldErrors) -> None:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        place = f"{path}.matchExpressions[{index}]"
        operator, values = requirement.get("operator", ""), requirement.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                errors.required(f"{place}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                errors.forbidden(
                    f"{place}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                )
        elif operator in ("Gt", "Lt"):
            if len(values) != 1:
                errors.required(f"{place}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        else:
            errors.invalid(f"{place}.operator", operator, "not a valid selector operator")
        for message in qualified_name(requirement.get("key", "")):
            errors.invalid(f"{place}.key", requirement.get("key", ""), message)


def check_tolerations(tolerations: list[Object], path: str, errors: FieldErrors) -> None:
    """Tolerations."""
    for index, toleration in enumerate(tolerations):
        place = f"{path}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        effect, value = toleration.get("effect", ""), toleration.get("value", "")
        if key:
            for message in qualified_name(key):
                errors.invalid(f"{place}.key", key, message)
        elif operator != "Exists":
            errors.invalid(
                f"{place}.operator",
                operator,
                'operator must be Exists when `key` is empty, which means "match all values and all keys"',
            )
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            errors.invalid(f"{place}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        if operator in ("", "Equal"):
            messages = label_value(value)
            if messages:
                errors.invalid(f"{place}.operator", value, ";".join(messages))
        elif operator == "Exists":
            if value:
                errors.invalid(f"{place}.operator", toleration, "value must be empty when `operator` is 'Exists'")
        else:
            errors.not_supported(f"{place}.operator", operator, ["Equal", "Exists"])
        if effect and effect not in EFFECTS:
            errors.not_supported(f"{place}.effect", effect, EFFECTS)


def check_spread(constraints: list[Object], path: str, errors: FieldErrors) -> None:
    """Topology spread constraints."""
    for index, constraint in enumerate(constraints):
        place = f"{path}[{index}]"
        if constraint.get("maxSkew", 0) <= 0:
            errors.invalid(f"{place}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero")
        if not constraint.get("topologyKey"):
            errors.required(f"{place}.topologyKey", "can not be empty")
        action = constraint.get("whenUnsatisfiable", "")
        if action not in ("DoNotSchedule", "ScheduleAnyway"):
            errors.not_supported(f"{place}.whenUnsatisfiable", action, ["DoNotSchedule", "ScheduleAnyway"])
        validate_selector(constraint.get("labelSelector"), f"{place}.labelSelector", errors)
