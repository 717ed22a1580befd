"""The storage interface: keys, events, revisions.

One counter, the revision, numbers every change; an object's ``resourceVersion`` is
the revision of its last change. Stored objects are never mutated: a reader may keep
what it got, and a writer hands in a new dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from labkit.apiserver.request import Object


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


@dataclass(slots=True)
class Event:
    """One change of one object.

    Args:
        revision: The change's number.
        type: ``ADDED``, ``MODIFIED`` or ``DELETED``.
        key: Where it happened.
        object: The object afterwards; for a deletion its last state, with the
            revision of the deletion.
        previous: The object before, None when it was added.
        encodings: A place for watches to keep the event's encoded forms, so that a
            thousand watchers cost one encoding.
    """

    revision: int
    type: str
    key: Key
    object: Object
    previous: Object | None
    encodings: dict[object, bytes] = field(default_factory=dict)


class Expired(Exception):
    """The events since a revision are no longer kept; list again."""


class Store(Protocol):
    """Objects by key, with their history."""

    @property
    def revision(self) -> int:
        """The number of the last change."""

    def get(self, key: Key) -> Object | None:
        """The object at ``key``, or None."""

    def list(self, resource: str, namespace: str = "", after: tuple[str, str] = ("", "")) -> Iterator[Object]:
        """Objects of a resource in key order.

        Args:
            resource: As in ``Key``.
            namespace: Only this namespace; empty for all.
            after: Begin behind this (namespace, name).
        """

    def put(self, key: Key, obj: Object) -> Object:
        """Add or replace an object.

        Args:
            key: Where.
            obj: The new object; it is stored with a new ``metadata.resourceVersion``.

        Returns:
            The object as stored.
        """

    def delete(self, key: Key) -> Object:
        """Remove the object at ``key`` and return its last state, with the deletion's revision."""

    def transaction(self) -> AbstractContextManager[None]:
        """All writes inside happen together, or, if an exception leaves it, not at all.

        Transactions nest; the outermost one commits, and only then do subscribers wake.
        """

    def events(self, since: int, resource: str) -> list[Event]:
        """Changes of a resource after revision ``since``, oldest first.

        Raises:
            Expired: They are no longer kept.
        """

    def subscribe(self, resource: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` after each commit that changed the resource.

        Returns:
            A function that ends the subscription.
        """

    def snapshot(self) -> Mapping[Key, Object]:
        """All objects as they are now; later changes do not show in it."""

    def restore(self, snapshot: Mapping[Key, Object]) -> None:
        """Make the objects those of a snapshot, as changes with new revisions."""

    def close(self) -> None:
        """Release files; a closed store is not used again."""
