"""Large answers go out as clients read; who reads nothing while too much waits is disconnected."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from kube_embedded.apiserver.serving import flow
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Request, Response
from kube_embedded.machinery.sharing import LARGE_BYTES
from kube_embedded.tests.apiserver.serving.test_streams import Source
from kube_embedded.tests.support.until import until
from kube_embedded.tests.support.wire import connect, read_all, serving

JSON = {"Content-Type": "application/json"}
PART = b"x" * 100_000
GET = b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Made:
    """Answers with parts, and counts those that were asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.parts = 0

    def __call__(self, request: Request) -> Response:
        if request.path == "/small":
            return Response(200, dict(JSON), b"small")
        if request.path == "/whole":
            return Response(200, dict(JSON), PART * self.count)
        return Response(200, dict(JSON), parts=self._made())

    def _made(self) -> Iterator[bytes]:
        for _ in range(self.count):
            self.parts += 1
            yield b""
            yield PART


def unchunked(body: bytes) -> bytes:
    whole: list[bytes] = []
    while True:
        length, _, body = body.partition(b"\r\n")
        if not int(length, 16):
            assert body == b"\r\n"
            return b"".join(whole)
        whole.append(body[: int(length, 16)])
        body = body[int(length, 16) + 2 :]


@pytest.mark.slow
def test_parts_are_made_as_they_are_read(keys: Keys) -> None:
    made = Made(300)
    with serving(keys, made) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(LAST % b"parts")
        until(lambda: made.parts)
        with connect(local.port, keys.ca_certificate) as other:
            other.sendall(LAST % b"small")
            assert read_all(other).endswith(b"small")
        before = made.parts
        assert 0 < before < 250
        assert local.server.held_bytes < 300_000
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert unchunked(body) == PART * 300


class Ready:
    """A request of a client that always reads, and what was sent to it."""

    method, version, keep_alive = "GET", "1.1", True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.sent.append(bytes(data))

    async def drain(self) -> None:
        """It has read everything."""


@pytest.mark.parametrize(
    ("size", "turn_seconds", "waits"),
    [
        (LARGE_BYTES + 1, math.inf, False),
        (LARGE_BYTES, math.inf, True),
        (1, math.inf, True),
        (1, -1.0, False),
    ],
)
def test_others_have_their_turn_after_a_large_part_or_a_long_time(
    monkeypatch: pytest.MonkeyPatch, size: int, turn_seconds: float, waits: bool
) -> None:
    monkeypatch.setattr(flow, "TURN_SECONDS", turn_seconds)
    order: list[str] = []

    def parts() -> Iterator[bytes]:
        for name in ("first", "second"):
            order.append(name)
            yield b"x" * size

    async def other() -> None:
        order.append("other")

    async def send() -> None:
        http: Any = Ready()
        waiting = asyncio.ensure_future(other())
        await flow.Flow().send_parts(http, Response(200, dict(JSON)), parts())
        await waiting

    asyncio.run(send())
    expected = ["first", "second", "other"] if waits else ["first", "other", "second"]
    assert order == expected


@pytest.mark.parametrize("path", [b"parts", b"whole"])
def test_answers_to_requests_in_one_go_come_in_their_order(keys: Keys, path: bytes) -> None:
    with serving(keys, Made(3)) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(GET % path + GET % b"small" + LAST % path)
        text = read_all(connection)
    _, first, second, third = text.split(b"HTTP/1.1 200 OK")
    assert first.count(b"x") > len(PART) * 3 - 1
    assert first.count(b"x") == third.count(b"x")
    assert second.endswith(b"small")


def test_older_and_headless_answers(keys: Keys) -> None:
    with serving(keys, Made(3)) as local:
        with connect(local.port, keys.ca_certificate) as connection:
            connection.sendall(b"GET /parts HTTP/1.0\r\n\r\n")
            head, _, body = read_all(connection).partition(b"\r\n\r\n")
            assert (head.startswith(b"HTTP/1.0 200"), body) == (True, PART * 3)
        for path in (b"parts", b"whole"):
            with connect(local.port, keys.ca_certificate) as connection:
                connection.sendall((LAST % path).replace(b"GET", b"HEAD"))
                assert read_all(connection).partition(b"\r\n\r\n")[2] == b""


def test_what_cannot_be_encoded_ends_the_connection(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    def parts() -> Iterator[bytes]:
        yield PART
        raise ValueError("no such encoding")

    with (
        serving(keys, lambda request: Response(200, dict(JSON), parts=parts())) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(GET % b"parts")
        assert not read_all(connection).endswith(b"0\r\n\r\n")
    assert "no such encoding" in caplog.text


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MAX_HELD_BYTES", 1_000_000)
    monkeypatch.setattr(flow, "STALLED_SECONDS", 0.2)
    monkeypatch.setattr("kube_embedded.apiserver.serving.server.TICK_SECONDS", 0.05)


@pytest.mark.usefixtures("crowded")
def test_who_reads_nothing_while_too_much_waits_is_disconnected(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    made = Made(100)

    def answer(request: Request) -> Response:
        return Response(200, dict(JSON), stream=source) if request.query else made(request)

    with (
        serving(keys, answer) as local,
        connect(local.port, keys.ca_certificate) as watch,
        caplog.at_level(logging.INFO),
    ):
        watch.sendall(b"GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        watch.recv(1000)
        stuck = [connect(local.port, keys.ca_certificate) for _ in range(3)]
        for each in stuck:
            each.sendall(GET % b"whole")
        until(lambda: caplog.text.count("it took nothing for") == 3)
        for each in stuck:
            each.close()
        until(lambda: local.server.held_bytes == 0)
        with connect(local.port, keys.ca_certificate) as other:
            other.sendall(LAST % b"parts")
            assert unchunked(read_all(other).partition(b"\r\n\r\n")[2]) == PART * 100
        local.loop.call(source.say, b"still here\n")
        assert received(watch, b"still here\n\r\n")


def test_who_reads_nothing_stays_while_there_is_room(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "STALLED_SECONDS", 0.0)
    monkeypatch.setattr("kube_embedded.apiserver.serving.server.TICK_SECONDS", 0.01)
    with serving(keys, Made(100)) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(LAST % b"whole")
        until(lambda: local.server.held_bytes > 0)
        for _ in range(5):
            local.loop.call(lambda: None)
        assert read_all(connection).endswith(PART * 100)


def received(connection: socket.socket, end: bytes) -> bool:
    text = b""
    while not text.endswith(end):
        text += connection.recv(65536)
    return True
