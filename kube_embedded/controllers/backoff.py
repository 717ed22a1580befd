"""Exponential back-off of owners whose objects were refused.

Source: the item exponential failure rate limiter of k8s.io/client-go ``util/workqueue``.
"""

from collections.abc import Callable

from ..machinery.objects import uid_of
from ..machinery.request import Object

# client-go waits from 5 ms to 1,000 s. The clock here ticks about once a second, and a learner who has just raised a
# quota does not wait for a quarter of an hour.
FIRST_SECONDS = 1
MAX_SECONDS = 60


class Backoff:
    """The times of the next tries of owners, by a clock that is never set back: each failure doubles its delay."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._delays: dict[str, tuple[float, float]] = {}
        """An owner's uid to the time of its next try, and its last delay."""

    def fail(self, owner: Object) -> None:
        """Count a failure."""
        uid = uid_of(owner)
        delay = min(max(self._delays.get(uid, (0, 0))[1] * 2, FIRST_SECONDS), MAX_SECONDS)
        self._delays[uid] = (self._clock() + delay, delay)

    def reset(self, owner: Object) -> bool:
        """Forget an owner's failures, and return whether it had any."""
        return self._delays.pop(uid_of(owner), None) is not None

    def may_try(self, owner: Object) -> bool:
        """Return whether an owner's delay is over."""
        return self._delays.get(uid_of(owner), (0, 0))[0] <= self._clock()
