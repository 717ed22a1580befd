"""Validation of amounts."""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import NOT_NEGATIVE, FieldErrors
from labkit.embedded.machinery.quota.amounts import NANO, Amount
from labkit.embedded.machinery.quota.names import whole


def check_amount(name: str, amount: Amount, path: str, errors: FieldErrors) -> None:
    """Require an amount that is not negative, and whole for a resource that is counted."""
    if amount.value < 0:
        errors.invalid(path, str(amount), NOT_NEGATIVE)
    if whole(name) and amount.value % NANO:
        errors.invalid(path, str(amount), "must be an integer")
