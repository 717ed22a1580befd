"""Bounds the work of one request.

Code that processes a user's data charges for it, a unit for about a microsecond, and the request ends when its
budget is spent. The charge follows from the request and the objects, and never from a clock: the same request has
the same answer on a slow machine. Without a budget the work is unbounded.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

from .beside import HOW
from .status import ApiError


class WorkBudget:
    """The cost limit of one request; ``code`` is 413 if its body causes the cost, else 429."""

    __slots__ = ("code", "left", "units")

    def __init__(self, units: float, code: int = 429) -> None:
        self.units = self.left = units
        self.code = code


_current: ContextVar[WorkBudget | None] = ContextVar("work", default=None)


@contextmanager
def limited(budget: WorkBudget) -> Iterator[None]:
    """Charge the work inside to a budget."""
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
        # Writing the error costs as well, and must not raise it again.
        budget.left = budget.units / 20  # to write the answer
        # 413 means that the client's body is at fault; 429 that a smaller request can succeed.
        if budget.code == 413:
            text = "Request entity too large: it is more work than the server does for one request"
            raise ApiError(413, "RequestEntityTooLarge", text)
        raise ApiError(
            429, "TooManyRequests", "The request is more work than the server does for one."
        )


@contextmanager
def uncharged() -> Iterator[None]:
    """Suspend charging: reactions to a change cannot be stopped halfway."""
    budget = _current.get() or WorkBudget(math.inf)
    # A write that is half done cannot be taken back by what reacts to it.
    left = budget.left
    budget.left = math.inf
    token = HOW.set(nullcontext)
    try:
        yield
    finally:
        HOW.reset(token)
        budget.left = left


def affordable(cost: float, most: int) -> int:
    """Return how many things of a cost one request can cause: at least one, and ``most`` without a budget."""
    budget = _current.get()
    return most if budget is None else min(most, max(1, int(budget.units / cost)))
