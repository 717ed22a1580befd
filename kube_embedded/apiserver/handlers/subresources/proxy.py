"""``services/proxy``, ``pods/proxy``, ``nodes/proxy``: requests to the cluster's network.

Servers of pods that listen in the pods' network also respond here. A request to any other address fails as a real
one does.

Source: kubernetes ``pkg/registry/core/{service,pod,node}``; k8s.io/apimachinery
``pkg/util/net`` (``SplitSchemeNamePort``), ``pkg/util/proxy``.
"""

import re
from collections.abc import Callable

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Handler, Object, Request, Response
from kube_embedded.machinery.status import ApiError, bad_request, not_found

from ...storage import Key, Store

KUBELET_PORT = 10250
PLACE = re.compile(r"(?:(|https?):(?=[^:]*:))?([^:]+)(?::([^:]*))?", re.DOTALL)
"""``name``, ``name:port`` or ``scheme:name:port``; the scheme may be empty."""

Proxy = Callable[[Request, Kind], Response]
Reach = Callable[[str, int], Handler | None]
"""(address, port) to the handler that listens there; None if nothing does."""


def proxies(
    store: Store, reach: Reach = lambda address, port: None
) -> dict[tuple[str, str, str], Proxy]:
    """The connections of the proxy subresources; ``reach`` finds the handler that listens at an address."""

    def pass_on(request: Request, scheme: str, address: str, port: int | str) -> Response:
        before = 8 if request.info.namespace else 6
        rest = "".join(f"/{path}" for path in request.path.split("/", before)[before:])
        # Relative links of a page would lead to the proxy's siblings without the slash.
        if not rest and request.method in ("GET", "HEAD"):
            _, mark, query = request.raw_uri.partition("?")
            return Response(301, {"Location": f"{request.path}/{mark}{query}"})
        listener = reach(address, int(port)) if str(port).isdecimal() else None
        where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        failed = "error trying to reach service"
        if listener is None:
            raise unavailable(f"{failed}: dial tcp {where}: connect: connection refused")
        if scheme == "https":
            # Programs in pods speak plain HTTP.
            raise unavailable(f"{failed}: tls: first record does not look like a TLS handshake")
        # A credential for the API server must not reach a pod.
        headers = {
            name: value
            for name, value in request.headers.items()
            if name != "authorization" and not name.startswith("impersonate-")
        }
        headers["host"] = where
        return listener(Request(request.method, rest or "/", request.query, headers, request.body))

    def find(kind: Kind, namespace: str, name: str, resource: str = "") -> Object:
        obj = store.get(Key(resource or kind.resource, namespace, name))
        if obj is None:
            raise not_found(kind.plural, kind.group, name)
        return obj

    def service(request: Request, kind: Kind) -> Response:
        namespace = request.info.namespace
        scheme, name, port = split(request.info.name, "service")
        if port.isdecimal():
            ports = (find(kind, namespace, name).get("spec") or {}).get("ports") or ()
            names = [row.get("name", "") for row in ports if row.get("port") == int(port)]
            if not names:
                raise unavailable(f"no service port {int(port)} found for service {go_quote(name)}")
            port = names[0]
        subsets = find(kind, namespace, name, "endpoints").get("subsets")
        for subset in subsets or ():
            targets = [row for row in subset.get("ports") or () if row.get("name", "") == port]
            for address in subset.get("addresses") or ():
                if targets and _is_of_a_pod(store, namespace, address):
                    return pass_on(request, scheme, address["ip"], targets[0].get("port", 0))
        # The real server names the service alone if none of its ports has an endpoint.
        quoted = go_quote(request.info.name if subsets else name)
        raise unavailable(f"no endpoints available for service {quoted}")

    def pod(request: Request, kind: Kind) -> Response:
        scheme, name, port = split(request.info.name, "pod")
        obj = find(kind, request.info.namespace, name)
        ip = (obj.get("status") or {}).get("podIP")
        if not ip:
            raise bad_request("address not allowed")
        target: int | str = port or (443 if scheme == "https" else 80)
        for container in [] if port else reversed((obj.get("spec") or {}).get("containers") or ()):
            for declared in (container.get("ports") or ())[:1]:
                target = declared.get("containerPort", 0)
        return pass_on(request, scheme, ip, target)

    def node(request: Request, kind: Kind) -> Response:
        scheme, name, port = split(request.info.name, "node")
        address = name
        for row in (find(kind, "", name).get("status") or {}).get("addresses") or ():
            if row.get("type") == "InternalIP":
                address = row.get("address", name)
                break
        return pass_on(request, scheme or "https", address, port or KUBELET_PORT)

    return {
        ("", "services", "proxy"): service,
        ("", "pods", "proxy"): pod,
        ("", "nodes", "proxy"): node,
    }


def _is_of_a_pod(store: Store, namespace: str, address: Object) -> bool:
    """Return whether an address of an Endpoints object belongs to the pod that it names.

    Other addresses are not proxied to, or a user could reach any host from the server.
    """
    target = address.get("targetRef") or {}
    pod: Object = {}
    if target.get("namespace") == namespace:
        pod = store.get(Key("pods", namespace, target.get("name", ""))) or {}
    ips = (pod.get("status") or {}).get("podIPs") or ()
    return any(row.get("ip") == address["ip"] for row in ips)


def split(text: str, what: str) -> tuple[str, str, str]:
    """Scheme, name and port of ``name``, ``name:port`` or ``scheme:name:port``; 400 for anything else."""
    match = PLACE.fullmatch(text)
    if match is None:
        raise bad_request(f"invalid {what} request {go_quote(text)}")
    return match[1] or "", match[2], match[3] or ""


def unavailable(message: str) -> ApiError:
    """Return a 503: there is no backend."""
    return ApiError(503, "ServiceUnavailable", message)
