"""Validation of ``metav1.Condition``.

Source: k8s.io/apimachinery ``pkg/apis/meta/v1/validation``.
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import qualified_name, regex_error
from labkit.embedded.machinery.request import Object

STATUSES = ("False", "True", "Unknown")
MAX_REASON_BYTES, MAX_MESSAGE_BYTES = 1024, 32 * 1024
REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
BAD_REASON = regex_error(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_'",
    REASON,
    "my_name",
    "MY_NAME",
    "MyName",
    "ReasonA,ReasonB",
    "ReasonA:ReasonB",
)


def check_conditions(conditions: list[Object], path: str, errors: FieldErrors) -> None:
    """Check the conditions of a status."""
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        place, kind, reason = f"{path}[{index}]", condition.get("type", ""), condition.get("reason", "")
        errors.check_unique(f"{place}.type", kind, seen)
        errors.check_format(f"{place}.type", kind, qualified_name)
        errors.check_choice(f"{place}.status", condition.get("status", ""), STATUSES)
        generation = condition.get("observedGeneration", 0)
        if generation < 0:
            errors.invalid(f"{place}.observedGeneration", generation, "must be greater than or equal to zero")
        errors.check_present(f"{place}.lastTransitionTime", condition.get("lastTransitionTime"))
        if not reason:
            errors.required(f"{place}.reason")
        elif not re.fullmatch(REASON, reason):
            errors.invalid(f"{place}.reason", reason, BAD_REASON)
        errors.check_length(f"{place}.reason", reason, MAX_REASON_BYTES)
        errors.check_length(f"{place}.message", condition.get("message", ""), MAX_MESSAGE_BYTES)
