"""The pods' network: names, addresses, ports, and the API server behind one of them.

No socket is opened. A connection is a callable from a request to a response.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...machinery.request import Handler

_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


@dataclass(frozen=True, slots=True)
class Listener:
    """Something that listens, such as ``apiserver`` or ``nginx``.

    Its certificates are the chain that it serves over TLS, in PEM, leaf first; empty for plain HTTP.
    """

    handle: Handler
    server: str
    certificates: bytes = b""


class PodNetwork:
    """The network as one container sees it.

    Args:
        address: The pod's address.
        namespace: The pod's namespace, first in the search path of names.
        hosts: Names of ``/etc/hosts``.
        service: Looks up a Service by namespace and name: its cluster IP; a pod's address for a headless one, empty
            without any pod.
        listeners: The servers of the pod's own containers, by port.
        elsewhere: Finds the server at an address and a port outside the pod.
    """

    def __init__(
        self,
        address: str,
        namespace: str,
        hosts: Mapping[str, str],
        service: Callable[[str, str], str | None],
        listeners: Mapping[int, Listener],
        elsewhere: Callable[[str, int], Listener | None],
    ) -> None:
        self.address = address
        self._namespace = namespace
        self._hosts = hosts
        self._service = service
        self._listeners = listeners
        self._elsewhere = elsewhere

    def resolve(self, host: str) -> str | None:
        """Return a name's address, or None if it does not exist."""
        host = host.lower().rstrip(".")
        if _IPV4.fullmatch(host):
            return host if all(int(part) < 256 for part in host.split(".")) else None
        if host in ("::1", "[::1]", "localhost", "ip6-localhost", "ip6-loopback"):
            return "127.0.0.1"
        if host in self._hosts:
            return self._hosts[host]
        service = self._find(host)
        return (service[1] or None) if service is not None else None

    def canonical(self, host: str) -> str:
        """Return a name in full, as in a DNS record."""
        service = self._find(host.lower().rstrip("."))
        return f"{service[0]}.svc.cluster.local" if service is not None else host

    def _find(self, host: str) -> tuple[str, str] | None:
        """Search as the resolver does: ``NAMESPACE.svc.cluster.local``, ``svc.cluster.local``, ``cluster.local``."""
        parts = host.split(".")
        # The search path does not have `local` alone.
        if not all(parts) or len(host) > 253 or len(parts) == 4:
            return None
        search = (self._namespace, "svc", "cluster", "local")
        labels = [*parts, *search[len(parts) - 1 :]]
        if labels[2:] != ["svc", "cluster", "local"]:
            return None
        service = self._service(labels[1], labels[0])
        return (f"{labels[0]}.{labels[1]}", service) if service is not None else None

    def connect(self, address: str, port: int) -> Listener | None:
        """The server at an address and a port, or None if the connection is refused."""
        if address.startswith("127.") or address in (self.address, "0.0.0.0"):
            listener = self._listeners.get(port)
            # `kubectl proxy` listens on 127.0.0.1 only, unless --address names another.
            if listener is not None and listener.server == "proxy" and address == self.address:
                return None
            return listener
        return self._elsewhere(address, port)
