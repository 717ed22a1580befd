"""Events of controllers: what they did to an object, for ``kubectl describe`` and ``kubectl get events``.

Source: k8s.io/client-go ``tools/record``.
"""

from __future__ import annotations

from labkit.apiserver.registry.kinds import BY_KIND, Kind
from labkit.apiserver.registry.registry import Registry, timestamp
from labkit.apiserver.request import Object

MANAGER = "kube-controller-manager"
EVENTS = BY_KIND["", "Event"]


class Happenings:
    """Notes what happens to objects; what happens again is counted.

    Args:
        registry: Where events go.
        component: Who says so, such as ``deployment-controller``.
    """

    def __init__(self, registry: Registry, component: str) -> None:
        self._registry = registry
        self._component = component
        self._known: dict[tuple[str, str], str] = {}

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
        known = self._known.get((metadata["uid"], message))
        event = registry.find(EVENTS, metadata["namespace"], known) if known is not None else None
        if event is not None:

            def again(changed: Object) -> None:
                changed["count"] = changed.get("count", 1) + 1
                changed["lastTimestamp"] = now

            registry.edit(EVENTS, event, MANAGER, again)
            return
        name = f"{metadata['name'][:200]}.{int(registry.clock() * 1e9) + registry.random.getrandbits(20):016x}"
        made = {
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "kind": kind.kind,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "apiVersion": kind.group_version,
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "reason": reason,
            "message": message,
            "source": {"component": self._component},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": type_,
            "reportingComponent": self._component,
        }
        registry.create(EVENTS, made, manager=MANAGER)
        self._known[metadata["uid"], message] = name
