"""Stored objects without validation: reads, raw writes, and the controllers that react to writes.

Nothing is checked here; ``registry.py`` applies the rules of the kind to a caller's writes.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from ...machinery.kinds import BY_KIND, KINDS, CustomKind, Kind, stored_kind
from ...machinery.request import Object
from ...machinery.schema import Struct, schemas
from ...machinery.schema.decoding import Decoder
from ...machinery.schema.empties import drop_empty
from ...machinery.status import not_found
from ...machinery.steady_clock import SteadyClock
from ...machinery.work import uncharged
from ..storage import Key, Store
from .custom.decoding import decode_custom, pruned_for
from .custom.kinds import CustomKinds
from .deletion import emptied_finalizers
from .managed.manager import Elsewhere, Ownership, update_managed_fields
from .strategies import strategy_of
from .strategy import StrategyContext, timestamp

Texts = list[str]
"""A list of texts, by a name that ``Registry.list`` does not hide."""
SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""Letters and digits that generated names end in: no vowels, nothing easily confused."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one object by a write: ``old`` is None when it was created, ``new`` when it was deleted."""

    kind: Kind
    old: Object | None
    new: Object | None


Controller = Callable[[Change], None]
"""Reacts to a change by further writes; runs inside the write that caused it."""

Guard = Callable[[Object, Object | None], None]
"""Called with a new object and the old one or None before validation; raises what its caller may not write."""

Check = Callable[[Object | None, Object | None], None]
"""Validating admission: (new object or None, old object or None); raises to refuse."""


