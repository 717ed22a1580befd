"""Garbage collection: deletes objects whose owners are gone.

Source: k8s.io/kubernetes ``pkg/controller/garbagecollector``.
"""

from functools import partial

from ..apiserver.registry.metadata import FOREGROUND, ORPHAN
from ..apiserver.registry.registry import Change
from ..machinery.kinds import KINDS, CustomKind, Kind
from ..machinery.objects import finalizers_of, is_deleted, namespace_of, owners_of, uid_of
from ..machinery.request import Object
from .controller import BaseController
from .controller_ref import drop_owner, is_owned_by

OWNED = tuple(
    kind
    for kind in KINDS
    if "list" in kind.verbs and "delete" in kind.verbs and kind.stored_as is None
)


class GarbageCollector(BaseController):
    """Deletes or orphans the dependents of a deleted object."""

    def __call__(self, change: Change) -> None:
        """React to the deletion of owners, at once or in the foreground, and to dependents without owners."""
        new = change.new
        old = change.old
        if new is None:
            if old is not None:
                for kind, obj in self._dependents(old):
                    if not self._drop_one_of_several(kind, obj, old):
                        self._delete(kind, obj)
                self._release_owners(old)
            return
        owners = owners_of(new)
        if owners and (old is None or owners_of(old) != owners):
            # All owners have to be missing: a single existing owner protects the object.
            namespace = namespace_of(new)
            if not any(self._exists(owner, namespace) for owner in owners):
                self._delete(change.kind, new)
        if not is_deleted(new):
            return
        if ORPHAN in finalizers_of(new):
            for kind, obj in self._dependents(new):
                self._edit(kind, obj, partial(drop_owner, uid_of(new)))
            self._drop_finalizer(change.kind, new, ORPHAN)
        elif FOREGROUND in finalizers_of(new):
            self._foreground(change.kind, new)

    def _dependents(self, owner: Object) -> list[tuple[Kind, Object]]:
        # Most objects have no dependents; the registry's index of owners saves a search through all kinds.
        uid = uid_of(owner)
        if uid not in self._registry.owner_uids:
            return []
        dependents = []
        for kind in (*OWNED, *self._registry.custom.stored()):
            namespace = namespace_of(owner) if kind.namespaced else ""
            objects = self._registry.list(kind, namespace)
            dependents += [(kind, obj) for obj in objects if is_owned_by(obj, uid)]
        return dependents

    def _owner(self, reference: Object, namespace: str) -> tuple[Kind, Object | None] | None:
        """Return the kind of an owner and the object with its name; None if its kind is not collected."""
        # Any served version will do: owner references outlive versions.
        group = reference.get("apiVersion", "").rpartition("/")[0]
        kind = self._registry.custom.by_kind(group, reference.get("kind", ""))
        if kind is None or not (isinstance(kind, CustomKind) or kind in OWNED):
            return None
        name = reference.get("name", "")
        return kind, self._registry.find(kind, namespace if kind.namespaced else "", name)

    def _exists(self, reference: Object, namespace: str) -> bool:
        owner = self._owner(reference, namespace)
        # An owner of an unknown kind can exist outside this server, and a cluster-scoped object can (although it is
        # not allowed) name an owner in some namespace: when in doubt, the object is not deleted.
        if owner is None or (owner[0].namespaced and not namespace):
            return True
        return owner[1] is not None and uid_of(owner[1]) == reference.get("uid")

    def _drop_one_of_several(self, kind: Kind, obj: Object, owner: Object) -> bool:
        """Remove an owner from an object that has others, and return whether it has."""
        uid = uid_of(owner)
        namespace = namespace_of(obj)
        others = [item for item in owners_of(obj) if item.get("uid") != uid]
        if not any(self._exists(item, namespace) for item in others):
            return False
        self._edit(kind, obj, partial(drop_owner, uid))
        return True

    def _delete(self, kind: Kind, obj: Object, propagation: str = "Background") -> None:
        if not is_deleted(obj):
            self._delete_object(kind, obj, propagation)

    def _foreground(self, kind: Kind, owner: Object) -> None:
        """Delete the dependents that have no other owner; release the owner if none of them blocks it any more."""
        for inner, obj in self._dependents(owner):
            if not self._drop_one_of_several(inner, obj, owner):
                dependents = self._dependents(obj)
                # A dependent that waits itself can wait for this object: owners in a circle would wait for ever.
                if any(_waits(dependent) for _, dependent in dependents):
                    self._edit(inner, obj, _unblock)
                self._delete(inner, obj, "Foreground" if dependents else "Background")
        for _, obj in self._dependents(owner):
            for item in owners_of(obj):
                if item.get("uid") == uid_of(owner) and item.get("blockOwnerDeletion"):
                    return
        self._drop_finalizer(kind, owner, FOREGROUND)

    def _release_owners(self, dependent: Object) -> None:
        """Go on with owners that waited for a deleted dependent."""
        for reference in owners_of(dependent):
            owner = self._owner(reference, namespace_of(dependent))
            if owner is not None and owner[1] is not None and FOREGROUND in finalizers_of(owner[1]):
                self._foreground(owner[0], owner[1])


def _waits(obj: Object) -> bool:
    """Return whether an object waits for its dependents to be deleted."""
    return is_deleted(obj) and FOREGROUND in finalizers_of(obj)


def _unblock(obj: Object) -> None:
    """Clear ``blockOwnerDeletion`` of an object, in place."""
    owners = [{**owner, "blockOwnerDeletion": False} for owner in owners_of(obj)]
    obj["metadata"]["ownerReferences"] = owners
