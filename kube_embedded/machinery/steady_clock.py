"""Clocks: the type of all, and one for waiting that is never set back.

If the machine's clock is corrected while a server runs, work that was due in a minute must not wait for hours.
"""

from collections.abc import Callable

Clock = Callable[[], float]
"""The time in seconds since the epoch."""


class SteadyClock:
    """Agrees with another clock until that is set back, and then continues from its last time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock()
        self._behind_seconds = 0.0

    def __call__(self) -> float:
        """Return seconds, to be compared only with each other, never with stored times."""
        now = self._clock()
        # A jump ahead is followed: work that was due in the skipped time is due.
        self._behind_seconds += max(0.0, self._last - now)
        self._last = now
        return now + self._behind_seconds
