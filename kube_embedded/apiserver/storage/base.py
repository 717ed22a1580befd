"""The types that a store holds and returns: keys, events, pages, snapshots.

One counter, the revision, numbers every change; an object's ``resourceVersion`` is
the revision of its last change. Stored objects are never mutated: a reader can hold on to them, and a writer passes
a new dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...machinery.status import ApiError
from .table import Stored, Table


class Key(NamedTuple):
    """The key of a stored object."""

    resource: str
    """Plural with its group, such as ``pods`` or ``roles.rbac.authorization.k8s.io``."""
    namespace: str
    """Empty for cluster-scoped objects."""
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
        object: The object afterwards; for a deletion its last state, with the revision of the deletion.
        previous: The object before, None when it was added.
        size: The size of the object as JSON, in bytes; 0 if unknown.
        encodings: Its encoded forms, cached by watches: a thousand watchers cost one encoding.
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
        last: The place of the last key examined, relative to the namespace: the next page starts after it.
        remaining: How many keys follow it.
    """

    objects: Sequence[Stored]
    last: str = ""
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All objects at one revision, in frozen tables by resource. Tables are copied on write, so taking one is free."""

    revision: int
    tables: dict[str, Table]


class Expired(Exception):
    """The events since a revision are no longer stored; list again."""


class StorageFailed(ApiError):
    """500: a write could not be made durable; the store is unchanged."""

    def __init__(self, why: str) -> None:
        super().__init__(
            500,
            "InternalError",
            f"Internal error occurred: the cluster's state cannot be written, nothing was changed: {why}",
            # Clients act on the reason, since sentences change: ``client.refusals`` explains how to make room.
            {"causes": [{"reason": "StateNotWritten", "message": why}]},
        )
