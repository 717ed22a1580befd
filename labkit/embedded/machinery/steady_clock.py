"""Clocks: the type of all, and one for waiting that is never set back.

If the machine's clock is corrected while a server runs, what was due in a minute must not wait for hours.
"""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""The time in seconds since the epoch."""


class SteadyClock:
    """Agrees with another clock until that is set back, and then goes on from where it was."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock()
        self._behind_seconds = 0.0

    def __call__(self) -> float:
        """Seconds, to be compared with each other and with nothing that is stored."""
        now = self._clock()
        # A clock that jumps ahead is followed: what was due meanwhile is due.
        self._behind_seconds += max(0.0, self._last - now)
        self._last = now
        return now + self._behind_seconds
