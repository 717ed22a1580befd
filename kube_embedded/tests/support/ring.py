"""A sink for audit events that stores the last of them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from kube_embedded.machinery.request import Object


class AuditRing:
    """The last events, oldest first."""

    def __init__(self) -> None:
        self._events: deque[Object] = deque(maxlen=1000)

    def __call__(self, event: Object) -> None:
        """Keep an event."""
        self._events.append(event)

    def __iter__(self) -> Iterator[Object]:
        return iter(tuple(self._events))

    def __len__(self) -> int:
        return len(self._events)
