"""Create, read, update and delete objects of any kind, by its rules.

Handlers come here with a caller's request; controllers and the node come here
directly. Authorization and admission have happened by then.
"""

from __future__ import annotations

import datetime
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from labkit.apiserver.registry.kinds import Kind
from labkit.apiserver.request import Object
from labkit.apiserver.status import already_exists, not_found
from labkit.apiserver.storage import Key, Store


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did to one object.

    Args:
        kind: The object's row.
        old: The object before, None when it was created.
        new: The object afterwards, None when it was deleted.
    """

    kind: Kind
    old: Object | None
    new: Object | None


Controller = Callable[[Change], None]
"""Reacts to a change by further writes; runs inside the write that caused it."""


def timestamp(seconds: float) -> str:
    """RFC 3339 in whole seconds, as ``metadata.creationTimestamp``."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Registry:
    """Objects of all kinds.

    Args:
        store: Where they are kept.
        clock: Seconds since the epoch.
        random: Source of uids and suffixes.
    """

    def __init__(self, store: Store, clock: Callable[[], float], random: Random) -> None:
        self.store = store
        self.clock = clock
        self.random = random
        self.controllers: list[Controller] = []
        self._changes: deque[Change] = deque()
        self._depth = 0

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object.

        Raises:
            ApiError: 404.
        """
        obj = self.store.get(Key(kind.resource, namespace, name))
        if obj is None:
            raise not_found(kind.plural, kind.group, name)
        return obj

    def list(self, kind: Kind, namespace: str = "") -> Sequence[Object]:
        """All objects of a kind, or those of one namespace, in key order."""
        return self.store.list(kind.resource, namespace)

    def create(self, kind: Kind, obj: Object, *, dry_run: bool = False) -> Object:
        """Store a new object.

        Args:
            kind: Its row.
            obj: With name and (where it belongs in one) namespace set.
            dry_run: Do everything but store it.

        Raises:
            ApiError: 409 if the name is taken, 422 if it breaks the kind's rules.
        """
        metadata = {
            **obj["metadata"],
            "uid": self.new_uid(),
            "creationTimestamp": timestamp(self.clock()),
        }
        name = metadata["name"]
        key = Key(kind.resource, metadata.get("namespace", ""), name)
        if self.store.get(key) is not None:
            raise already_exists(kind.plural, kind.group, name)
        obj = {"kind": kind.kind, "apiVersion": kind.group_version, **obj, "metadata": metadata}
        if dry_run:
            return obj
        return self.write(kind, obj)

    def delete(self, kind: Kind, namespace: str, name: str) -> Object:
        """Remove an object.

        Raises:
            ApiError: 404.
        """
        old = self.get(kind, namespace, name)
        with self.transaction():
            last = self.store.delete(Key(kind.resource, namespace, name))
            self._changes.append(Change(kind, old, None))
        return last

    def write(self, kind: Kind, obj: Object) -> Object:
        """Store an object as it is, and let the controllers react, all in one transaction."""
        metadata = obj["metadata"]
        key = Key(kind.resource, metadata.get("namespace", ""), metadata["name"])
        with self.transaction():
            old = self.store.get(key)
            stored = self.store.put(key, obj)
            self._changes.append(Change(kind, old, stored))
        return stored

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Writes inside happen together; the outermost one ends when all controllers are at rest."""
        with self.store.transaction():
            self._depth += 1
            try:
                yield
                while self._depth == 1 and self._changes:
                    change = self._changes.popleft()
                    for controller in self.controllers:
                        controller(change)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._changes.clear()

    def new_uid(self) -> str:
        """A new version-4 UUID from the cluster's own random source."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))
