"""``/api`` and ``/apis``: which groups, versions and kinds are served.

Source: k8s.io/apiserver ``pkg/endpoints/discovery``.
"""

import hashlib
from collections.abc import Callable, Sequence

import orjson

from kube_embedded.machinery.kinds import GROUPS
from kube_embedded.machinery.request import Object, Request, Response
from kube_embedded.machinery.status import method_not_allowed, no_such_resource

from ...openapi.discovery import AGGREGATED, Discovery
from ..represent import negotiation
from ..represent.encode import dump, dump_pretty, protobuf_discovery, yaml_bytes
from ..represent.responses import page_not_found


class DiscoveryHandler:
    """Answers requests for the discovery documents."""

    def __init__(
        self, discovery: Callable[[], Discovery], address: Callable[[Request], str]
    ) -> None:
        self._discovery = discovery
        self._address = address

    def __call__(self, request: Request) -> Response | None:
        """Answer a request below ``/api`` or ``/apis``, None for any other path; 404, 405 or 406."""
        # No route of the real server begins so.
        if request.path.startswith("//"):
            return None
        root, *rest = request.path.strip("/").split("/")
        document: Object | Response | None
        if root == "api" and len(rest) < 2:
            document = self._core(request, rest)
        elif root == "apis" and len(rest) < 3:
            document = self._groups(request, rest)
        else:
            return None
        if document is None:
            return page_not_found()
        if request.method != "GET" and (root == "api" or len(rest) > 1):
            raise method_not_allowed()  # lists of groups and versions are answered whatever the method
        return document if isinstance(document, Response) else _negotiated(request, document)

    def _core(self, request: Request, rest: Sequence[str]) -> Object | Response:
        if not rest:
            if request.method == "GET":
                negotiation.check_route(request)
            form = _wants_aggregated(request)
            if form:
                return _aggregated(request, form, self._discovery().aggregated_core)
            return self._discovery().core_versions(self._address(request))
        if rest[0] not in self._discovery().versions(""):
            raise no_such_resource()
        return self._discovery().resource_list("", rest[0])

    def _groups(self, request: Request, rest: Sequence[str]) -> Object | Response | None:
        if not rest:
            form = _wants_aggregated(request)
            if form:
                return _aggregated(request, form, self._discovery().aggregated_groups)
            return self._discovery().group_list()
        group = rest[0]
        versions = self._discovery().versions(group) if group else ()
        if not versions:
            return None
        if len(rest) == 1:
            return {"kind": "APIGroup", "apiVersion": "v1", **self._discovery().group(group)}
        if rest[1] not in versions and group not in GROUPS:
            return None
        if rest[1] not in versions:
            raise no_such_resource()
        return self._discovery().resource_list(group, rest[1])


def _wants_aggregated(request: Request) -> str:
    """The media type in which the caller prefers all discovery in one document; empty if it does not."""
    for clause in negotiation.parse_accept(request.headers.get("accept", "")):
        form = {"json": negotiation.JSON, "yaml": negotiation.YAML, "*": negotiation.JSON}.get(
            clause.subtype, ""
        )
        expected = {"as": "APIGroupDiscoveryList", "g": "apidiscovery.k8s.io", "v": "v2"}
        if form in negotiation.OFFERED and expected.items() <= dict(clause.parameters).items():
            return form  # at any position: the aggregated form is looked for first
    return ""


def _aggregated(request: Request, form: str, document: bytes) -> Response:
    # kubectl caches this document on disk, and revalidates it with If-None-Match.
    tag = f'"{hashlib.sha512(document).hexdigest().upper()}"'
    content_type = AGGREGATED.replace(negotiation.JSON, form)
    headers = {
        "Cache-Control": "public",
        "Content-Type": content_type,
        "Etag": tag,
        "Vary": "Accept",
    }
    if request.method == "GET" and tag in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    if form == negotiation.YAML:
        document = yaml_bytes(orjson.loads(document))
    elif negotiation.wants_pretty(request):
        document = dump_pretty(orjson.loads(document))
    return Response(200, headers, document)


def _negotiated(request: Request, document: Object) -> Response:
    if request.path.rstrip("/") != "/apis":  # go-restful does not check the media type there
        negotiation.check_route(request)
    form = negotiation.negotiate(request, transforms=())
    if form.media_type == negotiation.PROTOBUF:
        return Response(200, {"Content-Type": negotiation.PROTOBUF}, protobuf_discovery(document))
    if form.media_type == negotiation.YAML:
        return Response(200, {"Content-Type": negotiation.YAML}, yaml_bytes(document))
    body = dump_pretty(document) if form.pretty else dump(document) + b"\n"
    return Response(200, {"Content-Type": negotiation.JSON}, body)
