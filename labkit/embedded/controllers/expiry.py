"""The time to live of events: an hour after they were last written.

The real server lets etcd end them: ``--event-ttl`` of kube-apiserver.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.controllers.event_recorder import EVENTS
from labkit.embedded.machinery.request import Object

TTL_SECONDS = 3600
EVERY_SECONDS = 60
"""The interval of the search, which reads all events."""


class Expiry:
    """Deletes old events.

    Args:
        registry: Where they are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._next = 0.0

    def advance(self) -> None:
        """Delete the events whose time to live is over."""
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
    """When an event was last written, by the server's clock: its own timestamps come from clients."""
    metadata = event["metadata"]
    writes = (str(entry.get("time", "")) for entry in metadata.get("managedFields") or ())
    return max(str(metadata["creationTimestamp"]), *writes)
