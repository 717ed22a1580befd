"""Events of controllers: what they did to an object, for ``kubectl describe`` and ``kubectl get events``.

Source: k8s.io/client-go ``tools/record``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.controllers.correlation import COMBINED, Correlator
from labkit.embedded.machinery.kinds import BY_KIND, Kind
from labkit.embedded.machinery.request import Object

MANAGER = "kube-controller-manager"
EVENTS = BY_KIND["", "Event"]


class Happenings:
    """Notes what happens to objects; what happens again is counted, and what is similar combined.

    Args:
        registry: Where events go.
        component: Who says so, such as ``deployment-controller``.
    """

    def __init__(self, registry: Registry, component: str) -> None:
        self._registry = registry
        self._component = component
        self._correlator = Correlator(registry.steady)

    def note(self, kind: Kind, obj: Object, reason: str, message: str, *, type_: str = "Normal") -> None:
        """Say what happened.

        Args:
            kind: The object's row.
            obj: To what.
            reason: In one word.
            message: In a sentence.
            type_: ``Normal`` or ``Warning``.
        """
        metadata, registry = obj["metadata"], self._registry
        namespace = registry.find(BY_KIND["", "Namespace"], "", metadata["namespace"])
        if namespace is None or namespace["metadata"].get("deletionTimestamp"):
            return
        now = timestamp(registry.clock())
        about = (metadata["uid"], type_, reason)
        combined = self._correlator.combines(about, message)
        name = f"{metadata['name'][:200]}.{int(registry.clock() * 1e9) + registry.random.getrandbits(20):016x}"
        told = self._correlator.counted(about if combined else (*about, message), name, now)
        if self._correlator.drops(about[:2]):
            return
        text = COMBINED + message if combined else message
        event = registry.find(EVENTS, metadata["namespace"], told.name)
        if event is not None:

            def again(changed: Object) -> None:
                changed.update(count=told.count, lastTimestamp=now, message=text)

            registry.edit(EVENTS, event, MANAGER, again)
            return
        made = {
            "metadata": {"name": told.name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "kind": kind.kind,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "apiVersion": kind.group_version,
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "reason": reason,
            "message": text,
            "source": {"component": self._component},
            "firstTimestamp": told.first,
            "lastTimestamp": now,
            "count": told.count,
            "type": type_,
            "reportingComponent": "" if combined else self._component,
        }
        registry.create(EVENTS, made, manager=MANAGER)
