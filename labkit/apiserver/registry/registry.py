"""Create, read, update and delete objects of any kind, by its rules.

Handlers come here with a caller's request; controllers and the node come here
directly. Authorization and mutating admission have happened by then.
Source: k8s.io/apiserver ``pkg/registry/generic/registry/store.go``.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from labkit.apiserver.registry.deletion import (
    begin_graceful,
    check_preconditions,
    deleted_answer,
    deletion_finalizers,
    emptied_finalizers,
    mark_deleting,
)
from labkit.apiserver.registry.errors import FieldErrors, invalid_object
from labkit.apiserver.registry.kinds import BY_KIND, KINDS, Kind, stored_kind
from labkit.apiserver.registry.managed.manager import update_managed_fields
from labkit.apiserver.registry.metadata import FOREGROUND, ORPHAN
from labkit.apiserver.registry.names import path_segment_name
from labkit.apiserver.registry.strategies import strategies
from labkit.apiserver.registry.strategy import Context, DeleteOptions, Strategy, timestamp
from labkit.apiserver.registry.versions import check_version, same, wrong_uid
from labkit.apiserver.request import Object
from labkit.apiserver.schema import Struct, schemas
from labkit.apiserver.schema.decoding import Decoder, forget_empty
from labkit.apiserver.status import ApiError, already_exists, bad_request, conflict, not_found
from labkit.apiserver.storage import Key, Store

__all__ = ["Change", "Check", "Controller", "Registry", "timestamp"]

Texts = list[str]
"""A list of texts, by a name that ``Registry.list`` does not hide."""
VERSION_4_MASK = ~(0xF << 76) & ~(0x3 << 62)
VERSION_4_BITS = 4 << 76 | 2 << 62
"""The version and variant bits of a version-4 UUID."""
SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""Letters and digits that generated names end in: no vowels, nothing easily confused."""


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

