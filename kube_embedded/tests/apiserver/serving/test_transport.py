"""TLS as a transport: what comes, what goes, who waits for whom, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from OpenSSL import SSL

from kube_embedded.apiserver.serving import transport as transport_module
from kube_embedded.apiserver.serving.tls import handshake, tls_context
from kube_embedded.apiserver.serving.transport import HIGH_BYTES, TlsTransport
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Request, Response
from kube_embedded.tests.support.until import SECONDS
from kube_embedded.tests.support.wire import Loop, connect, read_all, serving

BIG = bytes(range(256)) * 65536  # 16 MiB, more than the system keeps on the way


class Talker(asyncio.Protocol):
    """Notes what happens to it."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.events: list[str] = []
        self.lost = threading.Event()
        self.on_data: Callable[[bytes], None] = lambda data: None

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.got += data
        self.on_data(data)

    def eof_received(self) -> None:
        """Note it."""
        self.events.append("eof")

    def pause_writing(self) -> None:
        """Note it."""
        self.events.append("pause")

    def resume_writing(self) -> None:
        """Note it."""
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.events.append("lost")
        self.lost.set()


@dataclass
class Pair:
    """Both ends of a connection."""

    loop: Loop
    transport: TlsTransport
    protocol: Talker
    client: ssl.SSLSocket

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something on the server's loop."""
        return self.loop.call(function, *arguments)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""

        async def wait() -> None:
            while not condition():
                await asyncio.sleep(0.01)

        self.loop.run(wait())


@pytest.fixture
def pair(keys: Keys) -> Iterator[Pair]:
    """A connection over loopback."""
    loop = Loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        raw = socket.create_connection(listening.getsockname(), timeout=SECONDS)
        accepted, _ = listening.accept()
    accepted.setblocking(False)
    protocol = Talker()

    async def serve() -> TlsTransport:
        return TlsTransport(accepted, await handshake(tls_context(keys), accepted), protocol)

    shaking = threading.Thread(target=lambda: made.append(loop.run(serve())))
    made: list[TlsTransport] = []
    shaking.start()
    context = ssl.create_default_context(cadata=keys.ca_certificate.decode())
    client = context.wrap_socket(raw, server_hostname="127.0.0.1")
    shaking.join()
    yield Pair(loop, made[0], protocol, client)
    client.close()
    loop.call(made[0].abort)
    protocol.lost.wait(10)
    loop.close()


def test_both_ways(pair: Pair) -> None:
    pair.protocol.on_data = lambda data: pair.transport.write(data.upper())
    for text in (b"a", b"bc" * 1000, b"d" * 16384, b"e" * 50_000):
        pair.client.sendall(text)
        said = b""
        while len(said) < len(text):
            said += pair.client.recv(65536)
        assert said == text.upper()


def test_much_comes_whole(pair: Pair) -> None:
    pair.client.sendall(BIG)
    pair.until(lambda: len(pair.protocol.got) == len(BIG))
    assert pair.protocol.got == BIG


def test_a_writer_waits_for_a_slow_reader(pair: Pair) -> None:
    pair.call(pair.transport.write, BIG)
    assert pair.protocol.events == ["pause"]
    assert pair.call(pair.transport.get_write_buffer_size) > HIGH_BYTES
    pair.call(pair.transport.write, b"the end")
    said = bytearray()
    while len(said) < len(BIG) + 7:
        said += pair.client.recv(1 << 20)
    assert said == BIG + b"the end"
    pair.until(lambda: pair.protocol.events == ["pause", "resume"])
    assert pair.call(pair.transport.get_write_buffer_size) == 0


def test_pieces_are_sent_as_one(pair: Pair) -> None:
    pair.call(pair.transport.writelines, [b"a", b"", b"b"])
    assert pair.client.recv(10) == b"ab"


def test_a_reader_that_pauses_is_sent_nothing(pair: Pair) -> None:
    pair.call(pair.transport.pause_reading)
    pair.client.sendall(b"later")
    assert pair.call(bytes, pair.protocol.got) == b""
    pair.call(pair.transport.resume_reading)
    pair.until(lambda: pair.protocol.got == b"later")


def test_a_reader_may_pause_in_the_midst(pair: Pair) -> None:
    pair.protocol.on_data = lambda data: pair.transport.pause_reading()
    pair.client.sendall(BIG[:40_000])
    for so_far in (16384, 32768, 40_000):

        def is_there(size: int = so_far) -> bool:
            return len(pair.protocol.got) >= size

        pair.until(is_there)
        assert len(pair.protocol.got) == so_far
        pair.call(pair.transport.resume_reading)


