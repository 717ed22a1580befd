"""Watches and followed logs over TLS."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Request, Response
from kube_embedded.tests.support.until import until
from kube_embedded.tests.support.wire import connect, read_all, serving

GET = b"GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n"
JSON = {"Content-Type": "application/json"}


class Source:
    """A stream that a test fills."""

    def __init__(self, timeout_seconds: float = 60) -> None:
        self.timeout_seconds = timeout_seconds
        self.pieces: list[bytes] = []
        self.closed = False
        self.forgotten = False
        self._wake: Callable[[], None] = lambda: None

    def read(self) -> list[bytes]:
        pieces, self.pieces = self.pieces, []
        return pieces

    def on_ready(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def close(self) -> None:
        self.forgotten = True

    def say(self, *pieces: bytes, end: bool = False) -> None:
        self.pieces += pieces
        self.closed = end
        self._wake()


def answers(source: Source) -> Callable[[Request], Response]:
    return lambda request: Response(200, dict(JSON), stream=source)


def test_pieces_come_as_chunks_when_they_are_there(keys: Keys) -> None:
    source = Source()
    source.pieces = [b"one\n"]
    with (
        serving(keys, answers(source)) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(GET)
        head, _, first = read_until(connection, b"one\n\r\n").partition(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert b"Content-Length" not in head
        assert first == b"4\r\none\n\r\n"
        local.loop.call(source.say, b"two\n", b"three\n")
        assert read_until(connection, b"three\n\r\n") == b"4\r\ntwo\n\r\n6\r\nthree\n\r\n"
        local.loop.call(lambda: source.say(b"last\n", end=True))
        assert read_until(connection, b"0\r\n\r\n") == b"5\r\nlast\n\r\n0\r\n\r\n"
        assert source.forgotten
        # The connection goes on.
        source.closed = True
        connection.sendall(GET)
        assert read_until(connection, b"0\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_servers_timeout_ends_a_stream_in_good_order(keys: Keys) -> None:
    source = Source(timeout_seconds=0.2)
    with (
        serving(keys, answers(source)) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(GET)
        assert read_until(connection, b"0\r\n\r\n").endswith(b"\r\n\r\n0\r\n\r\n")
    assert source.forgotten


def test_a_client_that_leaves_is_noticed_without_an_event(keys: Keys) -> None:
    source = Source()
    with serving(keys, answers(source)) as local:
        with connect(local.port, keys.ca_certificate) as connection:
            connection.sendall(GET)
            read_until(connection, b"\r\n\r\n")
            until(lambda: len(local.server.streams) == 1)
        until(lambda: source.forgotten)
        until(lambda: len(local.server.streams) == 0)


def test_a_stop_ends_streams_in_good_order(keys: Keys) -> None:
    source = Source()
    with ExitStack() as stack:
        with serving(keys, answers(source)) as local:
            connection = stack.enter_context(connect(local.port, keys.ca_certificate))
            connection.sendall(GET)
            read_until(connection, b"\r\n\r\n")
        assert read_all(connection) == b"0\r\n\r\n"
    assert source.forgotten


def test_http_1_0_gets_the_bare_pieces(keys: Keys) -> None:
    source = Source()
    source.pieces, source.closed = [b"one\n", b"two\n"], True
    with (
        serving(keys, answers(source)) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read_all(connection).endswith(b"\r\n\r\none\ntwo\n")


def test_head_does_not_watch(keys: Keys) -> None:
    source = Source()
    with (
        serving(keys, answers(source)) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_all(connection).endswith(b"\r\n\r\n")
    assert source.forgotten


def test_a_client_that_does_not_read_holds_up_nobody(keys: Keys) -> None:
    slow, fast = Source(), Source()

    def answer(request: Request) -> Response:
        return Response(200, dict(JSON), stream=slow if request.path == "/slow" else fast)

    with (
        serving(keys, answer) as local,
        connect(local.port, keys.ca_certificate) as one,
        connect(local.port, keys.ca_certificate) as other,
    ):
        one.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        read_until(one, b"\r\n\r\n")
        other.sendall(b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n")
        read_until(other, b"\r\n\r\n")
        for _ in range(40):
            local.loop.call(slow.say, b"x" * 1_000_000 + b"\n")
        local.loop.call(fast.say, b"here\n")
        assert read_until(other, b"here\n\r\n") == b"5\r\nhere\n\r\n"
        # What was not taken from the source stays there, not in the server's memory.
        assert sum(map(len, slow.pieces)) > 20_000_000


@pytest.mark.parametrize("count", [200])
def test_many_watchers_all_hear(keys: Keys, count: int) -> None:
    sources: list[Source] = []

    def answer(request: Request) -> Response:
        sources.append(Source())
        return Response(200, dict(JSON), stream=sources[-1])

    with serving(keys, answer) as local, ExitStack() as stack:
        connections = [
            stack.enter_context(connect(local.port, keys.ca_certificate)) for _ in range(count)
        ]
        for connection in connections:
            connection.sendall(GET)
            read_until(connection, b"\r\n\r\n")
        for source in sources:
            local.loop.call(source.say, b"news\n")
        for connection in connections:
            assert read_until(connection, b"news\n\r\n") == b"5\r\nnews\n\r\n"
    assert all(source.forgotten for source in sources)


@pytest.mark.parametrize("count", [1, 3000])
def test_later_requests_wait_for_the_end_of_a_stream(keys: Keys, count: int) -> None:
    """So many do not fit into what is received ahead: the rest stays with the client."""
    source = Source()

    def answer(request: Request) -> Response:
        if request.query:
            return Response(200, dict(JSON), stream=source)
        return Response(200, dict(JSON), b"body " + request.body + b".")

    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    last = get.replace(b"x", b"x\r\nConnection: close")
    with serving(keys, answer) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(GET + post[:-2])
        read_until(connection, b"\r\n\r\n")
        connection.sendall(post[-2:] + (post + get) * (count - 1) + last)
        local.loop.call(lambda: source.say(b"end\n", end=True))
        answers = read_all(connection)
    assert answers.startswith(b"4\r\nend\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert (answers.count(b"body abc."), answers.count(b"body .")) == (count, count)
    assert answers.endswith(b"body .")


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        piece = connection.recv(65536)
        assert piece, f"the server hung up after {data!r}"
        data += piece
    return data
