"""ResourceLists with exact amounts, whose sums have the format of their terms.

Source: k8s.io/apiserver ``pkg/quota/v1/resources.go``; k8s.io/apimachinery ``pkg/api/resource``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from typing_extensions import override

from ..schema.values import BadValue, parse_quantity, quantity_text

NANO = 1_000_000_000


class Amount(NamedTuple):
    """A quantity: billionths, written in a form: ``binary``, ``decimal`` or ``exponent``."""

    value: int
    form: str = "decimal"

    @override
    def __str__(self) -> str:
        """The canonical text."""
        return quantity_text(self.value, self.form)

    @property
    def milli(self) -> int:
        """Thousandths, rounded up, as Go's ``MilliValue``: beyond an int64, digits lose those in front."""
        # Go's ``MilliValue`` has 64 bits, and its overflow is part of its answer.
        exact = -(-abs(self.value) // 10**6)
        if exact < 2**63:
            return exact
        return 0 if self.form == "exponent" else abs((exact + 2**63) % 2**64 - 2**63)

    def plus(self, other: Amount) -> Amount:
        """The sum, in the form of the first summand that is not zero."""
        return Amount(self.value + other.value, self.form if self.value else other.form)


Amounts = dict[str, Amount]
ZERO = Amount(0)


def read(resources: Mapping[str, Any] | None) -> Amounts:
    """Parse a ``ResourceList``; invalid quantities count as zero."""
    return {name: read_one(value) for name, value in (resources or {}).items()}


def read_one(value: object) -> Amount:
    """Parse a quantity; an invalid one is zero."""
    try:
        return Amount(*parse_quantity(str(value)))
    except BadValue:
        return ZERO


def add(first: Amounts, other: Amounts) -> Amounts:
    """The sum of each resource."""
    total = dict(first)
    for name, amount in other.items():
        total[name] = total[name].plus(amount) if name in total else amount
    return total


def largest(first: Amounts, other: Amounts) -> Amounts:
    """The greater amount of each resource."""
    result = dict(first)
    for name, amount in other.items():
        if name not in result or amount.value > result[name].value:
            result[name] = amount
    return result
