"""The store, in dictionaries: as it is for tests and graders; SQLite's adds a file."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ...machinery.request import Object
from .base import Event, Expired, Key, Page, Snapshot
from .table import Stored, Table

# The real API server compacts etcd to five minutes of changes. A number of events is a limit that a busy client
# cannot stretch.
HISTORY_LENGTH = 4096

# 4,096 large objects would be gigabytes; sizes are known only where objects are written to a file.
HISTORY_BYTES = 32 << 20

# Only watchers that lag behind need older encodings, and can make them again.
ENCODINGS_LENGTH = 256

Events = list[Event]
Found = list[Stored]

EMPTY = Table()
EMPTY.frozen = True


def with_revision(obj: Object, revision: int) -> Stored:
    """A copy of ``obj`` whose ``metadata.resourceVersion`` is ``revision``."""
    stored = Stored(obj)
    stored["metadata"] = {**obj["metadata"], "resourceVersion": str(revision)}
    return stored


def same_but_revision(first: Object, other: Object) -> bool:
    """Return whether two objects differ only in their ``resourceVersion``."""
    if first is other:
        return True
    if first.keys() != other.keys():
        return False
    if {**first["metadata"], "resourceVersion": ""} != {**other["metadata"], "resourceVersion": ""}:
        return False
    return all(value == other[field] for field, value in first.items() if field != "metadata")


class Store:
    """Objects by key, with their history and snapshots, in memory.

    Args:
        base: The initial objects, shared and not copied, so that a thousand clusters can start
            with the same ones. A watch from an earlier revision sees each of them added.
        history_length: The number of events that are stored for each resource.
        history_bytes: The limit of the bytes of objects in them.
    """

    def __init__(
        self,
        base: Snapshot | None = None,
        *,
        history_length: int = HISTORY_LENGTH,
        history_bytes: int = HISTORY_BYTES,
    ) -> None:
        self._revision = base.revision if base else 0
        self._tables: dict[str, Table] = dict(base.tables) if base else {}
        self._base: Snapshot | None = base
        self._history_length = history_length
        self._history_bytes = history_bytes
        self._held: dict[str, int] = {}
        self._history: dict[str, deque[Event]] = {}
        self._forgotten: dict[str, int] = {}
        self._oldest = 0
        self._subscribers: dict[str, dict[object, Callable[[], None]]] = {}
        self._followers: dict[str, list[Callable[[], None]]] = {}
        self._pending: Events = []
        self._depth = 0
        self._named: dict[str, Snapshot] = {}

    @property
    def is_copy(self) -> bool:
        """Return whether it began as a copy of another cluster's store."""
        return self._base is not None

    @property
    def revision(self) -> int:
        """The revision of the last change."""
        return self._revision

    def get(self, key: Key) -> Stored | None:
        """The object at ``key``, or None."""
        table = self._tables.get(key[0])
        return table.objects.get(key.place) if table is not None else None

    def list(self, resource: str, namespace: str = "") -> Sequence[Stored]:
        """Objects of a resource, or of one of its namespaces, in key order."""
        table = self._tables.get(resource)
        if table is None:
            return []
        start, end = table.range(namespace)
        objects = table.objects
        return [objects[place] for place in table.order[start:end]]

    def page(
        self,
        resource: str,
        namespace: str = "",
        *,
        after: str = "",
        limit: int = 0,
        revision: int | None = None,
        matches: Callable[[Stored], bool] | None = None,
    ) -> Page:
        """Return a part of a list.

        Args:
            resource: As in ``Key``.
            namespace: Only this namespace; empty for all.
            after: Start after this key (relative to the namespace, if one is given).
            limit: The most objects; 0 for all.
            revision: List the objects as they were then; None for now.
            matches: Skip the objects for which this is false.

        Raises:
            Expired: The revision is no longer stored.
        """
        table = self._tables.get(resource, EMPTY)
        if revision is not None and revision < self._revision:
            table = self._table_at(resource, revision)
        start, end = table.range(namespace, after)
        if not limit and matches is None:
            return Page([table.objects[place] for place in table.order[start:end]])
        selected: Found = []
        at = start
        while at < end and (not limit or len(selected) < limit):
            obj = table.objects[table.order[at]]
            at += 1
            if matches is None or matches(obj):
                selected.append(obj)
        last = table.order[at - 1] if at > start else ""
        return Page(selected, last[len(namespace) + 1 :] if namespace else last, end - at)

    def put(self, key: Key, obj: Object) -> Stored:
        """Add or replace an object, and return it as stored, with a new ``metadata.resourceVersion``.

        Raises:
            StorageFailed: It could not be made durable (outside a transaction).
        """
        with self.transaction():
            previous = self.get(key)
            self._revision += 1
            stored = with_revision(obj, self._revision)
            self._set(key, stored)
            kind = "MODIFIED" if previous is not None else "ADDED"
            self._pending.append(Event(self._revision, kind, key, stored, previous))
        return stored

    def delete(self, key: Key) -> Stored:
        """Remove the object at ``key`` and return its last state, with the deletion's revision."""
        with self.transaction():
            previous = self._tables[key.resource].objects[key.place]
            self._revision += 1
            last = with_revision(previous, self._revision)
            self._set(key, None)
            self._pending.append(Event(self._revision, "DELETED", key, last, previous))
        return last

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all writes inside atomic: an exception undoes them.

        Transactions nest: an inner one that fails undoes its own writes. The outermost one
        commits and then wakes the subscribers.

        Raises:
            StorageFailed: It could not be made durable; the store is unchanged.
        """
        begun_at = len(self._pending)
        revision = self._revision
        self._depth += 1
        try:
            yield
            if self._depth == 1 and self._pending:
                self.persist(self._pending)
        except BaseException:
            for event in reversed(self._pending[begun_at:]):
                self._set(event.key, event.previous)
            del self._pending[begun_at:]
            self._revision = revision
            raise
        finally:
            self._depth -= 1
        if self._depth == 0 and self._pending:
            self._publish()

    def persist(self, events: Sequence[Event]) -> None:
        """Make the events of a finished transaction durable; a store in memory has no work to do."""

    def events(self, since: int, resource: str) -> Sequence[Event]:
        """Return the changes of a resource after revision ``since``, oldest first.

        Raises:
            Expired: They are no longer stored.
        """
        if since < self._forgotten.get(resource, self._oldest):
            raise Expired(resource)
        selected: Events = []
        for event in reversed(self._history.get(resource, ())):
            if event.revision <= since:
                break
            selected.append(event)
        selected.reverse()
        if self._base is not None and since < self._base.revision:
            selected[:0] = self._base_events(self._base, since, resource)
        return selected

    def subscribe(self, resource: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` after each commit that changed the resource, any resource if it is empty.

        Returns:
            A function that ends the subscription.
        """
        token = object()
        subscribers = self._subscribers.setdefault(resource, {})
        subscribers[token] = wake

        def end() -> None:
            subscribers.pop(token, None)

        return end

    def follow(self, resource: str, changed: Callable[[], None]) -> None:
        """Call ``changed`` at each change of the resource's objects, also inside a transaction.

        Undone writes count too, so that caches of what follows from the objects are cleared in time.
        """
        self._followers.setdefault(resource, []).append(changed)

    def snapshot(self) -> Snapshot:
        """All objects as they are now."""
        for table in self._tables.values():
            table.frozen = True
        return Snapshot(self._revision, dict(self._tables))

    def restore(self, snapshot: Snapshot) -> None:
        """Restore a snapshot, as changes with new revisions."""
        with self.transaction():
            for resource in [*self._tables, *(snapshot.tables.keys() - self._tables.keys())]:
                now = self._tables.get(resource, EMPTY)
                then = snapshot.tables.get(resource, EMPTY)
                if now is then:
                    continue
                present = dict(now.objects)
                for place in present:
                    if place not in then.objects:
                        self.delete(Key.of_place(resource, place))
                for place, obj in then.objects.items():
                    old = present.get(place)
                    if old is None or not same_but_revision(old, obj):
                        self.put(Key.of_place(resource, place), obj)

    def save_snapshot(self, name: str) -> None:
        """Save the current state under a name, as durably as the objects."""
        self._named[name] = self.snapshot()

    def named_snapshot(self, name: str) -> Snapshot | None:
        """The state saved under a name; None if there is none."""
        return self._named.get(name)

    def snapshot_names(self) -> Sequence[str]:
        """The names of the saved states, sorted."""
        return sorted(self._named)

    def close(self) -> None:
        """Release files and subscribers. A closed store cannot be used."""
        self._subscribers.clear()
        self._followers.clear()

    def _set(self, key: Key, obj: Stored | None) -> None:
        table = self._tables.get(key.resource)
        if table is None or table.frozen:
            table = self._tables[key.resource] = table.copy() if table is not None else Table()
        table.set(key.place, obj)
        for changed in self._followers.get(key.resource, ()):
            changed()

    def _table_at(self, resource: str, revision: int) -> Table:
        """The table at a revision: the current one with later changes undone."""
        later = self.events(revision, resource)
        now = self._tables.get(resource, EMPTY)
        if not later:
            return now
        then = now.copy()
        for event in reversed(later):
            then.set(event.key.place, event.previous)
        return then

    @staticmethod
    def _base_events(base: Snapshot, since: int, resource: str) -> Sequence[Event]:
        objects = base.tables.get(resource, EMPTY).objects
        added = [
            Event(revision, "ADDED", Key.of_place(resource, place), obj, None)
            for place, obj in objects.items()
            if (revision := int(obj["metadata"]["resourceVersion"])) > since
        ]
        return sorted(added, key=lambda event: event.revision)

    def _publish(self) -> None:
        events = self._pending
        self._pending = []
        changed: dict[str, int] = {}
        for event in events:
            resource = event.key.resource
            history = self._history.setdefault(resource, deque())
            history.append(event)
            self._held[resource] = self._held.get(resource, 0) + event.size
            if len(history) > ENCODINGS_LENGTH:
                history[-1 - ENCODINGS_LENGTH].encodings.clear()
            changed[resource] = changed.get(resource, 0) + 1
        for resource, count in changed.items():
            history = self._history[resource]
            # A watcher that was up to date before the transaction must be able to read all of it.
            while len(history) > count and (
                len(history) > self._history_length or self._held[resource] > self._history_bytes
            ):
                oldest = history.popleft()
                self._held[resource] -= oldest.size
                self._forgotten[resource] = oldest.revision
        for resource in (*changed, ""):
            for wake in list(self._subscribers.get(resource, {}).values()):
                wake()
