"""Routing a resource request to its verb."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from labkit.apiserver.handlers.decode import decode_object
from labkit.apiserver.handlers.write import Writer
from labkit.apiserver.registry.kinds import BY_RESOURCE, Kind
from labkit.apiserver.registry.registry import Registry
from labkit.apiserver.request import Object, Request, Response
from labkit.apiserver.status import method_not_allowed, no_such_resource

JSON = {"Content-Type": "application/json"}

Subresource = Callable[[Request, Kind], Response]
"""Answers a request for a subresource, such as ``serviceaccounts/token``."""
Review = Callable[[Request, Object], Object]
"""Answers a kind that is a question, such as a SubjectAccessReview."""


class ResourceHandler:
    """Every request for a stored object, a list of them, or a review.

    Args:
        registry: Where objects are.
        reviews: (group, plural) of a kind that is never stored, to its answerer.
        subresources: (group, plural, subresource) to its handler.
    """

    def __init__(
        self,
        registry: Registry,
        reviews: dict[tuple[str, str], Review],
        subresources: dict[tuple[str, str, str], Subresource],
    ) -> None:
        self._registry = registry
        self._writer = Writer(registry)
        self._reviews = reviews
        self._subresources = subresources

    def __call__(self, request: Request) -> Response:
        info = request.info
        kind = BY_RESOURCE.get((info.group, info.version, info.resource))
        if kind is None:
            raise no_such_resource()
        if info.subresource:
            handler = self._subresources.get((info.group, info.resource, info.subresource))
            if handler is None:
                raise no_such_resource()
            return handler(request, kind)
        if info.verb not in kind.verbs:
            raise method_not_allowed()
        if (kind.group, kind.plural) in self._reviews:
            answer = self._reviews[kind.group, kind.plural](request, decode_object(request, kind))
            return respond(201, {"kind": kind.kind, "apiVersion": kind.group_version, **answer})
        if info.verb == "get":
            return respond(200, self._registry.get(kind, info.namespace if kind.namespaced else "", info.name))
        if info.verb == "list":
            return respond(200, self._list(kind, info.namespace))
        if info.verb == "create":
            return respond(*self._writer.create(request, kind))
        if info.verb == "update":
            return respond(*self._writer.update(request, kind))
        if info.verb == "patch":
            return respond(*self._writer.patch(request, kind))
        if info.verb == "delete":
            return respond(*self._writer.delete(request, kind))
        if info.verb == "deletecollection":
            return respond(*self._writer.delete_collection(request, kind))
        raise method_not_allowed()

    def _list(self, kind: Kind, namespace: str) -> Object:
        items = [
            {field: value for field, value in obj.items() if field not in ("kind", "apiVersion")}
            for obj in self._registry.list(kind, namespace)
        ]
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.group_version,
            "metadata": {"resourceVersion": str(self._registry.store.revision)},
            "items": items,
        }


def respond(code: int, obj: Object) -> Response:
    """An object as the response."""
    return Response(code, dict(JSON), orjson.dumps(obj))
