"""The events of controllers, for ``kubectl describe`` and ``kubectl get events``.

Source: k8s.io/client-go ``tools/record``.
"""

from typing import Any

from ..apiserver.registry.registry import Registry, timestamp
from ..machinery.kinds import BY_KIND, Kind
from ..machinery.objects import name_of, namespace_of, uid_of
from ..machinery.request import Object
from . import MANAGER
from .namespaces import is_active_namespace

EVENTS = BY_KIND["", "Event"]

# The token bucket of an object and an event type, as in client-go's events_cache.go: its size, and the seconds
# until one more event is allowed. It bounds the events of a controller that fails over and over.
BURST = 25
REFILL_SECONDS = 300

# The size of client-go's LRU cache. Beyond it the oldest entry is dropped: its event begins again with count 1.
MAX_REMEMBERED = 4096

Key = tuple[str, ...]
"""An object's uid and an event's type, and further what distinguishes it from others."""


class EventRecorder:
    """Records a component's events about objects of one kind: repeated ones are counted, too many dropped."""

    def __init__(self, registry: Registry, component: str, kind: Kind) -> None:
        self._registry = registry
        self._component = component
        self._kind = kind
        self._names: dict[Key, str] = {}
        self._buckets: dict[Key, tuple[float, float]] = {}

    def normal(self, obj: Object, reason: str, message: str) -> None:
        """Record an event of type ``Normal``: its reason is in CamelCase, its message one sentence."""
        self._record(obj, "Normal", reason, message)

    def warning(self, obj: Object, reason: str, message: str) -> None:
        """Record an event of type ``Warning``; see ``normal``."""
        self._record(obj, "Warning", reason, message)

    def _record(self, obj: Object, type_: str, reason: str, message: str) -> None:
        registry = self._registry
        namespace = namespace_of(obj)
        about = uid_of(obj), type_
        # A namespace that is being deleted accepts no new objects.
        if not is_active_namespace(registry, namespace) or self._drops(about):
            return
        now = timestamp(registry.clock())
        key = (*about, reason, message)
        event = registry.find(EVENTS, namespace, self._names.get(key, ""))
        if event is not None:
            update = {"count": event.get("count", 1) + 1, "lastTimestamp": now}
            registry.edit(EVENTS, event, MANAGER, lambda changed: changed.update(update))
            return
        # client-go uses the nanoseconds alone; here a clock of whole seconds would give two events one name.
        suffix = int(registry.clock() * 1e9)
        while registry.find(EVENTS, namespace, name := f"{name_of(obj)[:200]}.{suffix:016x}"):
            suffix += 1
        event = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "kind": self._kind.kind,
                "namespace": namespace,
                "name": name_of(obj),
                "uid": uid_of(obj),
                "apiVersion": self._kind.group_version,
                "resourceVersion": obj["metadata"].get("resourceVersion", ""),
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
        registry.create(EVENTS, event, manager=MANAGER)
        self._names[key] = name
        _evict(self._names)

    def _drops(self, key: Key) -> bool:
        """Return whether an event exceeds the rate limit of its object and type; otherwise take a token for it."""
        now = self._registry.steady()
        tokens, since = self._buckets.pop(key, (BURST, now))
        tokens = min(BURST, tokens + (now - since) / REFILL_SECONDS)
        dropped = tokens < 1
        self._buckets[key] = (tokens if dropped else tokens - 1, now)
        _evict(self._buckets)
        return dropped


def _evict(memory: dict[Key, Any]) -> None:
    if len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
