"""The events of pods: repeated ones are counted.

Source: k8s.io/client-go ``tools/record/events_cache.go``.
"""

from collections.abc import Callable

from ...apiserver.registry.strategy import timestamp
from ...machinery.request import Object
from ..api import ClusterApi

MAX_REMEMBERED = 5_000


class Recorder:
    """Records the events of a node's kubelet and of the scheduler."""

    def __init__(self, api: ClusterApi, host: str, now: Callable[[], float]) -> None:
        self._api = api
        self._host = host
        self._now = now
        self._names: dict[tuple[str, ...], tuple[str, str]] = {}
        self._last = 0

    def record(
        self,
        pod: Object,
        reason: str,
        message: str,
        *,
        kind: str = "Normal",
        field_path: str = "",
        source: str = "kubelet",
    ) -> None:
        """Record an event about a pod, or about the container with a field path."""
        metadata = pod["metadata"]
        namespace = metadata["namespace"]
        key = (metadata["uid"], reason, message, field_path)
        now = timestamp(self._now())
        known = self._names.get(key)
        if known is not None:
            event = self._api.get("events", *known)
            if event is not None:
                update = {"count": int(event.get("count") or 1) + 1, "lastTimestamp": now}
                self._api.edit("events", event, lambda obj: obj.update(update), manager=source)
                return
        # Names are times in nanoseconds, as client-go makes them; two events can have the same time.
        self._last = max(self._last + 1, int(self._now() * 1e9))
        name = f"{metadata['name']}.{self._last:x}"
        involved: Object = {
            "kind": "Pod",
            "namespace": namespace,
            "name": metadata["name"],
            "uid": metadata["uid"],
            "apiVersion": "v1",
            "resourceVersion": metadata.get("resourceVersion", ""),
        }
        if field_path:
            involved["fieldPath"] = field_path
        host = self._host if source == "kubelet" else ""
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "source": {"component": source, "host": host} if host else {"component": source},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": source,
            "reportingInstance": host,
        }
        self._api.create("events", event, source)
        if len(self._names) > MAX_REMEMBERED:
            # Simpler than an LRU cache: the next repetition begins a new event with count 1.
            self._names.clear()
        self._names[key] = (namespace, name)