def test_the_end_is_told_and_everything_before_it_sent(pair: Pair) -> None:
    pair.call(pair.transport.write, BIG)
    pair.call(pair.transport.close)
    assert pair.transport.is_closing()
    pair.call(pair.transport.write, b"too late")
    pair.client.sendall(b"too late as well")
    assert read_all(pair.client) == BIG  # and then a goodbye: without it, this would be an error
    pair.client.close()
    assert pair.protocol.lost.wait(10)
    assert pair.protocol.got == b""
    assert pair.protocol.events[-1] == "lost"


def test_a_goodbye_is_no_error_for_the_client(pair: Pair) -> None:
    pair.call(pair.transport.close)
    assert pair.client.recv(1) == b""


def test_who_does_not_hang_up_is_cut_off(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "SHUTDOWN_SECONDS", 0.2)
    pair.call(pair.transport.write, BIG)
    pair.call(pair.transport.close)
    assert pair.protocol.lost.wait(10)


@pytest.mark.parametrize("politely", [True, False])
def test_a_client_that_leaves(pair: Pair, politely: bool) -> None:
    if politely:
        with contextlib.suppress(ssl.SSLError, OSError):
            pair.client.unwrap()
    pair.client.close()
    assert pair.protocol.lost.wait(10)
    assert pair.protocol.events == ["eof", "lost"]


def test_a_client_that_breaks_off(pair: Pair) -> None:
    pair.call(pair.transport.write, BIG)
    pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.client.close()
    assert pair.protocol.lost.wait(10)
    pair.call(pair.transport.write, b"nobody reads this")
    pair.call(pair.transport.close)
    assert pair.protocol.events.count("lost") == 1


def test_what_is_no_tls_ends_it(pair: Pair) -> None:
    with socket.socket(fileno=pair.client.detach()) as raw:
        raw.sendall(b"\x17\x03\x03\x00\x10" + b"x" * 16)
        assert pair.protocol.lost.wait(10)
    assert pair.protocol.events == ["lost"]


def test_a_protocol_that_fails_loses_its_connection(pair: Pair) -> None:
    told: list[dict[str, Any]] = []
    pair.call(
        lambda: asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: told.append(context)
        )
    )

    def fail(data: bytes) -> None:
        raise RuntimeError("boom")

    pair.protocol.on_data = fail
    pair.client.sendall(b"x")
    assert pair.protocol.lost.wait(10)
    assert [str(context["exception"]) for context in told] == ["boom"]


def test_who_is_at_the_other_end(pair: Pair) -> None:
    assert pair.transport.get_extra_info("peername") == pair.client.getsockname()
    assert pair.transport.get_extra_info("sockname") == pair.client.getpeername()
    assert pair.transport.get_extra_info("client_certificate") is None
    assert pair.transport.get_extra_info("nonsense", 1) == 1


def test_a_server_that_stops_leaves_no_connection(keys: Keys) -> None:
    def answer(request: Request) -> Response:
        return Response(200, {}, BIG)

    with serving(keys, answer) as local:
        waiting = [connect(local.port, keys.ca_certificate) for _ in range(5)]
        for connection in waiting[:3]:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(1)
    for connection in waiting:
        with contextlib.suppress(OSError):
            while connection.recv(1 << 20):
                pass
        connection.close()


class Blocked:
    """TLS whose first read has to write something before."""

    def __init__(self) -> None:
        self.reads = 0

    def get_peer_certificate(self) -> None:
        """There is none."""

    def recv(self, size: int) -> bytes:
        """What was sent, from the second time on."""
        self.reads += 1
        if self.reads == 1:
            raise SSL.WantWriteError
        return b"read"


def test_a_reader_that_has_to_write_first() -> None:
    """It waits until it can write, and is not woken again and again meanwhile."""
    ours, theirs = socket.socketpair()
    tls, protocol = Blocked(), Talker()

    async def run() -> None:
        transport = TlsTransport(ours, cast(SSL.Connection, tls), protocol)
        protocol.on_data = lambda data: transport.abort()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(b"x" * 4096)
        theirs.send(b"x")
        await asyncio.sleep(0.1)
        assert tls.reads == 1
        theirs.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while theirs.recv(65536):
                pass
        while "lost" not in protocol.events:
            await asyncio.sleep(0.01)

    asyncio.run(run())
    theirs.close()
    assert protocol.got == b"read"
