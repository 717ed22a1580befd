"""How much a controller begins in a second: while it does, everybody waits."""

from __future__ import annotations

from collections.abc import Callable

MAX_IN_A_SECOND = 10


class Pace:
    """Counts what a controller begins in one second.

    Args:
        clock: Seconds, never set back: see ``SteadyClock``.
        most: How much may be begun.
    """

    def __init__(self, clock: Callable[[], float], most: int = MAX_IN_A_SECOND) -> None:
        self._clock = clock
        self._most = most
        self._second, self._begun = 0.0, 0

    def may_begin(self) -> bool:
        """Whether there is room for one more."""
        now = self._clock()
        if now - self._second >= 1:
            self._second, self._begun = now, 0
        return self._begun < self._most

    def note(self) -> None:
        """One was begun."""
        self._begun += 1
