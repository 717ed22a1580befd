"""Route addresses into this process, for a page of a browser, which opens no connections.

A route is a function from the bytes of a request to the bytes of the response. Connections of ``http.client``
(``urlopen``) and of urllib3 (the official client) to its address use it; all other connections are unchanged. TLS is
imitated: a client that does not trust the cluster's CA gets no answer, and client certificates are presented.
"""

from __future__ import annotations

import errno
import http.client
import io
import ssl
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Self

from urllib3.poolmanager import pool_classes_by_scheme

from labkit.core import page

if sys.platform == "emscripten":
    # There urllib3.connection has classes that call the browser's fetch.
    from urllib3.connectionpool import HTTPConnection, HTTPSConnection
else:
    from urllib3.connection import HTTPConnection, HTTPSConnection

Route = Callable[[bytes, str], bytes]
"""Takes a request and the client's certificates (PEM, or empty), and returns the response."""

UNTRUSTED = "unable to get local issuer certificate"

FIRST_PORT = 8001
"""The first port of a server that names none, as kubectl proxy's."""


class Wire:
    """The part of a socket that HTTP needs: a buffer of sent bytes, and a function that answers them."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self.sent = bytearray()

    def sendall(self, data: bytes) -> None:
        """Add bytes to the request."""
        self.sent += data

    def makefile(self, *_mode: Any, **_options: Any) -> io.BytesIO:
        """Return the answer to the bytes sent so far."""
        sent = bytes(self.sent)
        self.sent.clear()
        return io.BytesIO(self._answer(sent))

    def close(self, *_options: Any) -> None:
        """Do nothing: a wire has no resources, timeouts or options."""

    settimeout = setsockopt = close


class Loopback:
    """Routes by address. While it is entered, ``ssl``, ``http.client`` and urllib3 are patched to follow them."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, int], tuple[Route, str]] = {}
        """By host and port: the route, and the CA certificate (PEM) that a client must trust; empty without TLS."""
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        """Patch the libraries."""
        # A context does not return the certificates it has loaded, and Pyodide's loads none: note the PEM on the way.
        trusted = partial(_noting_pem, "trusted_pem")
        self._patch(ssl.SSLContext, "load_verify_locations", trusted)
        presented = partial(_noting_pem, "presented_pem")
        self._patch(ssl.SSLContext, "load_cert_chain", presented)
        # HTTPSConnection has a connect of its own.
        self._patch(http.client.HTTPConnection, "connect", self._routed)
        self._patch(http.client.HTTPSConnection, "connect", self._routed)
        classes: dict[str, Any] = pool_classes_by_scheme
        self._undo.callback(classes.update, dict(classes))
        for scheme, connection in (("http", _PlainConnection), ("https", _SecureConnection)):
            ours = type(connection.__name__, (connection,), {"routes": self.routes})
            classes[scheme] = partial(self._pool, classes[scheme], ours)
        return self

    def __exit__(self, *_error: object) -> None:
        """Restore the libraries and forget the routes."""
        self._undo.close()
        self.routes.clear()

    def _patch(self, owner: type, name: str, wrap: Callable[[Any], Any]) -> None:
        """Replace a method by a wrapper of it until the libraries are restored."""
        own = vars(owner).get(name)
        setattr(owner, name, wrap(getattr(owner, name)))
        # An inherited method comes back when the replacement that hides it is deleted.
        if own is None:
            self._undo.callback(delattr, owner, name)
        else:
            self._undo.callback(setattr, owner, name, own)

    def serve(self, port: int, handler: type[BaseHTTPRequestHandler]) -> LoopbackServer:
        """Let a port of 127.0.0.1, or for 0 a free one, lead to a handler of HTTP requests."""
        used = {route for _, route in self.routes}
        return LoopbackServer(
            self, port or next(free for free in count(FIRST_PORT) if free not in used), handler
        )

    def _routed(self, connect: Callable[[Any], None]) -> Callable[[Any], None]:
        def connecting(connection: Any) -> None:
            if (connection.host, connection.port) in self.routes:
                route, ca = self.routes[connection.host, connection.port]
                context = getattr(connection, "_context", None)
                _check_trust(ca, context)
                connection.sock = _wire(route, getattr(context, "presented_pem", ""))
            elif page.IN_PAGE and connection.host in ("127.0.0.1", "localhost"):
                # Pyodide's sockets would wait for ever.
                raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
            else:
                connect(connection)

        return connecting

    def _pool(
        self, pool_class: Any, connection: Any, host: str, port: int | None = None, **options: Any
    ) -> Any:
        """Return a pool of urllib3, with our connections if the address has a route."""
        pool = pool_class(host, port, **options)
        if (host, port) in self.routes:
            pool.ConnectionCls = connection
        return pool


