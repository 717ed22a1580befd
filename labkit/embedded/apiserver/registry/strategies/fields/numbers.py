"""Counts and durations."""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import NOT_NEGATIVE, FieldErrors
from labkit.embedded.machinery.quota.amounts import NANO, Amount
from labkit.embedded.machinery.quota.names import whole
from labkit.embedded.machinery.request import Object


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
        errors.check_not_negative(f"{path}.{name}" if path else name, value)


def check_amount(name: str, amount: Amount, path: str, errors: FieldErrors) -> None:
    """Require an amount that is not negative, and whole for a resource that is counted."""
    if amount.value < 0:
        errors.invalid(path, str(amount), NOT_NEGATIVE)
    if whole(name) and amount.value % NANO:
        errors.invalid(path, str(amount), "must be an integer")
