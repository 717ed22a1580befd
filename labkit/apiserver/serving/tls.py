"""TLS: the server's side of it, and the certificate a client showed."""

from __future__ import annotations

import asyncio.sslproto
import hashlib
import ssl
import tempfile
from pathlib import Path
from typing import Any

from labkit.apiserver.keys import Keys
from labkit.apiserver.request import PeerCertificate

BUFFER_BYTES = 16 * 1024
"""A TLS record's size; asyncio would keep sixteen times as much for each idle watch."""

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for the handshake."""


def small_buffers() -> None:
    """Let asyncio's own event loop keep small buffers. uvloop's cost nothing until used."""
    asyncio.sslproto.SSLProtocol.max_size = BUFFER_BYTES


def tls_context(keys: Keys) -> ssl.SSLContext:
    """TLS with the cluster's certificate; client certificates of its CA are welcome.

    A client certificate of another CA ends the handshake (the real server lets it through
    and answers 401).

    Args:
        keys: The cluster's keys.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    show_certificate(context, keys)
    context.load_verify_locations(cadata=keys.ca_certificate.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def show_certificate(context: ssl.SSLContext, keys: Keys) -> None:
    """Let new connections see these keys' certificate.

    Args:
        context: The server's.
        keys: The cluster's keys.
    """
    # ssl reads keys from files only.
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        path = Path(folder) / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(keys.server_certificate + keys.server_key)
        context.load_cert_chain(path)


def peer_certificate(transport: Any) -> PeerCertificate | None:
    """The verified client certificate of a connection, if it showed one.

    Args:
        transport: An asyncio transport.
    """
    tls = transport.get_extra_info("ssl_object")
    shown = tls.getpeercert() if tls else None
    if not shown:
        return None
    subject = [pair for part in shown["subject"] for pair in part]
    name = next((value for field, value in subject if field == "commonName"), "")
    groups = tuple(value for field, value in subject if field == "organizationName")
    return PeerCertificate(name, groups, hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest())
