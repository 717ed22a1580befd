"""A clock for waiting: the machine's, but one that is never set back.

A machine's clock may be wrong and be corrected while a server runs. What was to happen in a
minute must not wait for the hours that it is set back.
"""

from __future__ import annotations

from collections.abc import Callable


class SteadyClock:
    """Agrees with another clock until that is set back, and then goes on from where it was.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._behind_seconds = 0.0

    def __call__(self) -> float:
        """Seconds, to be compared with each other and with nothing that is stored."""
        now = self._clock()
        self._behind_seconds += max(0.0, self._last - now)
        self._last = now
        return now + self._behind_seconds
