"""Conditions in the common form, ``metav1.Condition``.

Source: k8s.io/apimachinery ``pkg/apis/meta/v1/validation``.
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import qualified_name, regex_error
from labkit.embedded.machinery.request import Object

STATUSES = ("False", "True", "Unknown")
LONGEST_REASON, LONGEST_MESSAGE = 1024, 32 * 1024
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
    """The conditions of a status.

    Args:
        conditions: They.
        path: Where they stand.
        errors: What is wrong so far.
    """
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        place, kind, reason = f"{path}[{index}]", condition.get("type", ""), condition.get("reason", "")
        if kind in seen:
            errors.duplicate(f"{place}.type", kind)
        seen.add(kind)
        for message in qualified_name(kind):
            errors.invalid(f"{place}.type", kind, message)
        if condition.get("status", "") not in STATUSES:
            errors.not_supported(f"{place}.status", condition.get("status", ""), STATUSES)
        generation = condition.get("observedGeneration", 0)
        if generation < 0:
            errors.invalid(f"{place}.observedGeneration", generation, "must be greater than or equal to zero")
        if not condition.get("lastTransitionTime"):
            errors.required(f"{place}.lastTransitionTime")
        if not reason:
            errors.required(f"{place}.reason")
        elif not re.fullmatch(REASON, reason):
            errors.invalid(f"{place}.reason", reason, BAD_REASON)
        if len(reason.encode()) > LONGEST_REASON:
            errors.too_long(f"{place}.reason", LONGEST_REASON)
        if len(condition.get("message", "").encode()) > LONGEST_MESSAGE:
            errors.too_long(f"{place}.message", LONGEST_MESSAGE)