class LoopbackServer:
    """An HTTP server without a socket: its address leads to its handler.

    It has the part of ``HTTPServer`` that is needed.
    """

    def __init__(
        self, loopback: Loopback, port: int, handler: type[BaseHTTPRequestHandler]
    ) -> None:
        self.server_address = ("127.0.0.1", port)
        self._loopback = loopback
        self._handler = handler
        loopback.routes[self.server_address] = self._respond, ""

    def shutdown(self) -> None:
        """Do nothing: no thread runs between requests."""

    def server_close(self) -> None:
        """Free the address."""
        self._loopback.routes.pop(self.server_address, None)

    def _respond(self, request: bytes, _presented_pem: str) -> bytes:
        wire: Any = Wire(lambda _sent: request)
        server: Any = self
        self._handler(wire, self.server_address, server)
        return bytes(wire.sent)


def _noting_pem(attribute: str, load: Any) -> Any:
    """Wrap an SSLContext's method so that it adds the PEM it loads to an attribute of the context."""

    def loading(context: Any, *arguments: Any, **options: Any) -> None:
        load(context, *arguments, **options)
        for value in filter(None, (*arguments, *options.values())):
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            pem = text if "-----BEGIN" in text else Path(text).read_text(encoding="utf-8")
            setattr(context, attribute, f"{getattr(context, attribute, '')}{pem}\n")

    return loading


class _Routed:
    routes: ClassVar[dict[tuple[str, int], tuple[Route, str]]]
    sock: Any
    is_connected = property(lambda self: self.sock is not None)


class _PlainConnection(_Routed, HTTPConnection):
    def connect(self) -> None:
        self.sock = _wire(self.routes[self.host, self.port][0], "")


class _SecureConnection(_Routed, HTTPSConnection):
    def connect(self) -> None:
        route, ca = self.routes[self.host, self.port]
        self.is_verified = self.cert_reqs not in (ssl.CERT_NONE, "CERT_NONE", "NONE")
        files = [
            Path(name).read_text(encoding="utf-8") if name else ""
            for name in (self.ca_certs, self.cert_file)
        ]
        if self.is_verified:
            _check_trust(ca, self.ssl_context, f"{files[0]}{self.ca_cert_data!s}")
        self.sock = _wire(route, files[1] or getattr(self.ssl_context, "presented_pem", ""))


def _wire(route: Route, presented_pem: str) -> Wire:
    return Wire(lambda sent: route(sent, presented_pem))


def _check_trust(ca: str, context: ssl.SSLContext | None, trusted: str = "") -> None:
    """Raise SSLCertVerificationError, as OpenSSL does, unless the CA is trusted."""
    if context is not None and context.verify_mode == ssl.CERT_NONE:
        return
    if ca.strip() not in f"{getattr(context, 'trusted_pem', '')}{trusted}":
        error = ssl.SSLCertVerificationError(
            1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {UNTRUSTED}"
        )
        # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY of OpenSSL.
        error.verify_code = 20
        error.verify_message = UNTRUSTED
        raise error
