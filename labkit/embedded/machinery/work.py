"""Bounds the work of one request.

Code that goes over what a user sent charges for it, a unit for about a microsecond, and the request ends when its
budget is spent. The charge follows from the request and the objects, and never from a clock: the same request has
the same answer on a slow machine. Where no budget is entered, nothing is bounded.

A server's budget is ``Turns``: it refuses nothing, but lets others go on where the code is ``pausable``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from typing_extensions import override

from labkit.embedded.machinery.status import ApiError


class WorkBudget:
    """The cost limit of one request; ``code`` is 413 if its body causes the cost, else 429."""

    __slots__ = ("code", "left", "pausable", "units")

    def __init__(self, units: float, code: int = 429) -> None:
        self.units = self.left = units
        self.code = code
        self.pausable = False

    def spent(self) -> None:
        """Refuse the request: nothing is left."""
        self.left = self.units / 20  # to write the answer
        if self.code == 413:
            text = "Request entity too large: it is more work than the server does for one request"
            raise ApiError(413, "RequestEntityTooLarge", text)
        raise ApiError(429, "TooManyRequests", "The request is more work than the server does for one.")


class Turns(WorkBudget):
    """Gives others a turn: ``pause`` is called whenever ``seconds`` have passed, and where others may go on.

    If it is ``first``, ``pause`` raises, and the request begins again.
    """

    __slots__ = ("_begun", "_pause", "first", "seconds")

    def __init__(self, pause: Callable[[], None], seconds: float, first: bool = False) -> None:
        super().__init__(200)
        self.first = first
        self._pause = pause
        self.seconds = seconds
        self._begun = time.perf_counter()

    @override
    def spent(self) -> None:
        """Pause if it is time."""
        self.left = self.units if self.pausable else 0
        if self.pausable and time.perf_counter() - self._begun > self.seconds:
            self._pause()
            self._begun = time.perf_counter()


_current: ContextVar[WorkBudget | None] = ContextVar("work", default=None)


@contextmanager
def limited(budget: WorkBudget) -> Iterator[None]:
    """Charge to a budget what is done inside."""
    token = _current.set(budget)
    try:
        yield
    finally:
        _current.reset(token)


def charge(units: float) -> None:
    """Charge the current request; 413 or 429 if its budget is spent."""
    budget = _current.get()
    if budget is None:
        return
    budget.left -= units
    if budget.left < 0:
        budget.spent()


def breathe(units: float = 20) -> None:
    """Let others have a turn, without a charge: for work that was charged before, and took about ``units``."""
    budget = _current.get()
    if isinstance(budget, Turns):
        budget.left -= units
        if budget.left < 0:
            budget.spent()


@contextmanager
def pausable(written: bool = False) -> Iterator[None]:
    """Others may go on amid what is done inside: nothing that was read before may be relied on after it.

    ``written``: the request has changed something, and cannot begin again.
    """
    budget = _current.get()
    if budget is None or budget.pausable or (written and getattr(budget, "first", True)):
        yield
        return
    budget.pausable = True
    try:
        yield
    finally:
        budget.pausable = False


@contextmanager
def uncharged() -> Iterator[None]:
    """Charge nothing inside: for what reacts to a change, and cannot be given up halfway."""
    budget = _current.get() or WorkBudget(math.inf)
    left, budget.left = budget.left, math.inf
    try:
        yield
    finally:
        budget.left = left


def affordable(cost: float, most: int) -> int:
    """How many things of a cost one request may bring about: at least one, ``most`` where no budget is entered."""
    budget = _current.get()
    return most if budget is None else min(most, max(1, int(budget.units / cost)))
