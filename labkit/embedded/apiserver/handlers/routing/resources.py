"""A resource request from its path to its response: route, run the operation, represent the result.

Source: k8s.io/apiserver ``pkg/endpoints/installer.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from labkit.embedded.apiserver.handlers.admission import Admission
from labkit.embedded.apiserver.handlers.represent.errors import page_not_found
from labkit.embedded.apiserver.handlers.represent.negotiation import (
    COLLECTION,
    OFFERED,
    PARTIAL,
    TRANSFORMS,
    negotiate,
)
from labkit.embedded.apiserver.handlers.represent.responses import respond
from labkit.embedded.apiserver.handlers.represent.results import Operation
from labkit.embedded.apiserver.handlers.represent.transform import Transformer
from labkit.embedded.apiserver.handlers.routing.custom import custom_verb, deprecation
from labkit.embedded.apiserver.handlers.routing.routes import routed_verb
from labkit.embedded.apiserver.handlers.subresources.binding import bind
from labkit.embedded.apiserver.handlers.subresources.eviction import evict
from labkit.embedded.apiserver.handlers.subresources.scale import scale_operation
from labkit.embedded.apiserver.handlers.verbs.delete import Deleter
from labkit.embedded.apiserver.handlers.verbs.read import Reader
from labkit.embedded.apiserver.handlers.verbs.watch import Watcher
from labkit.embedded.apiserver.handlers.verbs.write import Writer
from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.machinery.kinds import BY_RESOURCE, KINDS, Kind
from labkit.embedded.machinery.request import MAX_BODY_BYTES, Request, Response
from labkit.embedded.machinery.status import entity_too_large, no_such_resource

GROUPS = {kind.group for kind in KINDS}
READS = ("get", "list", "watch")
COLLECTIVE = ("list", "watch", "deletecollection")
CONNECTED = ("attach", "exec", "log", "portforward", "proxy")
"""Subresources that connect to something else than the object."""
UNTABLED = ("binding", "eviction", "token")
"""Subresources whose answers are never stored, and so have no columns."""
DEPRECATED = {
    (
        "",
        "endpoints",
    ): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ("", "componentstatuses"): "v1 ComponentStatus is deprecated in v1.19+",
}
"""(group, plural) of the kinds whose every answer has a warning."""

Resource = tuple[str, str, str]
"""(group, plural, subresource); the subresource is empty for the object itself."""
Connection = Callable[[Request, Kind], Response]
"""Answers a request for a connected subresource with a response of its own."""


class ResourceHandler:
    """Answers every request for a resource that is served.

    Args:
        random: Spreads the ends of watches.
        computed: The operations of kinds that are never stored.
        connections: The handlers of ``CONNECTED`` subresources.
    """

    def __init__(
        self,
        registry: Registry,
        admission: Admission,
        writer: Writer,
        transformer: Transformer,
        random: Random,
        computed: Mapping[Resource, Operation],
        connections: Mapping[Resource, Connection],
    ) -> None:
        self._kinds = registry.custom
        self._transformer = transformer
        self._connections = connections
        self.watcher = Watcher(registry.store, transformer, registry.steady, random)
        reader, deleter = Reader(registry.store), Deleter(registry, admission)
        self._verbs: Mapping[str, Operation] = {
            "get": reader.get,
            "list": reader.list,
            "create": writer.create,
            "update": writer.update,
            "patch": writer.patch,
            "delete": deleter.delete,
            "deletecollection": deleter.delete_collection,
        }
        scale = self._scale = scale_operation(reader.get, registry, admission)
        self._operations: Mapping[Resource, Operation] = {
            ("", "bindings", ""): partial(bind, registry, admission),  # the older path of the next
            ("", "pods", "binding"): partial(bind, registry, admission),  # what a scheduler writes
            ("", "pods", "eviction"): partial(
                evict, registry, admission
            ),  # deletion by another permission
            **{
                (kind.group, kind.plural, "scale"): scale
                for kind in KINDS
                if "scale" in kind.subresources
            },
            **computed,  # reviews and token requests: need authenticators and authorizers
        }

    def __call__(self, request: Request) -> Response:
        """Answer a request for a resource."""
        info = request.info
        kind = BY_RESOURCE.get((info.group, info.version, info.resource))
        if kind is None:
            return self._custom(request)
        if request.path.startswith("//"):
            return page_not_found()  # it names the resource, but is no route
        verb = routed_verb(request, kind)
        if len(request.body) > MAX_BODY_BYTES and verb not in READS:
            raise entity_too_large()
        if (kind.group, kind.plural) in DEPRECATED:
            request.warnings.append(DEPRECATED[kind.group, kind.plural])
            request.annotate("k8s.io/deprecated", "true")
        resource = (info.group, info.resource, info.subresource)
        connection = self._connections.get(resource)
        if connection is not None:
            if info.subresource == "log":
                negotiate(request, route=("text/plain", *OFFERED))  # although it is text that comes
            return connection(request, kind)
        if info.subresource in CONNECTED:
            raise no_such_resource()
        route = COLLECTION if verb in ("list", "watch") else OFFERED
        stored = (
            "get" in kind.verbs and info.subresource not in UNTABLED
        )  # only what is stored has a Table
        form = negotiate(request, route=route, transforms=TRANSFORMS if stored else PARTIAL)
        if verb == "watch":
            return self.watcher.watch(request, kind, form)
        operation = self._operations.get(resource) or self._verbs[verb]
        return respond(self._transformer, form, operation(request, kind), request.in_parts)

    def _custom(self, request: Request) -> Response:
        """Answer a request for a resource that is none of the server's own."""
        info = request.info
        kind = self._kinds.find(info.group, info.version, info.resource)
        if kind is None or request.path.startswith("//"):
            return self._unserved(request)
        verb = custom_verb(info, kind)
        if not verb:
            return page_not_found()
        if len(request.body) > MAX_BODY_BYTES and verb not in READS:
            raise entity_too_large()
        warning = deprecation(kind)
        if warning:
            request.warnings.append(warning)
            request.annotate("k8s.io/deprecated", "true")
        form = negotiate(request)
        if verb in COLLECTIVE:
            self._kinds.check_readable(kind)
        if verb == "watch":
            return self.watcher.watch(request, kind, form)
        operation = self._scale if info.subresource == "scale" else self._verbs[verb]
        return respond(self._transformer, form, operation(request, kind), request.in_parts)

    def _unserved(self, request: Request) -> Response:
        """Answer a request for a resource that there is not."""
        info = request.info
        if info.group not in GROUPS or (info.api_prefix == "apis" and not info.group):
            return page_not_found()
        raise no_such_resource()
