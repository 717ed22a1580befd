"""Loops that check each of something must not pass for want of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")


def some(items: Iterable[Item]) -> list[Item]:
    """Return the items, of which there must be at least one."""
    listed = list(items)
    assert listed, "there is nothing to look at"
    return listed
