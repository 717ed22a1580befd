"""The handshake: what is asked of a client, what it may show, and that nobody gets another's name."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import Mock

import pytest
from OpenSSL import SSL

from kube_embedded.apiserver.serving import listener
from kube_embedded.apiserver.serving.address import listen
from kube_embedded.apiserver.serving.tls import tls_context
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Response, ShownCertificate
from kube_embedded.tests.support.certificates import SERVER, Identity, authority_of, root
from kube_embedded.tests.support.until import SECONDS
from kube_embedded.tests.support.wire import Local, connect, read_all, serving

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def local(keys: Keys) -> Iterator[Local]:
    """A server that answers everybody."""
    with serving(keys, lambda request: Response(200, {}, b"hi")) as local:
        yield local


def context(
    keys: Keys, version: ssl.TLSVersion | None = None, identity: Path | None = None
) -> ssl.SSLContext:
    """A client's TLS."""
    made = ssl.create_default_context(cadata=keys.ca_certificate.decode())
    made.set_alpn_protocols(["h2", "http/1.1"])
    if version is not None:
        made.minimum_version = made.maximum_version = version
    if identity is not None:
        made.load_cert_chain(identity)
    return made


class Asked(NamedTuple):
    """A request's answer, and the session of its connection."""

    said: bytes
    session: ssl.SSLSession | None
    resumed: bool | None


