"""A limit on the work of a controller in one second: requests wait while it works."""

from collections.abc import Callable


class RateLimiter:
    """Counts work in windows of one second, which have room for ``limit``, by a clock that is never set back."""

    def __init__(self, clock: Callable[[], float], limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._begin = 0.0
        self._count = 0

    def allows(self) -> bool:
        """Return whether this second has room for more work."""
        now = self._clock()
        if now - self._begin >= 1:
            self._begin = now
            self._count = 0
        return self._count < self._limit

    def take(self, count: int = 1) -> None:
        """Count work done."""
        self._count += count
