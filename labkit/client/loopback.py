"""Addresses that lead into this process, for a page of a browser, which opens no connections.

A route takes the bytes of a request and returns those of the response. Connections of ``http.client`` (``urlopen``)
and of urllib3 (the official client) to its address carry them; all other connections stay as they are. TLS is played
by its rules: who does not trust the cluster's CA gets no answer, and a client certificate is shown.
"""

from __future__ import annotations

import errno
import http.client
import io
import ssl
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import urllib3

from labkit.core import page

if sys.platform == "emscripten":  # where urllib3.connection has classes that call the browser's fetch
    from urllib3.connectionpool import HTTPConnection, HTTPSConnection
else:
    from urllib3.connection import HTTPConnection, HTTPSConnection

Route = Callable[[bytes, str], bytes]
"""Takes a request and the client's certificates (PEM, or empty), and returns the response."""

ROUTES: dict[tuple[str, int], tuple[Route, str]] = {}
"""By host and port: the route, and the CA certificate (PEM) that a client must trust; empty without TLS."""

UNTRUSTED = "unable to get local issuer certificate"


class Wire:
    """As much of a socket as HTTP needs: what was sent to it, and a function that answers that."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self.sent = bytearray()

    def sendall(self, data: bytes) -> None:
        """Take some bytes."""
        self.sent += data

    def makefile(self, *_mode: Any, **_rest: Any) -> io.BytesIO:
        """The answer to what was sent so far."""
        sent = bytes(self.sent)
        self.sent.clear()
        return io.BytesIO(self._answer(sent))

    def close(self, *_given: Any) -> None:
        """Nothing is open, takes time or has options."""

    settimeout = setsockopt = close


def lead(host: str, port: int, route: Route, ca: str = "") -> None:
    """Let an address lead to a route from now on, in this process."""
    _install()
    ROUTES[host, port] = route, ca


@cache
def _install() -> None:
    contexts: Any = ssl.SSLContext
    contexts.load_verify_locations = _remembering(contexts.load_verify_locations, "trusted_pem")
    contexts.load_cert_chain = _remembering(contexts.load_cert_chain, "shown_pem")
    plain: Any
    for plain in (http.client.HTTPConnection, http.client.HTTPSConnection):
        plain.connect = _routed(plain.connect)
    pools: Any = urllib3.poolmanager.pool_classes_by_scheme
    pools["http"] = partial(_pool, urllib3.HTTPConnectionPool, _Plain)
    pools["https"] = partial(_pool, urllib3.HTTPSConnectionPool, _Secure)


def _remembering(load: Any, name: str) -> Any:
    """An SSLContext's method that remembers the PEM it loads: no context gives it back, and a page's holds nothing."""

    def loading(context: Any, *given: Any, **named: Any) -> None:
        load(context, *given, **named)
        for value in filter(None, (*given, *named.values())):
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            pem = text if "-----BEGIN" in text else Path(text).read_text(encoding="utf-8")
            setattr(context, name, f"{getattr(context, name, '')}{pem}\n")

    return loading


def _routed(connect: Callable[[Any], None]) -> Callable[[Any], None]:
    def connecting(connection: Any) -> None:
        found = ROUTES.get((connection.host, connection.port))
        if found is not None:
            context = getattr(connection, "_context", None)
            _check_trust(found[1], context)
            connection.sock = _wire(found[0], getattr(context, "shown_pem", ""))
        elif page.IN_PAGE and connection.host in ("127.0.0.1", "localhost"):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")  # a page would wait for ever
        else:
            connect(connection)

    return connecting


def _pool(pool: Any, connection: Any, host: str, port: int | None = None, **options: Any) -> Any:
    """One of urllib3's pools, with our connections where the address leads here."""
    made = pool(host, port, **options)
    if (host, port) in ROUTES:
        made.ConnectionCls = connection
    return made


class _Plain(HTTPConnection):
    sock: Any
    is_connected = property(lambda self: self.sock is not None)

    def connect(self) -> None:
        self.sock = _wire(ROUTES[self.host, self.port][0], "")


class _Secure(HTTPSConnection):
    sock: Any
    is_connected = property(lambda self: self.sock is not None)

    def connect(self) -> None:
        route, ca = ROUTES[self.host, self.port]
        self.is_verified = self.cert_reqs not in (ssl.CERT_NONE, "CERT_NONE", "NONE")
        files = [Path(name).read_text(encoding="utf-8") if name else "" for name in (self.ca_certs, self.cert_file)]
        if self.is_verified:
            _check_trust(ca, self.ssl_context, f"{files[0]}{self.ca_cert_data!s}")
        self.sock = _wire(route, files[1] or getattr(self.ssl_context, "shown_pem", ""))


def _wire(route: Route, shown: str) -> Wire:
    return Wire(lambda sent: route(sent, shown))


def _check_trust(ca: str, context: ssl.SSLContext | None, trusted: str = "") -> None:
    """Raise SSLCertVerificationError, as OpenSSL does, unless the CA is trusted."""
    if context is not None and context.verify_mode == ssl.CERT_NONE:
        return
    if ca.strip() not in f"{getattr(context, 'trusted_pem', '')}{trusted}":
        error = ssl.SSLCertVerificationError(
            1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {UNTRUSTED}"
        )
        error.verify_code, error.verify_message = 20, UNTRUSTED
        raise error
