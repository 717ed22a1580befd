"""Owner references of controllers: the controller of an object, and the orphans that it adopts.

Source: k8s.io/kubernetes ``pkg/controller/controller_ref_manager.go``.
"""

from ..machinery.kinds import Kind
from ..machinery.objects import name_of, owners_of, uid_of
from ..machinery.request import Object


def controller_of(obj: Object | None) -> Object | None:
    """Return the reference to the object that controls this one."""
    if obj is None:
        return None
    return next((owner for owner in owners_of(obj) if owner.get("controller")), None)


def controls(owner: Object, obj: Object) -> bool:
    """Return whether an object is controlled by another."""
    reference = controller_of(obj)
    return reference is not None and reference.get("uid") == uid_of(owner)


def reference_to(kind: Kind, obj: Object) -> Object:
    """Return the controller reference to an object."""
    return {
        "apiVersion": kind.group_version,
        "kind": kind.kind,
        "name": name_of(obj),
        "uid": uid_of(obj),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def refers_to(reference: Object, kind: Kind) -> bool:
    """Return whether an owner reference names an object of a kind."""
    return (reference.get("kind"), reference.get("apiVersion")) == (kind.kind, kind.group_version)


def is_owned_by(obj: Object, uid: str) -> bool:
    """Return whether an object has an owner, which need not be its controller."""
    return any(owner.get("uid") == uid for owner in owners_of(obj))


def drop_owner(uid: str, obj: Object) -> None:
    """Remove the references to an owner's uid from an object, in place."""
    set_owners(obj, [item for item in owners_of(obj) if item.get("uid") != uid])


def set_owners(obj: Object, references: list[Object]) -> None:
    """Set the owner references of an object, in place."""
    obj["metadata"]["ownerReferences"] = references
    # Go omits an empty list, and so must the stored object: clients compare the two.
    if not references:
        del obj["metadata"]["ownerReferences"]
