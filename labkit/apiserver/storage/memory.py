"""Objects in dictionaries: the storage of tests and graders, and the heart of SQLite's."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from labkit.apiserver.request import Object
from labkit.apiserver.storage.base import Event, Expired, Key

HISTORY_LENGTH = 4096
"""How many events a resource keeps for watches that start in the past."""


def with_revision(obj: Object, revision: int) -> Object:
    """A copy of ``obj`` whose ``metadata.resourceVersion`` is ``revision``."""
    metadata: dict[str, Any] = {}
    for field, value in obj["metadata"].items():
        metadata[field] = value
    metadata["resourceVersion"] = str(revision)
    return {**obj, "metadata": metadata}


class MemoryStore:
    """A ``Store`` that forgets everything with its process."""

    def __init__(self, revision: int = 0) -> None:
        self._revision = revision
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._order: dict[str, list[tuple[str, str]]] = {}
        self._history: dict[str, deque[Event]] = {}
        self._forgotten: dict[str, int] = {}
        self._subscribers: dict[str, dict[object, Callable[[], None]]] = {}
        self._pending: list[Event] = []
        self._depth = 0

    @property
    def revision(self) -> int:
        return self._revision

    def get(self, key: Key) -> Object | None:
        objects = self._objects.get(key.resource)
        return objects.get((key.namespace, key.name)) if objects else None

    def list(self, resource: str, namespace: str = "", after: tuple[str, str] = ("", "")) -> Iterator[Object]:
        order = self._order.get(resource)
        if not order:
            return
        objects = self._objects[resource]
        start = bisect_right(order, max(after, (namespace, "")))
        for place in order[start:]:
            if namespace and place[0] != namespace:
                return
            yield objects[place]

    def put(self, key: Key, obj: Object) -> Object:
        with self.transaction():
            previous = self.get(key)
            self._revision += 1
            stored = with_revision(obj, self._revision)
            self._set(key, stored)
            kind = "MODIFIED" if previous is not None else "ADDED"
            self._pending.append(Event(self._revision, kind, key, stored, previous))
        return stored

    def delete(self, key: Key) -> Object:
        with self.transaction():
            previous = self._objects[key.resource][(key.namespace, key.name)]
            self._revision += 1
            last = with_revision(previous, self._revision)
            self._set(key, None)
            self._pending.append(Event(self._revision, "DELETED", key, last, previous))
        return last

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
            if self._depth == 1 and self._pending:
                self.persist(self._pending)
        except BaseException:
            if self._depth == 1:
                self._roll_back()
            raise
        finally:
            self._depth -= 1
        if self._depth == 0 and self._pending:
            self._publish()

    def persist(self, events: list[Event]) -> None:
        """Make the events of a finished transaction durable. Memory has nothing to do.

        Args:
            events: What the transaction changed, in order.
        """

    def events(self, since: int, resource: str) -> list[Event]:
        if since < self._forgotten.get(resource, 0):
            raise Expired(resource)
        history = self._history.get(resource)
        if not history or history[-1].revision <= since:
            return []
        found: list[Event] = []
        for event in reversed(history):
            if event.revision <= since:
                break
            found.append(event)
        found.reverse()
        return found

    def subscribe(self, resource: str, wake: Callable[[], None]) -> Callable[[], None]:
        token = object()
        subscribers = self._subscribers.setdefault(resource, {})
        subscribers[token] = wake
        return lambda: subscribers.pop(token, None) and None

    def snapshot(self) -> Mapping[Key, Object]:
        return {
            Key(resource, namespace, name): obj
            for resource, objects in self._objects.items()
            for (namespace, name), obj in objects.items()
        }

    def restore(self, snapshot: Mapping[Key, Object]) -> None:
        now = self.snapshot()
        with self.transaction():
            for key in now:
                if key not in snapshot:
                    self.delete(key)
            for key, obj in snapshot.items():
                if now.get(key) is not obj:
                    self.put(key, obj)

    def close(self) -> None:
        self._subscribers.clear()

    def _set(self, key: Key, obj: Object | None) -> None:
        place = (key.namespace, key.name)
        objects = self._objects.setdefault(key.resource, {})
        order = self._order.setdefault(key.resource, [])
        if obj is None:
            del objects[place]
            del order[bisect_right(order, place) - 1]
            return
        if place not in objects:
            insort(order, place)
        objects[place] = obj

    def _roll_back(self) -> None:
        for event in reversed(self._pending):
            self._set(event.key, event.previous)
        self._pending = []

    def _publish(self) -> None:
        events, self._pending = self._pending, []
        changed: dict[str, None] = {}
        for event in events:
            resource = event.key.resource
            history = self._history.setdefault(resource, deque())
            history.append(event)
            if len(history) > HISTORY_LENGTH:
                self._forgotten[resource] = history.popleft().revision
            changed[resource] = None
        for resource in changed:
            for wake in list(self._subscribers.get(resource, {}).values()):
                wake()