Check = Callable[[Object | None, Object | None], None]
"""Validating admission: (new object or None, old object or None); raises to refuse."""


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
        self.strategies = strategies()
        self.owner_uids: set[str] = {
            owner.get("uid", "")
            for kind in KINDS
            for obj in store.list(kind.resource)
            for owner in obj["metadata"].get("ownerReferences", ())
        }
        """The uids of all objects that were ever named as owners."""
        self._changes: deque[Change] = deque()
        self._depth = 0
        self._context = Context(clock, random, self._lookup, self._objects)

    # Reading

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object.

        Raises:
            ApiError: 404.
        """
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

    def strategy(self, kind: Kind) -> Strategy:
        """The rules of a kind."""
        return self.strategies.of(kind)

    def struct(self, kind: Kind) -> Struct:
        """The schema of a kind."""
        found = schemas().of_kind(kind.group, kind.version, kind.kind)
        assert found is not None, kind
        return found

    def complete(self, kind: Kind, data: Any, strict: Texts | None = None) -> Object:
        """An object of the kind, with all its defaults, from decoded JSON.

        Args:
            kind: Its row.
            data: The JSON.
            strict: Collects unknown and repeated fields.

        Raises:
            DecodeProblem: A value has the wrong type.
        """
        obj = Decoder(strict).decode(self.struct(kind), data)
        obj = {"kind": kind.kind, "apiVersion": kind.group_version, **obj}
        obj["kind"], obj["apiVersion"] = kind.kind, kind.group_version
        self.strategy(kind).default(obj)
        return obj

    # Writing

    def create(
        self,
        kind: Kind,
        obj: Object,
        *,
        dry_run: bool = False,
        check: Check | None = None,
        warnings: Texts | None = None,
        manager: str = "",
    ) -> Object:
        """Store a new object.

        Args:
            kind: Its row.
            obj: The object, metadata with its namespace (where it belongs in one) set. It is
                changed; do not use it afterwards.
            dry_run: Do everything but store it.
            check: Validating admission.
            warnings: Collects what the caller should be told.
            manager: For objects of controllers: complete it and note this manager as the owner
                of its fields.

        Raises:
            ApiError: 409 if the name is taken, 422 if it breaks the kind's rules.
        """
        if manager:
            obj = self.complete(kind, obj)
            update_managed_fields(
                self.struct(kind), None, obj, manager, kind.group_version, "", timestamp(self.clock())
            )
        strategy = self.strategy(kind)
        metadata = obj["metadata"] = dict(obj.get("metadata") or {})
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
            metadata.pop(field, None)
        metadata["uid"] = self.new_uid()
        metadata["creationTimestamp"] = timestamp(self.clock())
        generated = bool(metadata.get("generateName")) and not metadata.get("name")
        if generated:
            metadata["name"] = self.new_name(metadata["generateName"])
        context = replace(self._context, dry_run=dry_run)
        strategy.prepare_create(context, obj)
        for hook in strategy.hooks:
            hook(obj, None)
        self._refuse_invalid(kind, obj, strategy.validate(kind, obj))
        if warnings is not None:
            warnings += strategy.warnings(obj, None)
        if check is not None:
            check(obj, None)
        if metadata.get("resourceVersion", "0") not in ("", "0") and not dry_run:
            # The real server says this with a 500, the one place where it blames itself for bad input.
            raise bad_request("resourceVersion should not be set on objects to be created")
        name = metadata["name"]
        if self.store.get(Key(kind.resource, metadata.get("namespace", ""), name)) is not None:
            raise self._taken(kind, obj, generated)
        strategy.allocate(context, obj, None)
        obj = self._ordered(kind, obj)
        forget_empty(self.struct(stored_kind(kind)), obj)
        metadata.pop("resourceVersion", None)
        return obj if dry_run else self.write(kind, obj)

    def update(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        change: Callable[[Object | None], Object],
        *,
        subresource: str = "",
        uid: str = "",
        create: bool = False,
        dry_run: bool = False,
        check: Check | None = None,
        check_create: Check | None = None,
        warnings: Texts | None = None,
    ) -> tuple[Object, bool]:
        """Replace an object.

        Args:
            kind: Its row.
            namespace: Its namespace.
            name: Its name.
            change: From the stored object (None if there is none) to the new one, completed
                and admitted.
            subresource: ``status`` and the like: which part may change.
            uid: Only an object of this uid is meant.
            create: Whether a missing object is created, whatever the kind says.
            dry_run: Do everything but store it.
            check: Validating admission of an update.
            check_create: The same for a creation.
            warnings: Collects what the caller should be told.

        Returns:
            The object, and whether it was created.

        Raises:
            ApiError: 404, 409 for a stale resourceVersion, 422.
        """
        strategy = self.strategy(kind)
        old = self.store.get(Key(kind.resource, namespace, name))
        if old is None:
            if uid:
                raise wrong_uid(kind, namespace, name, uid, "")
            if not create and not (strategy.create_on_update and not subresource):
                raise not_found(kind.plural, kind.group, name)
            obj = change(None)
            wanted = obj["metadata"].get("uid")
            if wanted:
                why = f"uid mismatch: the provided object specified uid {wanted}, and no existing object was found"
                raise conflict(kind.plural, kind.group, name, why)
            obj["metadata"].pop("resourceVersion", None)
            return self.create(kind, obj, dry_run=dry_run, check=check_create, warnings=warnings), True
        if uid and uid != old["metadata"]["uid"]:
            raise wrong_uid(kind, namespace, name, uid, old["metadata"]["uid"])
        new = change(old)
        check_version(kind, strategy, new, old)
        self._prepare_update(kind, strategy, new, old, subresource, dry_run, warnings)
        forget_empty(self.struct(stored_kind(kind)), new)
        if same(new, old):
            return old, False
        if check is not None:
            check(new, old)
        if emptied_finalizers(new, old):
            if not dry_run:
                self.remove(kind, namespace, name, new)
            return new, False
        new = self._ordered(kind, new)
        return (new if dry_run else self.write(kind, new)), False

    def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        options: DeleteOptions | None = None,
        check: Check | None = None,
    ) -> Object:
        """Delete an object, at once or as its finalizers and grace period allow.

        Args:
            kind: Its row.
            namespace: Its namespace.
            name: Its name.
            options: How.
            check: Validating admission.

        Returns:
            What a caller is told: the object or a Status, as the kind has it.

        Raises:
            ApiError: 404, or 409 if a precondition fails.
        """
        options = options or DeleteOptions()
        strategy = self.strategy(kind)
        old = self.get(kind, namespace, name)
        check_preconditions(kind, old, options)
        if kind.kind == "Namespace" and not kind.group:
            return self._delete_namespace(kind, old, options, check)
        if check is not None:
            check(None, old)
        metadata = dict(old["metadata"])
        marked: Object = {**old, "metadata": metadata}
        graceful, pending = begin_graceful(strategy, marked, options, self.clock)
        if pending:
            return deleted_answer(kind, strategy, old)
        finalizers = deletion_finalizers(metadata.get("finalizers", []), options, strategy.orphans)
        if finalizers != metadata.get("finalizers", []):
            metadata["finalizers"] = finalizers
        if not graceful and not finalizers:
            if options.dry_run:
                return deleted_answer(kind, strategy, old)
            return deleted_answer(kind, strategy, self.remove(kind, namespace, name))
        if not graceful:
            mark_deleting(metadata, self.clock)
        marked = self._ordered(kind, marked)
        at_once = graceful and not finalizers and not metadata.get("deletionGracePeriodSeconds")
        if options.dry_run:
            return deleted_answer(kind, strategy, marked) if at_once else marked
        with self.transaction():
            stored = self.write(kind, marked) if not same(marked, old) else old
            if at_once and self.store.get(Key(kind.resource, namespace, name)) is not None:
                stored = self.remove(kind, namespace, name)
        return deleted_answer(kind, strategy, stored) if at_once else stored

    def write(self, kind: Kind, obj: Object) -> Object:
        """Store an object as it is, and let the controllers react, all in one transaction."""
        metadata = obj["metadata"]
        key = Key(kind.resource, metadata.get("namespace", ""), metadata["name"])
        with self.transaction():
            old = self.store.get(key)
            stored = self.store.put(key, obj)
            for owner in metadata.get("ownerReferences", ()):
                self.owner_uids.add(owner.get("uid", ""))
            self._changes.append(Change(stored_kind(kind), old, stored))
        return stored

    def edit(
        self, kind: Kind, obj: Object, manager: str, change: Callable[[Object], None], subresource: str = ""
    ) -> Object:
        """A controller's change of a stored object.

        Args:
            kind: Its row.
            obj: The stored object.
            manager: Who changes it, for ``managedFields``.
            change: Changes a copy in place.
            subresource: What the controller writes to, such as ``status``.
        """
        new = copy.deepcopy(obj)
        change(new)
        if new == obj:
            return obj
        update_managed_fields(
            self.struct(kind), obj, new, manager, kind.group_version, subresource, timestamp(self.clock())
        )
        return self.write(kind, new)

    def drop_finalizer(self, kind: Kind, obj: Object, finalizer: str, manager: str) -> None:
        """Take a finalizer from an object; if it was the last of one that ends, remove the object."""
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
        bits = self.random.getrandbits(128) & VERSION_4_MASK | VERSION_4_BITS
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def new_name(self, prefix: str) -> str:
        """A name with a random suffix of five characters."""
        return prefix[:58] + self.new_suffix()

    def new_suffix(self) -> str:
        """Five random characters."""
        return "".join(self.random.choice(SUFFIX) for _ in range(5))

    # Parts

    def _lookup(self, group: str, kind: str, namespace: str, name: str) -> Object | None:
        return self.store.get(Key(BY_KIND[group, kind].resource, namespace, name))

    def _objects(self, group: str, kind: str, namespace: str) -> Iterator[Object]:
        return iter(self.store.list(BY_KIND[group, kind].resource, namespace))

    def _ordered(self, kind: Kind, obj: Object) -> Object:
        """The object with its fields in the order in which they are printed."""
        ordered: Object = {}
        for name in self.struct(stored_kind(kind)).fields:
            if name in obj:
                ordered[name] = obj[name]
        metadata = obj["metadata"]
        ordered["metadata"] = {
            name: metadata[name] for name in schemas()["meta.v1.ObjectMeta"].fields if name in metadata
        }
        return ordered

    def _refuse_invalid(self, kind: Kind, obj: Object, errors: FieldErrors) -> None:
        name = obj["metadata"].get("name", "")
        if not errors and name:
            for message in path_segment_name(name, False):
                errors.invalid("metadata.name", name, message)
        if errors:
            raise invalid_object(kind.kind, stored_kind(kind).group, name, errors)

    def _taken(self, kind: Kind, obj: Object, generated: bool) -> ApiError:
        name = obj["metadata"]["name"]
        error = already_exists(kind.plural, kind.group, name)
        existing = self.store.get(Key(kind.resource, obj["metadata"].get("namespace", ""), name))
        if existing is not None and existing["metadata"].get("deletionTimestamp"):
            error.message = f"object is being deleted: {error.message}"
        if generated:
            error.message += ", the server was not able to generate a unique name for the object"
            error.details = {**(error.details or {}), "retryAfterSeconds": 1}
        return error

    def _prepare_update(
        self,
        kind: Kind,
        strategy: Strategy,
        new: Object,
        old: Object,
        subresource: str,
        dry_run: bool,
        warnings: Texts | None,
    ) -> None:
        context = replace(self._context, dry_run=dry_run)
        metadata, before = new["metadata"], old["metadata"]
        metadata.pop("generation", None)
        if "generation" in before:
            metadata["generation"] = before["generation"]
        if subresource in ("status", "finalize"):
            strategy.prepare_status_update(context, new, old)
        elif subresource:
            strategy.prepare_part_update(context, subresource, new, old)
        else:
            strategy.prepare_update(context, new, old)
        for field in ("uid", "creationTimestamp", "deletionTimestamp"):
            if before.get(field) and (field != "uid" or not metadata.get(field)):
                metadata[field] = before[field]
        if "deletionGracePeriodSeconds" in before:
            metadata.setdefault("deletionGracePeriodSeconds", before["deletionGracePeriodSeconds"])
        metadata.pop("selfLink", None)
        for hook in strategy.hooks:
            hook(new, old)
        if subresource in ("status", "finalize"):
            errors = strategy.validate_status_update(kind, new, old)
        elif subresource:
            errors = strategy.validate_part_update(kind, subresource, new, old)
        else:
            errors = strategy.validate_update(kind, new, old)
        self._refuse_invalid(kind, new, errors)
        if warnings is not None:
            warnings += strategy.warnings(new, old)
        if subresource != "status":
            strategy.allocate(context, new, old)

    def _delete_namespace(self, kind: Kind, old: Object, options: DeleteOptions, check: Check | None) -> Object:
        if check is not None:
            check(None, old)
        name = old["metadata"]["name"]
        if not old["metadata"].get("deletionTimestamp"):
            metadata = {**old["metadata"], "deletionTimestamp": timestamp(self.clock())}
            if options.propagation == "Orphan":
                metadata["finalizers"] = [*metadata.get("finalizers", []), ORPHAN]
            elif options.propagation == "Foreground":
                metadata["finalizers"] = [*metadata.get("finalizers", []), FOREGROUND]
            obj = self._ordered(kind, {**old, "metadata": metadata, "status": {"phase": "Terminating"}})
            return obj if options.dry_run else self.write(kind, obj)
        if old.get("spec", {}).get("finalizers") or old["metadata"].get("finalizers"):
            return old
        return old if options.dry_run else self.remove(kind, "", name)

    def remove(self, kind: Kind, namespace: str, name: str, last: Object | None = None) -> Object:
        """Take an object out of the store, whatever its finalizers say.

        Args:
            kind: Its row.
            namespace: Its namespace.
            name: Its name.
            last: Its last state, for the controllers; the stored one if None.
        """
        key = Key(kind.resource, namespace, name)
        with self.transaction():
            old = self.store.get(key)
            assert old is not None
            removed = self.store.delete(key)
            self._changes.append(Change(stored_kind(kind), last or old, None))
        return removed
