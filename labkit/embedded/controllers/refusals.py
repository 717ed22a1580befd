"""What a controller could not make, and when it may try again.

Source: the rate limit of a controller's queue, k8s.io/client-go ``util/workqueue``.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.machinery.request import Object

FIRST_SECONDS, LONGEST_SECONDS = 1, 60
"""How long an owner waits after a pod of it was refused: twice as long after each further time."""


class Refusals:
    """Remembers for whom a pod was refused; a server that was started anew tries at once.

    Args:
        clock: Seconds, never set back: see ``SteadyClock``.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, float]] = {}

    def note(self, owner: Object) -> None:
        """Something was refused for an owner."""
        uid = owner["metadata"]["uid"]
        delay = min(max(self._known.get(uid, (0, 0))[1] * 2, FIRST_SECONDS), LONGEST_SECONDS)
        self._known[uid] = (self._clock() + delay, delay)

    def forget(self, owner: Object) -> bool:
        """It may try at once; whether it might not before."""
        return self._known.pop(owner["metadata"]["uid"], None) is not None

    def may_try(self, owner: Object) -> bool:
        """Whether it is time."""
        return self._known.get(owner["metadata"]["uid"], (0, 0))[0] <= self._clock()
