"""A resource request from its path to its response: route, run the operation, represent the result.

Source: k8s.io/apiserver ``pkg/endpoints/installer.go``; k8s.io/apiextensions-apiserver
``pkg/apiserver/customresource_handler.go``.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import BY_RESOURCE, KINDS, CustomKind, Kind
from kube_embedded.machinery.request import MAX_BODY_BYTES, Request, RequestInfo, Response
from kube_embedded.machinery.status import (
    ApiError,
    bad_request,
    entity_too_large,
    method_not_allowed,
    no_such_resource,
    not_found,
    resource_details,
)

from ...openapi.discovery import version_rank
from ...registry.registry import Registry
from ..admission import Admission
from ..represent.negotiation import COLLECTION, OFFERED, PARTIAL, TRANSFORMS, negotiate
from ..represent.responses import Operation, page_not_found, respond
from ..represent.transform import Transformer
from ..subresources.pods import bind, evict
from ..subresources.scale import scale_operation
from ..verbs.delete import Deleter
from ..verbs.read import Reader
from ..verbs.watch import Watcher
from ..verbs.write import Writer

GROUPS = {kind.group for kind in KINDS}
READS = ("get", "list", "watch")
NAMED = ("get", "watch", "update", "patch", "delete")
COLLECTIVE = ("list", "watch", "create", "deletecollection")
CONNECTED = ("attach", "exec", "log", "portforward", "proxy")
"""Subresources that connect to something else than the object."""
UNTABLED = ("binding", "eviction", "token")
"""Subresources whose answers are never stored, and so have no columns."""
DEPRECATED = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
}
"""Kinds whose every answer has a warning."""

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
        reader = Reader(registry.store)
        deleter = Deleter(registry, admission)
        self._verbs: Mapping[str, Operation] = {
            "get": reader.get,
            "list": reader.list,
            "create": writer.create,
            "update": writer.update,
            "patch": writer.patch,
            "delete": deleter.delete,
            "deletecollection": deleter.delete_collection,
        }
        self._scale = scale_operation(reader.get, registry, admission)
        self._operations: Mapping[Resource, Operation] = {
            ("", "bindings", ""): partial(bind, registry, admission),  # the older path of the next
            ("", "pods", "binding"): partial(bind, registry, admission),
            ("", "pods", "eviction"): partial(evict, registry, admission),
            **computed,
        }

    def __call__(self, request: Request) -> Response:
        """Answer a request for a resource."""
        info = request.info
        resource = (info.group, info.version, info.resource)
        kind = BY_RESOURCE.get(resource) or self._kinds.find(*resource)
        if kind is None:
            served = info.group in GROUPS and (info.group or info.api_prefix != "apis")
            if served and not request.path.startswith("//"):
                raise no_such_resource()
            return page_not_found()
        # A path with two slashes names the resource too, but no route of go-restful.
        verb = "" if request.path.startswith("//") else _verb(request, kind)
        if not verb:
            return page_not_found()
        # Reads ignore their bodies, however large.
        if len(request.body) > MAX_BODY_BYTES and verb not in READS:
            raise entity_too_large()
        warning = _deprecation(kind)
        if warning:
            request.warnings.append(warning)
            request.annotate("k8s.io/deprecated", "true")
        if isinstance(kind, CustomKind):
            form = negotiate(request)
            if verb in COLLECTIVE and verb != "create":
                self._kinds.check_readable(kind)
        else:
            connection = self._connections.get((info.group, info.resource, info.subresource))
            if connection is not None:
                if info.subresource == "log":
                    # The real server negotiates as if an object came, but sends text.
                    negotiate(request, route=("text/plain", *OFFERED))
                return connection(request, kind)
            if info.subresource in CONNECTED:
                raise no_such_resource()
            route = COLLECTION if verb in ("list", "watch") else OFFERED
            stored = "get" in kind.verbs and info.subresource not in UNTABLED
            form = negotiate(request, route=route, transforms=TRANSFORMS if stored else PARTIAL)
        if verb == "watch":
            return self.watcher.watch(request, kind, form)
        if info.subresource == "scale":
            operation = self._scale
        else:
            own = self._operations.get((info.group, info.resource, info.subresource))
            operation = own or self._verbs[verb]
        return respond(self._transformer, form, operation(request, kind), in_parts=request.in_parts)


def _verb(request: Request, kind: Kind) -> str:
    """The verb of a request whose path and method are a route of the kind; 404 or 405 if they are not."""
    if isinstance(kind, CustomKind):
        return _custom_verb(request.info, kind)
    info = request.info
    verb = info.verb
    if info.subresource:
        verbs = kind.subresources.get(info.subresource)
        proxied = info.subresource == "proxy" and verbs is not None
        if proxied and request.method in ("HEAD", "OPTIONS"):
            return "get"  # a proxy passes every method on
        outside = kind.namespaced and not info.namespace
        if verbs is None or outside or (len(info.parts) > 3 and not proxied):
            raise no_such_resource()
        if verb not in verbs or request.method == "HEAD":
            raise method_not_allowed()
        return verb
    if verb == "proxy" or not _exists(info, kind):
        raise no_such_resource()
    if verb == "watch" and "list" in kind.verbs and "watch" not in kind.verbs:
        # Its path does not exist, but the parameter is understood.
        if info.path.startswith(f"/api/{info.version}/watch/"):
            raise no_such_resource()
        raise _unsupported(kind, "watch", kind.plural, {"kind": kind.plural})
    allowed: Sequence[str] = NAMED if len(info.parts) > 1 else COLLECTIVE
    if kind.namespaced and not info.namespace:
        allowed = ("list", "watch")
    by_other_method = verb == "watch" and request.method != "GET"
    if request.method == "HEAD" or by_other_method or verb not in kind.verbs or verb not in allowed:
        raise method_not_allowed()
    return verb


def _exists(info: RequestInfo, kind: Kind) -> bool:
    """Return whether a path without subresource is one of the kind's."""
    named = len(info.parts) > 1
    if named and "get" not in kind.verbs:
        return False
    if kind.namespaced:
        return bool(info.namespace) or (not named and "list" in kind.verbs)
    if kind.qualified == "namespaces":
        # A namespace is in itself, as the real server's RequestInfo has it.
        return not info.namespace or (named and info.parts[1] == info.namespace)
    return not info.namespace


