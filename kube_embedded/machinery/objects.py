"""Accessors for the metadata and the conditions of Kubernetes objects, which are dicts.

Source: the interface ``Object`` of k8s.io/apimachinery ``pkg/apis/meta/v1/meta.go``.
"""

from collections.abc import Sequence

from .request import Object


def name_of(obj: Object) -> str:
    """Return ``metadata.name``."""
    name: str = obj["metadata"]["name"]
    return name


def namespace_of(obj: Object) -> str:
    """Return ``metadata.namespace``, empty for a cluster-scoped object."""
    namespace: str = obj["metadata"].get("namespace", "")
    return namespace


def uid_of(obj: Object) -> str:
    """Return ``metadata.uid``."""
    uid: str = obj["metadata"]["uid"]
    return uid


def labels_of(obj: Object) -> Object:
    """Return the labels of an object, or of a pod template, which need not have metadata."""
    return (obj.get("metadata") or {}).get("labels") or {}


def annotations_of(obj: Object) -> Object:
    """Return the annotations of an object."""
    return obj["metadata"].get("annotations") or {}


def finalizers_of(obj: Object) -> Sequence[str]:
    """Return the finalizers of an object."""
    return obj["metadata"].get("finalizers") or ()


def owners_of(obj: Object) -> Sequence[Object]:
    """Return the owner references of an object."""
    return obj["metadata"].get("ownerReferences") or ()


def is_deleted(obj: Object) -> bool:
    """Return whether an object is being deleted, and only finalizers or a grace period delay the end."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def conditions_of(obj: Object) -> Sequence[Object]:
    """Return ``status.conditions``."""
    return (obj.get("status") or {}).get("conditions") or ()


def find_condition(obj: Object, *kinds: str, status: str = "") -> Object | None:
    """Return the first condition of some types, with a status if one is given."""
    for item in conditions_of(obj):
        if item.get("type") in kinds and status in ("", item.get("status")):
            return item
    return None


def true_condition(obj: Object, *kinds: str) -> Object | None:
    """Return the first condition of some types that is true."""
    return find_condition(obj, *kinds, status="True")
