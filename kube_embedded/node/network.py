"""The node's side of the pod network: finds the server at an address and a port.

A pod reaches the API server (by the Service ``kubernetes`` and by the node's address), the ports
of its own and other pods' containers, by address or through a Service; there are no other servers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kube_embedded.rbac.selectors import selects

from ..container.network.transport import Listener
from ..machinery.objects import labels_of, name_of, namespace_of
from ..machinery.pods.state import port_number, ready_since
from ..machinery.request import Object, Request, Response
from .api import API_PORT

if TYPE_CHECKING:
    from .node import Node

PLAIN_TO_TLS = b"Client sent an HTTP request to an HTTPS server.\n"


class Wiring:
    """Connects the pods of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._api = node.api

    def api_listener(self) -> Listener:
        """The API server, over TLS."""
        return Listener(self._handle, "apiserver", self._node.certificates())

    def _handle(self, request: Request) -> Response:
        # The path by which curl's stand-in signals that it sent no TLS.
        if request.path == "\0":
            return Response(400, {}, PLAIN_TO_TLS)
        headers = {**request.headers, "host": f"{self._node.settings.address}:{API_PORT}"}
        # A program in a pod has no socket that could become a WebSocket.
        if headers.get("upgrade"):
            return Response(
                400,
                {"content-type": "text/plain; charset=utf-8"},
                b"the lab's pods cannot upgrade connections\n",
            )
        return self._api.handle(replace(request, headers=headers))

    def service(self, namespace: str, name: str) -> str | None:
        """Return a Service's address, empty without any pod, None if there is no such Service."""
        service = self._api.get("services", namespace, name)
        if service is None:
            return None
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            return None
        address = spec.get("clusterIP") or ""
        # The name of a headless service resolves to its pods; programs here connect to one address.
        if address == "None":
            backends = self._backends(service)
            address = str((backends[0].get("status") or {}).get("podIP", "")) if backends else ""
        return str(address)

    def _backends(self, service: Object) -> list[Object]:
        selector = service["spec"].get("selector") or {}
        if not selector:
            return []
        return [
            pod
            for pod in self._api.list("pods", namespace_of(service))
            if selects({"matchLabels": selector}, labels_of(pod)) and _serves(pod, service)
        ]

    def elsewhere(self, address: str, port: int) -> Listener | None:
        """Return the server at an address and a port outside the pod."""
        if address == self._node.settings.address and port == API_PORT:
            return self.api_listener()
        # Addresses of pods first: a service cannot take one, as their ranges differ.
        pod = self._node.at(address)
        if pod is not None:
            return reachable(pod.listeners, port)
        for service in self._api.list("services"):
            if service["spec"].get("clusterIP") == address:
                return self._through_service(service, port)
        return None

    def _through_service(self, service: Object, port: int) -> Listener | None:
        ports = [item for item in service["spec"].get("ports") or () if item["port"] == port]
        if (namespace_of(service), name_of(service)) == ("default", "kubernetes"):
            return self.api_listener() if ports or port == 443 else None
        for item in ports:
            for pod in self._backends(service):
                target = item.get("targetPort") or port
                number = port_number(target, pod, item.get("protocol", "TCP"))
                sandbox = self._node.at(pod["status"]["podIP"])
                listener = reachable(sandbox.listeners, number) if sandbox is not None else None
                if listener is not None:
                    return listener
        return None


def reachable(listeners: Mapping[int, Listener], port: int) -> Listener | None:
    """The server at a port of a pod's address; a proxy listens on the loopback alone."""
    listener = listeners.get(port)
    return listener if listener is not None and listener.server != "proxy" else None


def _serves(pod: Object, service: Object) -> bool:
    """Return whether a Service sends requests to a pod: it has an address, and is ready or need not be."""
    ready = ready_since(pod) is not None or bool(service["spec"].get("publishNotReadyAddresses"))
    return bool(pod["status"].get("podIP")) and ready
