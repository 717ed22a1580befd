"""The events of controllers, for ``kubectl describe`` and ``kubectl get events``.

Source: k8s.io/client-go ``tools/record``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller_ref import object_reference
from labkit.embedded.controllers.event_correlator import EventCorrelator
from labkit.embedded.controllers.namespaces import is_active_namespace
from labkit.embedded.machinery.kinds import BY_KIND, Kind
from labkit.embedded.machinery.request import Object

EVENTS = BY_KIND["", "Event"]


class EventRecorder:
    """Records a component's events about objects of one kind: repeated ones are counted, too many dropped."""

    def __init__(self, registry: Registry, component: str, kind: Kind) -> None:
        self._registry = registry
        self._component = component
        self._kind = kind
        self._correlator = EventCorrelator(registry.steady)

    def normal(self, obj: Object, reason: str, message: str) -> None:
        """Record an event of type ``Normal``: its reason is in CamelCase, its message one sentence."""
        self._record(obj, "Normal", reason, message)

    def warning(self, obj: Object, reason: str, message: str) -> None:
        """Record an event of type ``Warning``; see ``normal``."""
        self._record(obj, "Warning", reason, message)

    def _record(self, obj: Object, type_: str, reason: str, message: str) -> None:
        metadata, registry = obj["metadata"], self._registry
        if not is_active_namespace(registry, metadata["namespace"]):
            return
        now = timestamp(registry.clock())
        about = (metadata["uid"], type_, reason)
        name = f"{metadata['name'][:200]}.{int(registry.clock() * 1e9) + registry.random.getrandbits(20):016x}"
        series = self._correlator.count((*about, message), name, now)
        if self._correlator.drops(about[:2]):
            return
        event = registry.find(EVENTS, metadata["namespace"], series.name)
        if event is not None:
            update = {"count": series.count, "lastTimestamp": now}
            registry.edit(EVENTS, event, MANAGER, lambda changed: changed.update(update))
            return
        made = {
            "metadata": {"name": series.name, "namespace": metadata["namespace"]},
            "involvedObject": object_reference(self._kind, obj),
            "reason": reason,
            "message": message,
            "source": {"component": self._component},
            "firstTimestamp": series.first,
            "lastTimestamp": now,
            "count": series.count,
            "type": type_,
            "reportingComponent": self._component,
        }
        registry.create(EVENTS, made, manager=MANAGER)
