"""``services/proxy``, ``pods/proxy``, ``nodes/proxy``: requests to the cluster's network.

What a pod serves in the pods' own network, it serves here too. Elsewhere a request fails as a real one does.

Source: kubernetes ``pkg/registry/core/{service,pod,node}``; k8s.io/apimachinery
``pkg/util/net`` (``SplitSchemeNamePort``), ``pkg/util/proxy``.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.apiserver.storage import Key, Store
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Handler, Object, Request, Response
from labkit.embedded.machinery.status import ApiError, bad_request, not_found

KUBELET_PORT = 10250
SCHEMES = ("", "http", "https")

Proxy = Callable[[Request, Kind], Response]
Reach = Callable[[str, int], Handler | None]
"""(address, port) to the handler that listens there; None if nothing does."""


def proxies(
    store: Store, reach: Reach = lambda address, port: None
) -> dict[tuple[str, str, str], Proxy]:
    """The connections of the proxy subresources; ``reach`` finds the handler that listens at an address."""

    def passed_on(request: Request, scheme: str, address: str, port: int | str) -> Response:
        before = 8 if request.info.namespace else 6
        rest = "".join(f"/{path}" for path in request.path.split("/", before)[before:])
        if not rest and request.method in ("GET", "HEAD"):
            _, mark, query = request.raw_uri.partition("?")
            return Response(301, {"Location": f"{request.path}/{mark}{query}"})
        listener = reach(address, int(port)) if str(port).isdecimal() else None
        if listener is None:
            raise unreachable(address, port)
        if scheme == "https":
            raise unavailable(
                "error trying to reach service: tls: first record does not look like a TLS handshake"
            )
        where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        headers = {
            name: value for name, value in request.headers.items() if not _is_a_credential(name)
        }
        return listener(
            Request(
                request.method, rest or "/", request.query, {**headers, "host": where}, request.body
            )
        )

    def found(kind: Kind, namespace: str, name: str) -> Object:
        obj = store.get(Key(kind.resource, namespace, name))
        if obj is None:
            raise not_found(kind.plural, kind.group, name)
        return obj

    def service(request: Request, kind: Kind) -> Response:
        info = request.info
        scheme, name, port = split(info.name, "service")
        if port.isdecimal():
            ports = (found(kind, info.namespace, name).get("spec") or {}).get("ports") or ()
            names = [each.get("name", "") for each in ports if each.get("port") == int(port)]
            if not names:
                raise unavailable(f"no service port {int(port)} found for service {go_quote(name)}")
            port = names[0]
        endpoints = store.get(Key("endpoints", info.namespace, name))
        if endpoints is None:
            raise not_found(kind.plural, kind.group, name)
        subsets = endpoints.get("subsets")
        if not subsets:
            raise unavailable(f"no endpoints available for service {go_quote(name)}")
        for subset in subsets:
            targets = [each for each in subset.get("ports") or () if each.get("name", "") == port]
            for address in subset.get("addresses") or ():
                if targets and _is_of_a_pod(store, info.namespace, address):
                    return passed_on(request, scheme, address["ip"], targets[0].get("port", 0))
        raise unavailable(f"no endpoints available for service {go_quote(info.name)}")

    def pod(request: Request, kind: Kind) -> Response:
        info = request.info
        scheme, name, port = split(info.name, "pod")
        obj = found(kind, info.namespace, name)
        ip = (obj.get("status") or {}).get("podIP")
        if not ip:
            raise bad_request("address not allowed")
        declared = [
            each.get("containerPort", 0)
            for container in (obj.get("spec") or {}).get("containers") or ()
            for each in container.get("ports") or ()
        ]
        return passed_on(
            request,
            scheme,
            ip,
            port or (declared[0] if declared else 443 if scheme == "https" else 80),
        )

    def node(request: Request, kind: Kind) -> Response:
        scheme, name, port = split(request.info.name, "node")
        addresses = (found(kind, "", name).get("status") or {}).get("addresses") or ()
        ip = next(
            (each.get("address", name) for each in addresses if each.get("type") == "InternalIP"),
            name,
        )
        return passed_on(request, scheme or "https", ip, port or KUBELET_PORT)

    return {
        ("", "services", "proxy"): service,
        ("", "pods", "proxy"): pod,
        ("", "nodes", "proxy"): node,
    }


def _is_a_credential(header: str) -> bool:
    """Whether a header is a credential for the API server."""
    return header == "authorization" or header.startswith("impersonate-")


def _is_of_a_pod(store: Store, namespace: str, address: Object) -> bool:
    """Whether an address of an Endpoints object belongs to the pod that it names; others are not proxied to."""
    target = address.get("targetRef") or {}
    if target.get("namespace") != namespace:
        return False
    pod: Object = store.get(Key("pods", namespace, target.get("name", ""))) or {}
    ips = (pod.get("status") or {}).get("podIPs") or ()
    return any(each.get("ip") == address["ip"] for each in ips)


def split(text: str, what: str) -> tuple[str, str, str]:
    """Scheme, name and port of ``name``, ``name:port`` or ``scheme:name:port``; 400 for anything else."""
    parts = text.split(":")
    if len(parts) == 1:
        return "", text, ""
    scheme, name, port = (
        parts if len(parts) == 3 else ("", *parts) if len(parts) == 2 else ("?", "", "")
    )
    if not name or scheme not in SCHEMES:
        raise bad_request(f"invalid {what} request {go_quote(text)}")
    return scheme, name, port


def unavailable(message: str) -> ApiError:
    """503: there is no backend."""
    return ApiError(503, "ServiceUnavailable", message)


def unreachable(address: str, port: int | str) -> ApiError:
    """503: nothing listens at an address."""
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return unavailable(
        f"error trying to reach service: dial tcp {where}: connect: connection refused"
    )
