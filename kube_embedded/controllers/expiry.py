"""The time to live of events: an hour after they were last written.

The real server lets etcd end them: ``--event-ttl`` of kube-apiserver.
"""

from ..apiserver.registry.registry import Registry, timestamp
from ..machinery.objects import uid_of
from ..machinery.request import Object
from .events import EVENTS

TTL_SECONDS = 3600
# The search reads all events; a minute is little compared with their hour.
EVERY_SECONDS = 60


class Expiry:
    """Deletes old events."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._next = 0.0
        self._ahead: dict[str, float] = {}
        """Events dated in the future, written while the clock was ahead: uid to when they were first seen."""

    def advance(self) -> None:
        """Delete the events whose time to live is over."""
        steady = self._registry.steady()
        if steady < self._next:
            return
        self._next = steady + EVERY_SECONDS
        now = self._registry.clock()
        too_old = timestamp(now - TTL_SECONDS)
        present = timestamp(now)
        old = []
        ahead = {}
        for event in self._registry.list(EVENTS):
            written = _last_written(event)
            uid = uid_of(event)
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
    """When an event was last written, by the server's clock: its own timestamps come from clients."""
    metadata = event["metadata"]
    writes = (str(entry.get("time", "")) for entry in metadata.get("managedFields") or ())
    return max(str(metadata["creationTimestamp"]), *writes)
