"""Events end an hour after they were last written.

The real server lets etcd end them: ``--event-ttl`` of kube-apiserver.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.controllers.happenings import EVENTS
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
        self._ahead: dict[str, float] = {}
        """Events of a time that has not come, the clock was ahead when they were written; since when they are known."""

    def advance(self) -> None:
        """Delete what has become due by the clock."""
        steady = self._registry.steady()
        if steady < self._next:
            return
        self._next = steady + EVERY_SECONDS
        now = self._registry.clock()
        too_old, present = timestamp(now - TTL_SECONDS), timestamp(now)
        old, ahead = [], {}
        for event in self._registry.list(EVENTS):
            written, uid = _last_written(event), event["metadata"]["uid"]
            if written > present:
                ahead[uid] = self._ahead.get(uid, steady)
            if written < too_old or steady - ahead.get(uid, steady) >= TTL_SECONDS:
                old.append(event["metadata"])
        self._ahead = ahead
        if old:
            with self._registry.transaction():
                for metadata in old:
                    self._registry.delete(EVENTS, metadata["namespace"], metadata["name"])


def _last_written(event: Object) -> str:
    """When the server last took it: what an event says itself may be any time."""
    metadata = event["metadata"]
    writes = (str(entry.get("time", "")) for entry in metadata.get("managedFields") or ())
    return max(str(metadata["creationTimestamp"]), *writes)
