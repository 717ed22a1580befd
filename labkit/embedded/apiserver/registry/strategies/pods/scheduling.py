"""Validation of affinity, tolerations and topology spread.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from collections import Counter

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
        node_selectors.check_node_selector(node[REQUIRED], f"{path}.nodeAffinity.{REQUIRED}", errors)
    node_selectors.check_preferred_terms(node.get(PREFERRED) or [], f"{path}.nodeAffinity.{PREFERRED}", errors)
    for form in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(form) or {}
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            _check_pod_term(term, f"{path}.{form}.{REQUIRED}[{index}]", errors)
        for index, weighted in enumerate(rules.get(PREFERRED) or ()):
            place = f"{path}.{form}.{PREFERRED}[{index}]"
            node_selectors.check_weight(weighted, place, errors)
            _check_pod_term(weighted.get("podAffinityTerm") or {}, f"{place}.podAffinityTerm", errors)


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
            errors.invalid(f"{place}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        if operator in ("", "Equal"):
            errors.check_problem(f"{place}.operator", value, ";".join(label_value(value)))
        elif operator == "Exists":
            if value:
                errors.invalid(f"{place}.operator", value, "value must be empty when `operator` is 'Exists'")
        else:
            choices = ["Equal", "Exists"]
            if operator in ("Lt", "Gt"):  # known, but for a feature that is off
                choices += ["Lt", "Gt"]
            errors.not_supported(f"{place}.operator", operator, choices)
        errors.check_choice(f"{place}.effect", effect or None, EFFECTS)


def _check_label_keys(holder: Object, path: str, errors: FieldErrors) -> None:
    """Check ``matchLabelKeys`` and ``mismatchLabelKeys``."""
    selector = holder.get("labelSelector")
    match, mismatch = holder.get("matchLabelKeys") or [], holder.get("mismatchLabelKeys") or []
    for field, keys in (("matchLabelKeys", match), ("mismatchLabelKeys", mismatch)):
        if keys and selector is None:
            errors.forbidden(f"{path}.{field}", "must not be specified when labelSelector is not set")
            continue
        errors.check_each(f"{path}.{field}", keys, qualified_name)
    seen = set((selector or {}).get("matchLabels") or ())
    for term in (selector or {}).get("matchExpressions") or ():
        key = term.get("key", "")
        if key in match and key in seen:
            last = len(match) - 1 - match[::-1].index(key)
            errors.invalid(f"{path}[{last}]", key, "exists in both matchLabelKeys and labelSelector")
        seen.add(key)
    for index, key in enumerate(match):
        if key in mismatch:
            why = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.invalid(f"{path}.matchLabelKeys[{index}]", key, why)


def check_spread(constraints: list[Object], path: str, errors: FieldErrors) -> None:
    """Check topology spread constraints."""
    later = Counter(map(_spread, constraints))
    for index, constraint in enumerate(constraints):
        place = f"{path}[{index}]"
        if constraint.get("maxSkew", 0) <= 0:
            errors.invalid(f"{place}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero")
        errors.check_present(f"{place}.topologyKey", constraint.get("topologyKey"), "can not be empty")
        action = constraint.get("whenUnsatisfiable", "")
        errors.check_choice(f"{place}.whenUnsatisfiable", action, ["DoNotSchedule", "ScheduleAnyway"])
        here = _spread(constraint)
        later[here] -= 1
        if later[here]:
            errors.duplicate(f"{place}.{{topologyKey, whenUnsatisfiable}}", f"{{{here[0]}, {here[1]}}}")
        domains = constraint.get("minDomains")
        if domains is not None:
            if domains <= 0:
                errors.invalid(f"{place}.minDomains", domains, "must be greater than zero")
            if action != "DoNotSchedule":
                why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
                errors.invalid(f"{place}.minDomains", domains, why)
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            errors.check_choice(f"{place}.{field}", constraint.get(field), ["Honor", "Ignore"])
        _check_label_keys(constraint, place, errors)
        validate_selector(constraint.get("labelSelector"), f"{place}.labelSelector", errors)


def _spread(constraint: Object) -> tuple[str, str]:
    """The key that is unique among the constraints of a pod."""
    return constraint.get("topologyKey", ""), constraint.get("whenUnsatisfiable", "")
