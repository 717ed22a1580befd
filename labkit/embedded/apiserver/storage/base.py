"""The storage interface: keys, events, revisions.

One counter, the revision, numbers every change; an object's ``resourceVersion`` is
the revision of its last change. Stored objects are never mutated: a reader may keep
them, and a writer passes a new dict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from labkit.embedded.apiserver.storage.table import Stored, Table
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError


class Key(NamedTuple):
    """Where an object lives.

    Args:
        resource: Plural with its group, such as ``pods`` or ``roles.rbac.authorization.k8s.io``.
        namespace: The namespace, empty for cluster-scoped objects.
        name: The object's name.
    """

    resource: str
    namespace: str
    name: str

    @property
    def place(self) -> str:
        """Namespace and name as one string; its order is the order of lists."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @classmethod
    def of_place(cls, resource: str, place: str) -> Key:
        """The key whose ``place`` this is."""
        namespace, slash, name = place.partition("/")
        return cls(resource, namespace, name) if slash else cls(resource, "", namespace)


@dataclass(slots=True)
class Event:
    """One change of one object.

    Args:
        revision: The change's number.
        type: ``ADDED``, ``MODIFIED`` or ``DELETED``.
        key: The object's key.
        object: The object afterwards; for a deletion its last state, with the
            revision of the deletion.
        previous: The object before, None when it was added.
        size: The size of the object as JSON, in bytes; 0 if unknown.
        encodings: A place for watches to keep the event's encoded forms, so that a
            thousand watchers cost one encoding.
    """

    revision: int
    type: str
    key: Key
    object: Stored
    previous: Stored | None
    size: int = 0
    encodings: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Args:
        objects: In key order.
        last: The place of the last key that was examined, relative to the namespace;
            the next page starts after it.
        remaining: How many keys follow it.
    """

    objects: Sequence[Stored]
    last: str = ""
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All objects at one moment. Taking one costs nothing: tables are copied on write.

    Args:
        revision: The store's revision then.
        tables: The objects by resource; frozen.
    """

    revision: int
    tables: dict[str, Table]


class Expired(Exception):
    """The events since a revision are no longer kept; list again."""


class StorageFailed(ApiError):
    """500: a write could not be made durable; nothing was changed.

    Args:
        why: What the file system or the database said.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            500,
            "InternalError",
            f"Internal error occurred: the cluster's state cannot be written, nothing was changed: {why}",
            {"causes": [{"message": why}]},
        )


class Objects(Protocol):
    """Objects by key."""

    @property
    def revision(self) -> int:
        """The revision of the last change."""

    def get(self, key: Key) -> Stored | None:
        """The object at ``key``, or None."""

    def list(self, resource: str, namespace: str = "") -> Sequence[Stored]:
        """Objects of a resource in key order.

        Args:
            resource: As in ``Key``.
            namespace: Only this namespace; empty for all.
        """

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
        """A part of a list.

        Args:
            resource: As in ``Key``.
            namespace: Only this namespace; empty for all.
            after: Start after this place (relative to the namespace, if one is given).
            limit: The most objects; 0 for all.
            revision: List the objects as they were then; None for now.
            matches: Skip the objects for which this is false.

        Raises:
            Expired: The revision is no longer kept.
        """

    def put(self, key: Key, obj: Object) -> Stored:
        """Add or replace an object.

        Args:
            key: Where.
            obj: The new object; it is stored with a new ``metadata.resourceVersion``.

        Returns:
            The object as stored.

        Raises:
            StorageFailed: It could not be made durable (outside a transaction).
        """

    def delete(self, key: Key) -> Stored:
        """Remove the object at ``key`` and return its last state, with the deletion's revision."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make all writes inside atomic: an exception undoes them.

        Transactions nest: an inner one that fails undoes its own writes. The outermost one
        commits and then wakes the subscribers.

        Raises:
            StorageFailed: It could not be made durable; nothing was changed.
        """


class History(Protocol):
    """Events of the objects' changes."""

    def events(self, since: int, resource: str) -> Sequence[Event]:
        """Changes of a resource after revision ``since``, oldest first.

        Raises:
            Expired: They are no longer kept.
        """

    def subscribe(self, resource: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` after each commit that changed the resource (any resource, if it is empty).

        Returns:
            A function that ends the subscription.
        """

    def follow(self, resource: str, changed: Callable[[], None]) -> None:
        """Call ``changed`` at each change of the resource's objects, also inside a transaction.

        Undone writes count too, so that caches of what follows from the objects can be cleared
        in time.
        """


class Snapshots(Protocol):
    """Named states to restore."""

    def snapshot(self) -> Snapshot:
        """All objects as they are now."""

    def restore(self, snapshot: Snapshot) -> None:
        """Restore a snapshot, as changes with new revisions."""

    def save_snapshot(self, name: str) -> None:
        """Save the current state under a name, as durably as the objects."""

    def named_snapshot(self, name: str) -> Snapshot | None:
        """The state saved under a name; None if there is none."""

    def snapshot_names(self) -> Sequence[str]:
        """The names of the saved states, sorted."""

    def drop_snapshot(self, name: str) -> None:
        """Delete the state saved under a name, if there is one."""


class Store(Objects, History, Snapshots, Protocol):
    """Objects by key, with their history and snapshots."""

    def close(self) -> None:
        """Release files. A closed store cannot be used."""