class Objects:
    """Objects of all kinds in a store. ``random`` is the source of uids and suffixes."""

    def __init__(self, store: Store, clock: Callable[[], float], random: Random) -> None:
        self.store = store
        self.clock = clock
        self.steady = SteadyClock(clock)
        self.random = random
        self.controllers: list[Controller] = []
        self.custom = CustomKinds(store)
        """The kinds that definitions of custom resources declare."""
        self.owner_uids: set[str] = set()
        """The uids of all objects that were ever named as owners."""
        self.note_owners()
        self._changes: deque[Change] = deque()
        self._depth = 0
        self._context = StrategyContext(clock, random, self._lookup, self._objects)

    # Reading

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object; raises a 404 if it does not exist."""
        obj = self.store.get(Key(kind.resource, namespace, name))
        if obj is None:
            raise not_found(kind.plural, kind.group, name)
        return obj

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object, None if it does not exist."""
        return self.store.get(Key(kind.resource, namespace, name))

    def list(self, kind: Kind, namespace: str = "") -> Iterator[Object]:
        """Objects in key order, of one namespace or all."""
        return iter(self.store.list(kind.resource, namespace))

    strategy = staticmethod(strategy_of)

    def struct(self, kind: Kind) -> Struct:
        """The schema of a kind."""
        if isinstance(kind, CustomKind):
            return kind.struct
        schema = schemas().of_kind(kind.group, kind.version, kind.kind)
        assert schema is not None, kind
        return schema

    def complete(self, kind: Kind, data: Any, strict: Texts | None = None) -> Object:
        """Decode JSON to an object of a kind, with all its defaults.

        ``strict`` collects unknown and repeated fields.

        Raises:
            DecodeProblem: A value has the wrong type.
        """
        if isinstance(kind, CustomKind):
            return decode_custom(
                kind, {**data, "kind": kind.kind, "apiVersion": kind.group_version}, strict
            )
        # Empty values remain until the defaults are set: an empty list can be a choice.
        struct = self.struct(kind)
        obj = Decoder(strict, keep_empty=True).decode(struct, data)
        obj = {"kind": kind.kind, "apiVersion": kind.group_version, **obj}
        obj["kind"], obj["apiVersion"] = kind.kind, kind.group_version
        self.strategy(kind).default(obj)
        return drop_empty(struct, obj)

    # Writing

    def write(self, kind: Kind, obj: Object) -> Object:
        """Store an object as it is, and run the controllers, all in one transaction."""
        metadata = obj["metadata"]
        key = Key(kind.resource, metadata.get("namespace", ""), metadata["name"])
        with self.transaction():
            # Read inside the transaction: a controller can have written since the caller read it.
            old = self.store.get(key)
            stored = self.store.put(key, obj)
            self._note_owners(metadata)
            self._changes.append(Change(stored_kind(kind), old, stored))
        return stored

    def edit(
        self,
        kind: Kind,
        obj: Object,
        manager: str,
        change: Callable[[Object], None],
        subresource: str = "",
    ) -> Object:
        """Write a change of a stored object by a controller, the manager in ``managedFields``.

        ``change`` changes a copy in place; ``subresource`` is the subresource that the controller writes to, such
        as ``status``.
        """
        new = copy.deepcopy(obj)
        change(new)
        if new == obj:
            return obj
        update_managed_fields(self.ownership(kind, manager, subresource), obj, new)
        return self.write(kind, new)

    def ownership(
        self, kind: Kind, manager: str, subresource: str = "", elsewhere: Elsewhere | None = None
    ) -> Ownership:
        """Return a write of an object, for its ``managedFields``."""
        now = timestamp(self.clock())
        return Ownership(
            self.struct(kind), manager, kind.group_version, now, subresource, elsewhere
        )

    def note_owners(self) -> None:
        """Record the owners of objects that did not come through ``write``, such as those of a snapshot."""
        for kind in (*KINDS, *self.custom.stored()):
            for obj in self.store.list(kind.resource):
                self._note_owners(obj["metadata"])

    def _note_owners(self, metadata: Object) -> None:
        self.owner_uids.update(
            owner.get("uid", "") for owner in metadata.get("ownerReferences", ())
        )

    def drop_finalizer(self, kind: Kind, obj: Object, finalizer: str, manager: str) -> None:
        """Remove a finalizer, and the object if it was the last one of an object being deleted."""
        if finalizer not in obj["metadata"].get("finalizers", ()):
            return

        def drop(changed: Object) -> None:
            left = [name for name in changed["metadata"]["finalizers"] if name != finalizer]
            if left:
                changed["metadata"]["finalizers"] = left
            else:
                del changed["metadata"]["finalizers"]

        metadata = obj["metadata"]
        with self.transaction():
            changed = self.edit(kind, obj, manager, drop)
            if emptied_finalizers(changed, obj):
                self.remove(kind, metadata.get("namespace", ""), metadata["name"])

    def remove(self, kind: Kind, namespace: str, name: str, last: Object | None = None) -> Object:
        """Remove an object from the store, whatever its finalizers say.

        Controllers see ``last`` as its last state, the stored one if None.
        """
        key = Key(kind.resource, namespace, name)
        with self.transaction():
            old = self.store.get(key)
            assert old is not None
            removed = self.store.delete(key)
            self._changes.append(Change(stored_kind(kind), last or old, None))
        return removed

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group writes; the outermost transaction ends when all controllers are done.

        Controllers do not hear of an inner one that fails.
        """
        begun_at = len(self._changes)
        with self.store.transaction():
            self._depth += 1
            try:
                yield
                if self._depth == 1 and self._changes:
                    self._react()
            except BaseException:
                # The store has forgotten these writes as well.
                while len(self._changes) > begun_at:
                    self._changes.pop()
                raise
            finally:
                self._depth -= 1

    def _react(self) -> None:
        with uncharged():
            # A controller's writes append changes, so that all controllers see all changes in one order.
            while self._changes:
                change = self._changes.popleft()
                for controller in self.controllers:
                    controller(change)

    # Parts

    def new_uid(self) -> str:
        """A new version-4 UUID from the cluster's own random source."""
        # As uuid.UUID formats it, in a third of the time: each request has such an id.
        text = f"{self.random.getrandbits(128):032x}"
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"

    def new_name(self, prefix: str) -> str:
        """A name with a random suffix of five characters."""
        # 63 characters with the suffix, so that it can be a label's value, too.
        return prefix[:58] + self.new_suffix()

    def new_suffix(self) -> str:
        """Five random characters."""
        return "".join(self.random.choice(SUFFIX) for _ in range(5))

    def _lookup(self, group: str, kind: str, namespace: str, name: str) -> Object | None:
        return self.store.get(Key(BY_KIND[group, kind].resource, namespace, name))

    def _objects(self, group: str, kind: str, namespace: str) -> Iterator[Object]:
        return iter(self.store.list(BY_KIND[group, kind].resource, namespace))

    def ordered(self, kind: Kind, obj: Object) -> Object:
        """The object with its fields in the order in which they are printed."""
        metadata = obj["metadata"]
        if isinstance(kind, CustomKind):
            ordered = pruned_for(kind.versions[stored_kind(kind).version], obj)
        else:
            ordered = {
                name: obj[name] for name in self.struct(stored_kind(kind)).fields if name in obj
            }
        fields = schemas()["meta.v1.ObjectMeta"].fields
        return {
            **ordered,
            "metadata": {name: metadata[name] for name in fields if name in metadata},
        }
