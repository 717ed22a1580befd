"""Routing a resource request to its verb.

What the real server's router knows: which paths exist, with which methods. A path
that does not exist is 404, a method that a path lacks 405.

Source: k8s.io/apiserver ``pkg/endpoints/installer.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from labkit.embedded.apiserver.handlers.componentstatuses import KIND as COMPONENT_STATUS
from labkit.embedded.apiserver.handlers.componentstatuses import component_statuses
from labkit.embedded.apiserver.handlers.customresources import asks_for_definitions, no_definitions
from labkit.embedded.apiserver.handlers.decode import decode_object
from labkit.embedded.apiserver.handlers.negotiation import (
    COLLECTION,
    OFFERED,
    PARTIAL,
    TRANSFORMS,
    check_route,
    negotiate,
)
from labkit.embedded.apiserver.handlers.proxy import proxies
from labkit.embedded.apiserver.handlers.read import Reader
from labkit.embedded.apiserver.handlers.responses import Responder
from labkit.embedded.apiserver.handlers.write import Writer
from labkit.embedded.apiserver.handlers.writeoptions import write_options
from labkit.embedded.apiserver.registry.names import path_segment_name
from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import BY_RESOURCE, KINDS, Kind, stored_kind
from labkit.embedded.machinery.request import MAX_BODY_BYTES, Object, Request, RequestInfo, Response
from labkit.embedded.machinery.status import (
    ApiError,
    bad_request,
    entity_too_large,
    method_not_allowed,
    no_such_resource,
)

GROUPS = {kind.group for kind in KINDS}
NAMESPACED_COLLECTION = ("list", "watch", "create", "deletecollection")
NAMED = ("get", "watch", "update", "patch", "delete")
CONNECTED = ("attach", "exec", "log", "portforward", "proxy")
"""Subresources that are no view of the object, but a way to something else."""
DEPRECATED = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
}
"""Resources whose every answer carries a warning."""

Subresource = Callable[[Request, Kind], Response]
"""Answers a request for a subresource, such as ``serviceaccounts/token``."""
Review = Callable[[Request, Object], Object]
"""Answers a kind that is a question, such as a SubjectAccessReview."""


def page_not_found() -> Response:
    """404 for a path that means nothing at all, in plain text."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return Response(404, headers, b"404 page not found\n")


class ResourceHandler:
    """Every request for a stored object, a list of them, or a review.

    Args:
        registry: Where objects are.
        reviews: (group, plural) of a kind that is never stored, to its answerer.
        subresources: (group, plural, subresource) to its handler.
        responder: Makes answers of objects.
        random: Spreads the ends of watches.
        writer: Does what changes something; one without admission if None.
    """

    def __init__(
        self,
        registry: Registry,
        reviews: dict[tuple[str, str], Review],
        subresources: dict[tuple[str, str, str], Subresource],
        responder: Responder,
        random: Random,
        writer: Writer | None = None,
    ) -> None:
        self._responder = responder
        self._reader = Reader(registry.store, responder, registry.steady, random)
        self._writer = writer or Writer(registry)
        self._reviews = reviews
        self._subresources = {**proxies(registry.store), **subresources}
        self._store = registry.store
        self.advance = self._reader.advance

    def __call__(self, request: Request) -> Response:
        """Answer a request for a resource.

        Raises:
            ApiError: What the request asks for cannot be had.
        """
        info = request.info
        kind = BY_RESOURCE.get((info.group, info.version, info.resource))
        if kind is None:
            if asks_for_definitions(info):
                return no_definitions(request, self._responder, self._store.revision)
            if info.group not in GROUPS or (info.api_prefix == "apis" and not info.group):
                return page_not_found()
            raise no_such_resource()
        if request.path.startswith("//"):
            return page_not_found()  # it names the resource, but leads nowhere
        verb = routed_verb(request, kind)
        if len(request.body) > MAX_BODY_BYTES and verb in WRITES:
            raise entity_too_large()
        if kind.plural in DEPRECATED and not kind.group:
            request.warnings.append(DEPRECATED[kind.plural])
            request.annotate("k8s.io/deprecated", "true")
        if info.subresource:
            handler = self._subresources.get((info.group, info.resource, info.subresource))
            if handler is not None:
                return handler(request, kind)
            if info.subresource in CONNECTED:  # never the object itself
                raise no_such_resource()
        check_route(request, COLLECTION if verb in ("list", "watch") else OFFERED)
        form = negotiate(request, transforms=transforms(kind, info.subresource))
        if kind is COMPONENT_STATUS:
            return component_statuses(request, verb, form, self._responder)
        if verb in ("get", "update", "patch", "delete"):
            check_segment(info.name)
        if verb == "list":
            return self._reader.list(request, kind, form)
        if verb == "get":
            return self._reader.get(request, kind, form)
        if verb == "watch":
            return self._reader.watch(request, kind, form)
        if (kind.group, kind.plural) in self._reviews:
            write_options(request, "CreateOptions")  # checked before the body is read
            answer = self._reviews[kind.group, kind.plural](request, decode_object(request, kind))
            answer = {"kind": kind.kind, "apiVersion": kind.group_version, **answer}
            return self._responder.object(request, form, 201, kind, answer)
        code, written = getattr(self._writer, WRITES[verb])(request, kind)
        if verb == "deletecollection" and "items" in written:
            type_meta = {"kind": kind.kind, "apiVersion": stored_kind(kind).group_version}
            items = [{**type_meta, **item} for item in written["items"]]
            return self._responder.list(request, form, kind, written["metadata"], items)
        return self._responder.object(request, form, code, kind, written)


