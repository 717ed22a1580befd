"""Handlers of non-resource paths, in the order in which they are tried.

Source: k8s.io/apiserver ``pkg/server/routes``.
"""

from collections.abc import Callable, Sequence

from kube_embedded.machinery.releases import Release
from kube_embedded.machinery.request import Request, Response
from kube_embedded.machinery.status import method_not_allowed

from ...openapi.discovery import Discovery
from ...openapi.version import version_info
from ..represent.encode import dump_pretty
from ..represent.negotiation import JSON, check_route
from ..represent.responses import page_not_found
from .discovery import DiscoveryHandler
from .health import CHECKS, TEXT, health

Route = Callable[[Request], Response | None]
"""Answers a request; None if the path is not its own."""

METRICS = b"""\
# HELP kube_embedded_storage_revision [ALPHA] Number of changes that the store has seen.
# TYPE kube_embedded_storage_revision counter
kube_embedded_storage_revision %d
"""


class NonResourceHandler:
    """Handles every request that is not for a resource.

    Args:
        address: Host and port at which the server is reached, for a request.
        revision: The store's.
        release: The version of Kubernetes to answer as.
        routes: Handlers of further paths, tried in order.
        paths: Their paths, for the list at ``/``.
    """

    def __init__(
        self,
        discovery: Callable[[], Discovery],
        address: Callable[[Request], str],
        revision: Callable[[], int],
        release: Release,
        routes: Sequence[Route] = (),
        paths: Sequence[str] = (),
    ) -> None:
        self._discovery = discovery
        self._revision = revision
        self._release = release
        self._routes: tuple[Route, ...] = (
            DiscoveryHandler(discovery, address),
            health,
            *routes,
            self._other,
        )
        self._paths = paths

    def __call__(self, request: Request) -> Response:
        """Answer a request; 404, 405 or 406."""
        # Few, and each rejects by the first part of the path.
        for route in self._routes:
            response = route(request)
            if response is not None:
                return response
        return page_not_found()

    def _other(self, request: Request) -> Response | None:
        path = request.path
        if path in ("/version", "/version/"):
            if request.method != "GET":
                raise method_not_allowed()
            check_route(request, (JSON,))
            # Always indented, for every client.
            return Response(200, {"Content-Type": JSON}, dump_pretty(version_info(self._release)))
        if path in ("/", "/index.html"):
            return Response(200, {"Content-Type": JSON}, dump_pretty({"paths": self._all_paths()}))
        if path == "/metrics":
            form = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
            body = METRICS % self._revision()
            if request.method == "DELETE":  # accepted, without effect
                form = TEXT["Content-Type"]
                body = b"metrics reset\n"
            return Response(200, {"Content-Type": form}, body)
        return None

    def _all_paths(self) -> list[str]:
        discovery = self._discovery()
        paths = {"/api", "/apis", "/apis/", "/metrics", "/version", *self._paths}
        roots = {"": "/api"} | {group: f"/apis/{group}" for group in discovery.groups}
        for group, root in roots.items():
            paths |= {root, *(f"{root}/{version}" for version in discovery.versions(group))}
        for endpoint, checks in CHECKS.items():
            paths |= {f"/{endpoint}", *(f"/{endpoint}/{check}" for check in checks)}
        return sorted(paths)
