"""Conditions of flow schemas and priority levels."""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object


def check_conditions(status: Object, errors: FieldErrors) -> None:
    """Every condition has a type, and none stands there twice."""
    seen: set[str] = set()
    for index, condition in enumerate(status.get("conditions") or ()):
        kind, place = condition.get("type", ""), f"status.conditions[{index}].type"
        errors.check_unique(place, kind, seen)
        errors.check_present(place, kind)
