"""TLS: the server's context and the handshake.

Every client certificate is accepted if the client has its key, as with Go's ``tls.RequestClientCert``;
authentication verifies it. Python's ``ssl`` can neither do that nor name the accepted CAs, so this
uses pyOpenSSL.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from OpenSSL import SSL, crypto

from ...machinery.pki.keys import Keys
from ...machinery.request import ShownCertificate

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

Reading = Callable[[], AbstractContextManager[None]]
"""Surrounds whatever reads from clients; it raises ``ConnectionError`` where they have cost enough."""

HTTP = b"http/1.1"


@lru_cache(8)  # a grader's clusters share their keys
def tls_context(keys: Keys) -> SSL.Context:
    """Make a context with the cluster's certificate that requests client certificates of its CA."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate(load_pem_x509_certificate(keys.server_certificate))
    context.use_privatekey(
        cast("EllipticCurvePrivateKey", load_pem_private_key(keys.server_key, None))
    )
    context.add_client_ca(load_pem_x509_certificate(keys.ca_certificate))
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.set_alpn_select_callback(
        lambda _, offered: HTTP if HTTP in offered else SSL.NO_OVERLAPPING_PROTOCOLS
    )
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # No session is resumed: it would have the client's certificate without its chain.
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


async def handshake(
    context: SSL.Context, connection: socket.socket, surround: Reading = nullcontext
) -> SSL.Connection:
    """Do the handshake with a client on a non-blocking socket; ``SSL.Error`` if it fails."""
    loop = asyncio.get_running_loop()
    tls = SSL.Connection(context, connection)
    tls.set_accept_state()
    while True:
        try:
            with surround():
                tls.do_handshake()
        # OpenSSL must not be called again before the socket is ready: it would only report the same.
        except SSL.WantReadError:
            await until(loop.add_reader, loop.remove_reader, connection)
        except SSL.WantWriteError:
            await until(loop.add_writer, loop.remove_writer, connection)
        else:
            return tls


async def until(
    add: Callable[..., None], remove: Callable[..., object], connection: socket.socket
) -> None:
    """Wait until a socket can be read or written: with the loop's ``add_reader`` and ``remove_reader``, for example."""
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    descriptor = connection.fileno()  # the socket can be closed while this waits
    add(descriptor, _resolve, ready)
    try:
        await ready
    finally:
        remove(descriptor)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def shown_certificate(tls: SSL.Connection) -> ShownCertificate | None:
    """The certificate that the client sent in the handshake; None if it sent none."""
    own = tls.get_peer_certificate()
    if own is None:
        return None
    chain = (own, *(tls.get_peer_cert_chain() or ()))
    return ShownCertificate(
        tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in chain)
    )
