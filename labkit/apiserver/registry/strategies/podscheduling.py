"""Where a pod may run: affinity, tolerations, spread.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import validate_selector
from labkit.apiserver.registry.names import dns_label, label_value, qualified_name
from labkit.apiserver.registry.strategies.nodeselectors import (
    check_node_selector,
    check_preferred_terms,
    check_weight,
)
from labkit.apiserver.request import Object

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def check_affinity(affinity: Object | None, path: str, errors: FieldErrors) -> None:
    """Node and pod affinity: selectors that make sense."""
    if affinity is None:
        return
    node = affinity.get("nodeAffinity") or {}
    if node.get(REQUIRED) is not None:
        check_node_selector(node[REQUIRED], f"{path}.nodeAffinity.{REQUIRED}", errors)
    check_preferred_terms(node.get(PREFERRED) or [], f"{path}.nodeAffinity.{PREFERRED}", errors)
    for form in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(form) or {}
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            _check_pod_term(term, f"{path}.{form}.{REQUIRED}[{index}]", errors)
        for index, weighted in enumerate(rules.get(PREFERRED) or ()):
            place = f"{path}.{form}.{PREFERRED}[{index}]"
            check_weight(weighted, place, errors)
            _check_pod_term(weighted.get("podAffinityTerm") or {}, f"{place}.podAffinityTerm", errors)


def _check_pod_term(term: Object, path: str, errors: FieldErrors) -> None:
    validate_selector(term.get("labelSelector"), f"{path}.labelSelector", errors)
    validate_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector", errors)
    for name in term.get("namespaces") or ():
        for message in dns_label(name):
            errors.invalid(f"{path}.namespace", name, message)
    key = term.get("topologyKey", "")
    if not key:
        errors.required(f"{path}.topologyKey", "can not be empty")
    for message in qualified_name(key):
        errors.invalid(f"{path}.topologyKey", key, message)


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
                errors.invalid(
                    f"{place}.operator", _internal(toleration), "value must be empty when `operator` is 'Exists'"
                )
        else:
            errors.not_supported(f"{place}.operator", operator, ["Equal", "Exists"])
        if effect and effect not in EFFECTS:
            errors.not_supported(f"{place}.effect", effect, EFFECTS)


def _internal(toleration: Object) -> Object:
    """A toleration as messages show it: with Go's names."""
    shown: Object = {name.capitalize(): toleration.get(name, "") for name in ("key", "operator", "value", "effect")}
    return {**shown, "TolerationSeconds": toleration.get("tolerationSeconds")}


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
        here = (constraint.get("topologyKey", ""), action)
        if any((other.get("topologyKey", ""), other.get("whenUnsatisfiable", "")) == here
               for other in constraints[index + 1 :]):  # fmt: skip
            errors.duplicate(f"{place}.{{topologyKey, whenUnsatisfiable}}", f"{{{here[0]}, {here[1]}}}")
        validate_selector(constraint.get("labelSelector"), f"{place}.labelSelector", errors)
