"""Counts and durations."""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object

NOT_NEGATIVE = "must be greater than or equal to 0"


def check_not_negative(spec: Object, fields: tuple[str, ...], errors: FieldErrors, path: str = "spec") -> None:
    """Counts and seconds, those that are given.

    Args:
        spec: Where they stand.
        fields: Their names, in the order in which they are looked at.
        errors: What is wrong so far.
        path: Of ``spec``.
    """
    for name in fields:
        value = spec.get(name)
        if value is not None and value < 0:
            errors.invalid(f"{path}.{name}" if path else name, value, NOT_NEGATIVE)
