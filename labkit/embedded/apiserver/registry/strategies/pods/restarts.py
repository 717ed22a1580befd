"""Validation of container restart policies, restart rules and resize policies.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateContainerRestartPolicy``,
``validateResizePolicy``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object

POLICIES = ("Always", "Never", "OnFailure")
ACTIONS = ("Restart", "RestartAllContainers")
MAX_RULES = 20
MAX_CODES = 255
RESIZABLE = ("cpu", "memory")
RESIZE_POLICIES = ("NotRequired", "RestartContainer")


def check_restarts(container: Object, path: str, errors: FieldErrors, init: bool = False) -> None:
    """Check the restart policy of a container, which may be an ``init`` container, and its rules."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or []
    if policy is None and rules:
        errors.required(
            f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used"
        )
        if init:
            return
    else:
        errors.check_choice(f"{path}.restartPolicy", policy, POLICIES)
    errors.check_count(f"{path}.restartPolicyRules", rules, MAX_RULES)
    for index, rule in enumerate(rules):
        _check_rule(rule, f"{path}.restartPolicyRules[{index}]", errors)


def _check_rule(rule: Object, path: str, errors: FieldErrors) -> None:
    errors.check_choice(f"{path}.action", rule.get("action", ""), ACTIONS)
    codes = rule.get("exitCodes")
    if codes is None:
        errors.required(f"{path}.exitCodes", "must be specified")
        return
    errors.check_choice(f"{path}.exitCodes.operator", codes.get("operator", ""), ["In", "NotIn"])
    errors.check_count(f"{path}.exitCodes.values", codes.get("values") or (), MAX_CODES)


def check_resize_policy(container: Object, restart: str, path: str, errors: FieldErrors) -> None:
    """Check the resize policy of a container."""
    place = f"{path}.resizePolicy"
    seen: set[str] = set()
    for index, item in enumerate(container.get("resizePolicy") or ()):
        resource, policy = item.get("resourceName", ""), item.get("restartPolicy", "")
        errors.check_unique(f"{place}[{index}]", resource, seen)
        for value, choices in ((resource, RESIZABLE), (policy, RESIZE_POLICIES)):
            errors.check_required_choice(place, value, choices)
        if restart == "Never" and policy != "NotRequired":
            errors.invalid(
                place, policy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            )
