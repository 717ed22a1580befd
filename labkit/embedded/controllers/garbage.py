"""Garbage collection: deletes objects whose owners are gone.

Source: k8s.io/kubernetes ``pkg/controller/garbagecollector``.
"""

from __future__ import annotations

from functools import partial

from labkit.embedded.apiserver.registry.metadata import FOREGROUND, ORPHAN
from labkit.embedded.apiserver.registry.registry import Change
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.controller_ref import drop_owner, is_owned_by, kind_of
from labkit.embedded.machinery.kinds import KINDS, CustomKind, Kind
from labkit.embedded.machinery.objects import (
    finalizers_of,
    is_deleted,
    namespace_of,
    owners_of,
    uid_of,
)
from labkit.embedded.machinery.request import Object

OWNED = tuple(
    kind
    for kind in KINDS
    if "list" in kind.verbs and "delete" in kind.verbs and kind.stored_as is None
)


class GarbageCollector(BaseController):
    """Deletes or orphans the dependents of a deleted object."""

    def __call__(self, change: Change) -> None:
        """React to the deletion of owners, at once or in the foreground, and to dependents without owners."""
        new, old = change.new, change.old
        if new is None:
            if old is not None:
                self._owner_gone(old)
                self._owners_may_go(old)
            return
        metadata = new["metadata"]
        owners = metadata.get("ownerReferences")
        if owners and (old is None or old["metadata"].get("ownerReferences") != owners):
            self._check_owners(change.kind, new)
        if not metadata.get("deletionTimestamp"):
            return
        finalizers = metadata.get("finalizers", ())
        if ORPHAN in finalizers:
            self._orphan(new)
            self._drop_finalizer(change.kind, new, ORPHAN)
        elif FOREGROUND in finalizers:
            self._foreground(change.kind, new)

    def _dependents(self, uid: str, namespace: str) -> list[tuple[Kind, Object]]:
        if uid not in self._registry.owner_uids:
            return []
        found = []
        for kind in (*OWNED, *self._registry.custom.stored()):
            for obj in list(self._registry.list(kind, namespace if kind.namespaced else "")):
                if is_owned_by(obj, uid):
                    found.append((kind, obj))
        return found

    def _check_owners(self, kind: Kind, obj: Object) -> None:
        """Delete an object if none of its owners exists."""
        if not any(
            self._exists(owner, namespace_of(obj)) for owner in obj["metadata"]["ownerReferences"]
        ):
            self._delete(kind, obj)

    def _exists(self, owner: Object, namespace: str) -> bool:
        kind = kind_of(self._registry, owner)
        if kind is None or not _is_collected(kind):
            return True  # an unknown kind
        if kind.namespaced and not namespace:
            return True  # a cluster-scoped object cannot have a namespaced owner: keep it
        found = self._registry.find(
            kind, namespace if kind.namespaced else "", owner.get("name", "")
        )
        return found is not None and uid_of(found) == owner.get("uid")

    def _owner_gone(self, owner: Object) -> None:
        for kind, obj in self._dependents(uid_of(owner), namespace_of(owner)):
            if not self._drop_one_of_several(kind, obj, owner):
                self._delete(kind, obj)

    def _drop_one_of_several(self, kind: Kind, obj: Object, owner: Object) -> bool:
        """Remove an owner from an object that has others, and return whether it has."""
        uid, namespace = uid_of(owner), namespace_of(obj)
        owners = obj["metadata"]["ownerReferences"]
        if not any(item.get("uid") != uid and self._exists(item, namespace) for item in owners):
            return False
        self._registry.edit(kind, obj, MANAGER, partial(drop_owner, uid))
        return True

    def _delete(self, kind: Kind, obj: Object, propagation: str = "Background") -> None:
        if not is_deleted(obj):
            self._delete_object(kind, obj, propagation)

    def _orphan(self, owner: Object) -> None:
        uid = uid_of(owner)
        for kind, obj in self._dependents(uid, namespace_of(owner)):
            self._registry.edit(kind, obj, MANAGER, partial(drop_owner, uid))

    def _foreground(self, kind: Kind, owner: Object) -> None:
        """Delete the dependents that have no other owner; release the owner if none of them blocks it any more."""
        uid, namespace = uid_of(owner), namespace_of(owner)
        for inner, obj in self._dependents(uid, namespace):
            if not self._drop_one_of_several(inner, obj, owner):
                owned = self._dependents(uid_of(obj), namespace_of(obj))
                if any(_waits(each) for _, each in owned):  # perhaps for this one: break the circle
                    self._registry.edit(inner, obj, MANAGER, _unblock)
                self._delete(inner, obj, "Foreground" if owned else "Background")
        left = self._dependents(uid, namespace)
        references = [item for _, obj in left for item in obj["metadata"]["ownerReferences"]]
        if not any(
            item.get("uid") == uid and item.get("blockOwnerDeletion") for item in references
        ):
            self._drop_finalizer(kind, owner, FOREGROUND)

    def _owners_may_go(self, dependent: Object) -> None:
        """Go on with owners that waited for a deleted dependent."""
        namespace = namespace_of(dependent)
        for reference in owners_of(dependent):
            kind = kind_of(self._registry, reference)
            if kind is not None and _is_collected(kind):
                owner = self._registry.find(
                    kind, namespace if kind.namespaced else "", reference.get("name", "")
                )
                if owner is not None and FOREGROUND in finalizers_of(owner):
                    self._foreground(kind, owner)


def _is_collected(kind: Kind) -> bool:
    return isinstance(kind, CustomKind) or kind in OWNED


def _waits(obj: Object) -> bool:
    """Whether an object waits for its dependents to be deleted."""
    return is_deleted(obj) and FOREGROUND in finalizers_of(obj)


def _unblock(obj: Object) -> None:
    """Clear ``blockOwnerDeletion`` of an object, in place."""
    owners = obj["metadata"]["ownerReferences"]
    obj["metadata"]["ownerReferences"] = [
        {**owner, "blockOwnerDeletion": False} for owner in owners
    ]