def ask(local: Local, tls: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Asked:
    """Make one request on a connection of its own."""
    raw = socket.create_connection(("127.0.0.1", local.port), timeout=SECONDS)
    with tls.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as connection:
        connection.sendall(REQUEST)
        return Asked(read_all(connection), connection.session, connection.session_reused)


def shown(local: Local) -> tuple[bytes, ...] | None:
    """What the last client showed."""
    certificate = local.cluster.seen[-1].certificate
    assert certificate is None or isinstance(certificate, ShownCertificate)
    return certificate.chain if certificate is not None else None


@pytest.mark.parametrize("version", VERSIONS)
def test_any_certificate_is_let_in(
    local: Local, keys: Keys, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    ours = authority_of(keys)
    identities: list[Identity] = [
        ours.issue(),
        ours.issue(days=(-2, -1)),
        ours.issue(days=(1, 2)),
        ours.issue(usages=SERVER),
        ours.authority("a").authority("b").issue(),
        root().issue(),
        root().authority().issue(),
        root(),
    ]
    for identity in identities:
        asked = ask(local, context(keys, version, identity.written(tmp_path / "identity.pem")))
        assert asked.said.startswith(b"HTTP/1.1 200 OK\r\n")
        # OpenSSL sends an authority along that it trusts itself.
        assert (shown(local) or ())[: len(identity.chain)] == identity.chain


@pytest.mark.parametrize("version", VERSIONS)
def test_who_shows_none_shows_none(local: Local, keys: Keys, version: ssl.TLSVersion) -> None:
    assert ask(local, context(keys, version)).said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert shown(local) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_gives_nobody_anothers_name(
    local: Local, keys: Keys, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """A client that offers an earlier session is asked again who it is."""
    alice, bob = (authority_of(keys).authority().issue(name) for name in ("alice", "bob"))
    earlier = context(keys, version, alice.written(tmp_path / "alice.pem"))
    first = ask(local, earlier)
    assert first.session is not None
    again = ask(local, earlier, first.session)
    assert again.said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (again.resumed, shown(local)) == (False, alice.chain)
    # The same session, and a context that now has somebody else's certificate, or none.
    earlier.load_cert_chain(bob.written(tmp_path / "bob.pem"))
    ask(local, earlier, first.session)
    assert shown(local) == bob.chain
    ask(local, context(keys, version))
    assert shown(local) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_versions_and_protocol(local: Local, keys: Keys, version: ssl.TLSVersion) -> None:
    raw = socket.create_connection(("127.0.0.1", local.port), timeout=SECONDS)
    with context(keys, version).wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        assert connection.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_who_speaks_no_protocol_of_ours_may_still_try(local: Local, keys: Keys) -> None:
    for offered in ([], ["h2"]):
        tls = context(keys)
        tls.set_alpn_protocols(offered)
        assert ask(local, tls).said.startswith(b"HTTP/1.1 200 OK\r\n")


def client(local: Local, *versions: int) -> SSL.Connection:
    """A client with more freedom than Python's own."""
    tls = SSL.Context(SSL.TLS_CLIENT_METHOD)
    tls.set_cipher_list(b"ALL:@SECLEVEL=0")
    for limit, version in zip(
        (tls.set_min_proto_version, tls.set_max_proto_version), versions, strict=False
    ):
        limit(version)
    raw = socket.create_connection(("127.0.0.1", local.port))
    connection = SSL.Connection(tls, raw)
    connection.set_connect_state()
    return connection


def test_older_versions_are_refused(local: Local) -> None:
    connection = client(local, SSL.TLS1_VERSION, SSL.TLS1_1_VERSION)
    with pytest.raises(SSL.Error):
        connection.do_handshake()
    connection.close()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_the_authority_is_named(local: Local, keys: Keys, version: int) -> None:
    connection = client(local, version, version)
    connection.do_handshake()
    assert [name.CN for name in connection.get_client_ca_list()] == ["kubernetes"]
    connection.close()


def test_nothing_is_negotiated_twice(local: Local) -> None:
    connection = client(local, SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)
    connection.do_handshake()
    connection.renegotiate()
    with pytest.raises(SSL.Error, match="no renegotiation"):
        connection.do_handshake()
    connection.close()


@pytest.mark.parametrize(
    "begun", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 40]
)
def test_a_slow_handshake_is_cut(keys: Keys, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", 0.3)
    with (
        serving(keys, lambda request: Response(200)) as local,
        socket.create_connection(("127.0.0.1", local.port), timeout=SECONDS) as slow,
    ):
        slow.sendall(begun)
        with contextlib.suppress(ConnectionResetError):
            assert slow.recv(100) == b""
        assert ask(local, context(keys)).said.startswith(b"HTTP/1.1 200 OK\r\n")


def test_many_that_do_not_finish_hold_nobody_up(local: Local, keys: Keys) -> None:
    waiting = [socket.create_connection(("127.0.0.1", local.port)) for _ in range(200)]
    for number, connection in enumerate(waiting):
        connection.sendall(b"\x16\x03\x01"[: number % 4])
    begun = time.monotonic()
    assert ask(local, context(keys)).said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert time.monotonic() - begun < 9  # less than a handshake may take
    for connection in waiting:
        connection.close()
    with connect(local.port, keys.ca_certificate) as one:
        one.sendall(REQUEST)
        assert read_all(one).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_handshake_that_is_cancelled_before_it_begins_closes_its_connection(keys: Keys) -> None:
    class Ended(set[asyncio.Task[None]]):
        def add(self, task: asyncio.Task[None]) -> None:
            super().add(task)
            task.cancel()

    async def closed_by(listening: socket.socket) -> bytes:
        accepts = listener.Listener(listening, Mock(connections=[]), tls_context(keys))
        accepts._greeting = Ended()
        accepting = asyncio.create_task(accepts.run())
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        data = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        accepting.cancel()
        await accepts.close()
        return data

    with listen(0) as listening:
        assert asyncio.run(closed_by(listening)) == b""
    gc.collect()


@pytest.mark.parametrize("turns", range(5))
def test_a_listener_that_is_cancelled_leaves_no_connection_open(keys: Keys, turns: int) -> None:
    """Whichever turn of the loop the connection comes in; one that were left would fail the test as it is collected."""

    async def cancelled(listening: socket.socket) -> bool:
        accepts = listener.Listener(listening, Mock(connections=[]), tls_context(keys))
        accepting = asyncio.create_task(accepts.run())
        await asyncio.sleep(0)
        with socket.create_connection(listening.getsockname()):
            for _ in range(turns):
                await asyncio.sleep(0)
            accepting.cancel()
            await asyncio.wait([accepting])
            await accepts.close()
        return accepting.cancelled()

    with listen(0) as listening:
        assert asyncio.run(cancelled(listening))
    gc.collect()
