"""The lab that was created last, for functions that are given none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cluster import ChosenCluster

_labs: list[ChosenCluster] = []
_listeners: list[Callable[[], None]] = []


def use(lab: ChosenCluster) -> None:
    """Make a :class:`~labkit.lab.lab.Lab` the current one, and call the listeners."""
    _labs[:] = [lab]
    for listener in _listeners:
        listener()


def current() -> ChosenCluster | None:
    """Return the lab that was created last; None before the first."""
    return _labs[0] if _labs else None


def on_use(listener: Callable[[], None]) -> None:
    """Call a function whenever a lab becomes the current one."""
    _listeners.append(listener)