def _custom_verb(info: RequestInfo, kind: CustomKind) -> str:
    """The verb of a request; empty if its path is none of the kind's, 404 or 405 for others that do not exist."""
    anywhere = info.verb in ("list", "watch")
    if bool(info.namespace) != kind.namespaced and (info.namespace or not anywhere):
        return ""
    if info.subresource and info.subresource not in kind.subresources:
        raise not_found(kind.plural, kind.group, info.name)
    if info.verb not in (kind.subresources[info.subresource] if info.subresource else kind.verbs):
        details = resource_details(kind.plural, kind.group)
        raise _unsupported(kind, info.verb, kind.qualified, details)
    # The handler for custom kinds has no routes, so it is reached by any path.
    if info.verb in ("update", "patch") and not info.name:
        raise bad_request("name must be provided")
    return info.verb


def _unsupported(kind: Kind, verb: str, shown: str, details: dict[str, str]) -> ApiError:
    text = f"{verb} is not supported on resources of kind {go_quote(shown)}"
    return ApiError(405, "MethodNotAllowed", text, details)


def _deprecation(kind: Kind) -> str:
    """The warning for requests of a deprecated kind or version; empty for others."""
    if not isinstance(kind, CustomKind):
        return "" if kind.group else DEPRECATED.get(kind.plural, "")
    version = kind.version_spec
    if not version.get("deprecated"):
        return ""
    own: str | None = version.get("deprecationWarning")
    if own is not None:
        return own
    rank = version_rank(kind.version)
    newer = [
        other["name"]
        for other in kind.definition["spec"]["versions"]
        if other["served"] and not other.get("deprecated") and version_rank(other["name"]) < rank
    ]
    better = f"; use {kind.group}/{min(newer, key=version_rank)} {kind.kind}" if newer else ""
    return f"{kind.group_version} {kind.kind} is deprecated{better}"