WRITES = {
    "create": "create",
    "update": "update",
    "patch": "patch",
    "delete": "delete",
    "deletecollection": "delete_collection",
}
"""Verbs and the ``Writer``'s methods."""


def transforms(kind: Kind, subresource: str) -> tuple[str, ...]:
    """The other forms of an answer: what is asked or done, and never stored, has no columns."""
    stored = "get" in kind.verbs and subresource not in ("binding", "eviction")
    return TRANSFORMS if stored else PARTIAL


def check_segment(name: str) -> None:
    """Refuse a name that can be no object's.

    Raises:
        ApiError: 400.
    """
    messages = path_segment_name(name, False)
    if messages:
        raise bad_request(f"Name parameter invalid: {go_quote(name)}: {';'.join(messages)}")


def routed_verb(request: Request, kind: Kind) -> str:
    """The verb of a request, if its path and method are a route.

    Raises:
        ApiError: 404 if there is no such path, 405 if it has no such method.
    """
    info = request.info
    if info.subresource == "proxy" and "proxy" in kind.subresources and request.method in ("HEAD", "OPTIONS"):
        return "get"  # whatever HTTP has is passed on
    if info.subresource:
        verb = _subresource_verb(info, kind)
        if request.method == "HEAD":
            raise method_not_allowed()
        return verb
    if info.verb == "proxy" or not _exists(info, kind):
        raise no_such_resource()
    if info.verb == "watch" and "list" in kind.verbs and "watch" not in kind.verbs:
        raise _unwatched(info, kind)
    if request.method == "HEAD" or (info.verb == "watch" and request.method != "GET"):
        raise method_not_allowed()
    if not info.verb or info.verb not in kind.verbs:
        raise method_not_allowed()
    if len(info.parts) > 1:
        allowed = info.verb in NAMED
    elif kind.namespaced and not info.namespace:
        allowed = info.verb in ("list", "watch")
    else:
        allowed = info.verb in NAMESPACED_COLLECTION
    if not allowed:
        raise method_not_allowed()
    return info.verb


def _unwatched(info: RequestInfo, kind: Kind) -> ApiError:
    """What can be listed and not watched: there is no path for it, and no parameter."""
    if info.path.startswith(f"/api/{info.version}/watch/"):
        return no_such_resource()
    what = f"watch is not supported on resources of kind {go_quote(kind.plural)}"
    return ApiError(405, "MethodNotAllowed", what, {"kind": kind.plural})


def _exists(info: RequestInfo, kind: Kind) -> bool:
    """Whether a path without subresource is one of the kind's."""
    named = len(info.parts) > 1
    if named and "get" not in kind.verbs:
        return False
    if kind.namespaced:
        return bool(info.namespace) or (not named and "list" in kind.verbs)
    if kind.plural == "namespaces" and not kind.group:
        return not info.namespace or (named and info.parts[1] == info.namespace)
    return not info.namespace


def _subresource_verb(info: RequestInfo, kind: Kind) -> str:
    verbs = kind.subresources.get(info.subresource)
    if verbs is None or (kind.namespaced and not info.namespace):
        raise no_such_resource()
    if len(info.parts) > 3 and info.subresource != "proxy":
        raise no_such_resource()
    if info.verb not in verbs:
        raise method_not_allowed()
    return info.verb
