"""Validation of affinity, tolerations and topology spread.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_selector
from labkit.embedded.apiserver.registry.names import dns_label, label_value, qualified_name
from labkit.embedded.apiserver.registry.strategies.fields import node_selectors
from labkit.embedded.machinery.request import Object

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def check_affinity(affinity: Object | None, path: str, errors: FieldErrors) -> None:
    """Check node and pod affinity."""
    if affinity is None:
        return
    node = affinity.get("nodeAffinity") or {}
    if node.get(REQUIRED) is not None:
        node_selectors.check_node_selector(
            node[REQUIRED], f"{path}.nodeAffinity.{REQUIRED}", errors
        )
    node_selectors.check_preferred_terms(
        node.get(PREFERRED) or [], f"{path}.nodeAffinity.{PREFERRED}", errors
    )
    for form in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(form) or {}
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            _check_pod_term(term, f"{path}.{form}.{REQUIRED}[{index}]", errors)
        for index, weighted in enumerate(rules.get(PREFERRED) or ()):
            place = f"{path}.{form}.{PREFERRED}[{index}]"
            node_selectors.check_weight(weighted, place, errors)
            _check_pod_term(
                weighted.get("podAffinityTerm") or {}, f"{place}.podAffinityTerm", errors
            )


def _check_pod_term(term: Object, path: str, errors: FieldErrors) -> None:
    validate_selector(term.get("labelSelector"), f"{path}.labelSelector", errors)
    validate_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector", errors)
    for name in term.get("namespaces") or ():
        errors.check_format(f"{path}.namespace", name, dns_label)
    _check_label_keys(term, path, errors)
    key = term.get("topologyKey", "")
    errors.check_present(f"{path}.topologyKey", key, "can not be empty")
    errors.check_format(f"{path}.topologyKey", key, qualified_name)


def check_tolerations(tolerations: list[Object], path: str, errors: FieldErrors) -> None:
    """Check tolerations."""
    for index, toleration in enumerate(tolerations):
        place = f"{path}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        effect, value = toleration.get("effect", ""), toleration.get("value", "")
        if key:
            errors.check_format(f"{place}.key", key, qualified_name)
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errors.invalid(f"{place}.operator", operator, why)
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            errors.invalid(
                f"{place}.effect",
                effect,
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            )
        if operator in ("", "Equal"):
            errors.check_problem(f"{place}.operator", value, ";".join(label_value(value)))
        elif operator == "Exists":
            if value:
                errors.invalid(
                    f"{place}.operator", value, "value must be empty when `operator` is 'Exists'"
                )
        else:
            choices = ["Equal", "Exists"]
            if operator in ("Lt", "Gt"):  # known, but for a feature that is off
                choices += ["Lt", "Gt"]
            errors.not_supported(f"{place}.operator", operator, choices)
        errors.check_choice(f"{place}.effect", effect or None, EFFECTS)


def _check_label_keys(holder: Object, path: str, errors: FieldErrors) -> None:
    """Check ``matchLabelKeys`` and ``mismatchLabelKeys``."""
    selector = holder.get("labelSelector")
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = holder.get(field) or []
        if keys and selector is None:
            errors.forbidden(
                f"{path}.{field}", "must not be specified when labelSelector is not set"
            )
            continue
        errors.check_each(f"{path}.{field}", keys, qualified_name)


def check_spread(constraints: list[Object], path: str, errors: FieldErrors) -> None:
    """Check topology spread constraints."""
    for index, constraint in enumerate(constraints):
        place = f"{path}[{index}]"
        if constraint.get("maxSkew", 0) <= 0:
            errors.invalid(
                f"{place}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero"
            )
        errors.check_present(
            f"{place}.topologyKey", constraint.get("topologyKey"), "can not be empty"
        )
        action = constraint.get("whenUnsatisfiable", "")
        errors.check_choice(
            f"{place}.whenUnsatisfiable", action, ["DoNotSchedule", "ScheduleAnyway"]
        )
        domains = constraint.get("minDomains")
        if domains is not None and domains <= 0:
            errors.invalid(f"{place}.minDomains", domains, "must be greater than zero")
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            errors.check_choice(f"{place}.{field}", constraint.get(field), ["Honor", "Ignore"])
        _check_label_keys(constraint, place, errors)
        validate_selector(constraint.get("labelSelector"), f"{place}.labelSelector", errors)
