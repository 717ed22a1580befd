"""The verbs that change something: create, update, patch, delete, deletecollection.

Routing calls these with a request and the kind's row, and encodes what they return.
Warnings go into ``request.warnings``.
"""

from __future__ import annotations

from typing import NamedTuple

from labkit.apiserver.handlers.decode import decode_object
from labkit.apiserver.registry.kinds import Kind
from labkit.apiserver.registry.registry import Registry
from labkit.apiserver.request import Object, Request
from labkit.apiserver.status import method_not_allowed


class Written(NamedTuple):
    """What a write answers.

    Args:
        code: 200 or 201 (202 for a deletion that goes on in the background).
        object: The object, or a Status.
    """

    code: int
    object: Object


class Writer:
    """Create, update, patch and delete objects of any kind on a caller's behalf.

    ``request.info.subresource`` tells a write of the object from one of its status,
    scale, finalizers, ….

    Args:
        registry: Where objects are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create(self, request: Request, kind: Kind) -> Written:
        """POST to a collection (or to ``pods/{name}/binding`` and the like)."""
        obj = decode_object(request, kind)
        metadata = dict(obj.get("metadata") or {})
        if kind.namespaced:
            metadata["namespace"] = request.info.namespace
        return Written(201, self._registry.create(kind, {**obj, "metadata": metadata}))

    def update(self, request: Request, kind: Kind) -> Written:
        """PUT."""
        raise method_not_allowed()

    def patch(self, request: Request, kind: Kind) -> Written:
        """PATCH, whichever of the four kinds of patch the content type names."""
        raise method_not_allowed()

    def delete(self, request: Request, kind: Kind) -> Written:
        """DELETE of one object."""
        namespace = request.info.namespace if kind.namespaced else ""
        return Written(200, self._registry.delete(kind, namespace, request.info.name))

    def delete_collection(self, request: Request, kind: Kind) -> Written:
        """DELETE of a collection, as the selectors choose."""
        raise method_not_allowed()
