"""Events end an hour after they were last written.

The real server lets etcd end them: ``--event-ttl`` of kube-apiserver.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.controllers.event_recorder import EVENTS
from labkit.embedded.machinery.request import Object

TTL_SECONDS = 3600
EVERY_SECONDS = 60
"""How often somebody looks, since that means looking at all of them."""


class Expiry:
    """Deletes events that are old.

    Args:
        registry: Where they are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._next = 0.0

    def advance(self) -> None:
        """Delete what has become due by the clock."""
        now = self._registry.clock()
        if now < self._next:
            return
        self._next = now + EVERY_SECONDS
        too_old = timestamp(now - TTL_SECONDS)
        old = [event["metadata"] for event in self._registry.list(EVENTS) if _last_written(event) < too_old]
        if old:
            with self._registry.transaction():
                for metadata in old:
                    self._registry.delete(EVENTS, metadata["namespace"], metadata["name"])


def _last_written(event: Object) -> str:
    """When the server last took it: what an event says itself may be any time."""
    metadata = event["metadata"]
    writes = (str(entry.get("time", "")) for entry in metadata.get("managedFields") or ())
    return max(str(metadata["creationTimestamp"]), *writes)
