"""awk's values, and how its programs end or go elsewhere."""

from __future__ import annotations

import re

MAX_TEXT = 1 << 20
MAX_ELEMENTS = 50_000
MAX_CALLS = 40


class Numeric(str):
    """A text from the input that looks like a number: it compares as one."""

    __slots__ = ()


Value = float | str


class Exit(Exception):
    """``exit``.

    Args:
        status: The exit status.
        in_end: It stood in an END action.
    """

    def __init__(self, status: int, *, in_end: bool = False) -> None:
        super().__init__(status)
        self.status = status & 0xFF
        self.in_end = in_end


class Return(Exception):
    """``return``."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d{1,3})?|\.\d+(?:[eE][-+]?\d{1,3})?)")


def number(value: Value) -> float:
    """A value as a number."""
    if isinstance(value, float):
        return value
    match = NUMBER.match(value[:200])
    return float(match[0]) if match else 0.0
