"""Paths that are no resources: the roots, discovery, version, health, snapshots.

Source: k8s.io/apiserver ``pkg/server/routes``, ``pkg/endpoints/discovery``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from labkit.embedded.apiserver.handlers.nonresource.health import CHECKS, health
from labkit.embedded.apiserver.handlers.represent.encode import dump, dump_pretty, protobuf_discovery, yaml_bytes
from labkit.embedded.apiserver.handlers.represent.negotiation import (
    JSON,
    PROTOBUF,
    YAML,
    check_route,
    negotiate,
    parse_accept,
    wants_pretty,
)
from labkit.embedded.apiserver.handlers.routing.resources import page_not_found
from labkit.embedded.apiserver.openapi.discovery import AGGREGATED, Discovery, etag
from labkit.embedded.apiserver.openapi.version import version_info
from labkit.embedded.machinery.request import Object, Request, Response
from labkit.embedded.machinery.status import method_not_allowed, no_such_resource

Route = Callable[[Request], Response | None]
"""Answers a request, or says by None that the path is not its own."""

METRICS = b"""\
# HELP labkit_storage_revision [ALPHA] Number of changes that the store has seen.
# TYPE labkit_storage_revision counter
labkit_storage_revision %d
"""


class NonResourceHandler:
    """Every request that is not for a resource.

    Args:
        discovery: What is served.
        address: Host and port at which the server is reached, for a request.
        revision: The store's.
        routes: Further paths, asked in order: OpenID documents, OpenAPI, snapshots.
        paths: The paths of these, for the list at ``/``.
    """

    def __init__(
        self,
        discovery: Discovery,
        address: Callable[[Request], str],
        revision: Callable[[], int],
        routes: Sequence[Route] = (),
        paths: Sequence[str] = (),
    ) -> None:
        self._discovery = discovery
        self._address = address
        self._revision = revision
        self._routes = (self._discovered, health, *routes, self._other)
        self._paths = paths

    def __call__(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            ApiError: 404, 405 or 406.
        """
        for route in self._routes:
            response = route(request)
            if response is not None:
                return response
        return page_not_found()

    def _discovered(self, request: Request) -> Response | None:
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
            raise method_not_allowed()  # what is said of groups is said whatever the method
        return document if isinstance(document, Response) else _negotiated(request, document)

    def _core(self, request: Request, rest: Sequence[str]) -> Object | Response:
        if not rest:
            if request.method == "GET":
                check_route(request)
            form = wants_aggregated(request)
            if form:
                return _aggregated(request, form, self._discovery.aggregated_core)
            return self._discovery.core_versions(self._address(request))
        if rest[0] not in self._discovery.versions(""):
            raise no_such_resource()
        return self._discovery.resource_list("", rest[0])

    def _groups(self, request: Request, rest: Sequence[str]) -> Object | Response | None:
        if not rest:
            form = wants_aggregated(request)
            if form:
                return _aggregated(request, form, self._discovery.aggregated_groups)
            return self._discovery.group_list()
        group = rest[0]
        versions = self._discovery.versions(group) if group else ()
        if not versions:
            return None
        if len(rest) == 1:
            return {"kind": "APIGroup", "apiVersion": "v1", **self._discovery.group(group)}
        if rest[1] not in versions:
            raise no_such_resource()
        return self._discovery.resource_list(group, rest[1])

    def _other(self, request: Request) -> Response | None:
        path = request.path
        if path == "/version" or path == "/version/":
            if request.method != "GET":
                raise method_not_allowed()
            check_route(request, (JSON,))
            # Always indented, whoever asks.
            return Response(200, {"Content-Type": JSON}, dump_pretty(version_info()))
        if path in ("/", "/index.html"):
            return Response(200, {"Content-Type": JSON}, dump_pretty({"paths": self._all_paths()}))
        if path == "/metrics":
            if request.method == "DELETE":  # of what it counts, nothing is ever reset
                return Response(200, {"Content-Type": "text/plain; charset=utf-8"}, b"metrics reset\n")
            headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"}
            return Response(200, headers, METRICS % self._revision())
        return None

    def _all_paths(self) -> list[str]:
        paths = {"/api", "/apis", "/apis/", "/metrics", "/version", *self._paths}
        paths |= {f"/api/{version}" for version in self._discovery.versions("")}
        for group in self._discovery.groups:
            paths.add(f"/apis/{group}")
            paths |= {f"/apis/{group}/{version}" for version in self._discovery.versions(group)}
        for endpoint, checks in CHECKS.items():
            paths.add(f"/{endpoint}")
            paths |= {f"/{endpoint}/{check}" for check in checks}
        return sorted(paths)


def wants_aggregated(request: Request) -> str:
    """In which media type the caller would rather have all discovery in one document; empty if not at all."""
    for clause in parse_accept(request.headers.get("accept", "")):
        form = {"json": JSON, "yaml": YAML, "*": JSON}.get(clause.subtype, "")
        wanted = {"as": "APIGroupDiscoveryList", "g": "apidiscovery.k8s.io", "v": "v2"}
        if form and wanted.items() <= dict(clause.parameters).items():
            return form  # wherever it stands: it is looked for first
    return ""


def _aggregated(request: Request, form: str, document: bytes) -> Response:
    tag = etag(document)
    content_type = AGGREGATED.replace(JSON, form)
    headers = {"Cache-Control": "public", "Content-Type": content_type, "Etag": tag, "Vary": "Accept"}
    if request.method == "GET" and tag in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    if form == YAML:
        document = yaml_bytes(orjson.loads(document))
    elif wants_pretty(request):
        document = dump_pretty(orjson.loads(document))
    return Response(200, headers, document)


def _negotiated(request: Request, document: Object) -> Response:
    if request.path.rstrip("/") != "/apis":  # which is no route
        check_route(request)
    form = negotiate(request, transforms=())
    if form.media_type == PROTOBUF:
        return Response(200, {"Content-Type": PROTOBUF}, protobuf_discovery(document))
    if form.media_type == YAML:
        return Response(200, {"Content-Type": YAML}, yaml_bytes(document))
    body = dump_pretty(document) if form.pretty else dump(document) + b"\n"
    return Response(200, {"Content-Type": JSON}, body)
