"""Owner references of controllers: who controls an object, and how orphans are adopted and others released.

Source: k8s.io/kubernetes ``pkg/controller/controller_ref_manager.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.controllers import MANAGER
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.objects import (
    is_deleted,
    labels_of,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from labkit.embedded.machinery.request import Object


def controller_of(obj: Object | None) -> Object | None:
    """The reference to the object that controls this one."""
    owners = (obj or {}).get("metadata", {}).get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)


def controls(owner: Object, obj: Object) -> bool:
    """Whether an object is controlled by another."""
    reference = controller_of(obj)
    return reference is not None and reference.get("uid") == uid_of(owner)


def reference_to(kind: Kind, obj: Object) -> Object:
    """The controller reference to an object."""
    return {
        "apiVersion": kind.group_version,
        "kind": kind.kind,
        "name": name_of(obj),
        "uid": uid_of(obj),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def object_reference(kind: Kind, obj: Object) -> Object:
    """An ``ObjectReference`` to an object in its present version."""
    metadata = obj["metadata"]
    return {
        "kind": kind.kind,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": kind.group_version,
        "resourceVersion": metadata.get("resourceVersion", ""),
    }


def kind_of(registry: Registry, reference: Object) -> Kind | None:
    """The row of the kind that an owner reference names, None if the kind is unknown."""
    group = reference.get("apiVersion", "").rpartition("/")[0]
    return registry.custom.by_kind(group, reference.get("kind", ""))


def refers_to(reference: Object, kind: Kind) -> bool:
    """Whether an owner reference names an object of a kind."""
    return (reference.get("kind"), reference.get("apiVersion")) == (kind.kind, kind.group_version)


def is_owned_by(obj: Object, uid: str) -> bool:
    """Whether an object has an owner, which need not be its controller."""
    return any(owner.get("uid") == uid for owner in owners_of(obj))


def claim(
    registry: Registry,
    kind: Kind,
    owner: Object,
    selector: Object,
    dependents: Kind,
    adoptable: Callable[[Object], bool] = lambda obj: True,
) -> list[Object]:
    """Adopt the orphans that an owner selects, release what it no longer selects, and return what it controls then.

    An owner that is being deleted does neither. An empty selector selects nothing.
    """
    found, deleted = [], is_deleted(owner)
    for obj in list(registry.list(dependents, namespace_of(owner))):
        matches = bool(selector) and selects(selector, labels_of(obj))
        if controls(owner, obj):
            if matches or deleted:
                found.append(obj)
            else:
                registry.edit(dependents, obj, MANAGER, partial(drop_owner, uid_of(owner)))
        elif matches and not deleted and controller_of(obj) is None and adoptable(obj):
            found.append(
                registry.edit(dependents, obj, MANAGER, partial(_adopt, reference_to(kind, owner)))
            )
    return found


def _adopt(reference: Object, obj: Object) -> None:
    obj["metadata"]["ownerReferences"] = [*owners_of(obj), reference]


def drop_owner(uid: str, obj: Object) -> None:
    """Remove the references to an owner's uid from an object, in place."""
    set_owners(obj, [item for item in obj["metadata"]["ownerReferences"] if item.get("uid") != uid])


def set_owners(obj: Object, references: list[Object]) -> None:
    """Set the owner references of an object, in place; no field is left if there are none."""
    obj["metadata"]["ownerReferences"] = references
    if not references:
        del obj["metadata"]["ownerReferences"]
