"""Watches over WebSocket, message by message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Response
from kube_embedded.tests.apiserver.serving.test_streams import JSON, Source
from kube_embedded.tests.support.wire import Frame, Local, WebSocket, connect, serving

PATH = "/api/v1/pods?watch=1"
ORIGIN = ("Origin: https://localhost",)
PROTOBUF = {"Content-Type": "application/vnd.kubernetes.protobuf;stream=watch"}
TEXT, BINARY, CLOSE = 1, 2, 8


@contextmanager
def watching(
    keys: Keys,
    source: Source,
    protocols: str | None = None,
    headers: dict[str, str] = JSON,
    lines: tuple[str, ...] = ORIGIN,
) -> Iterator[tuple[WebSocket, Local]]:
    with serving(keys, lambda request: Response(200, dict(headers), stream=source)) as local:
        socket = WebSocket(connect(local.port, keys.ca_certificate), PATH, protocols, headers=lines)
        try:
            yield socket, local
        finally:
            socket.close()


def test_each_event_is_a_text(keys: Keys) -> None:
    source = Source()
    source.pieces = [b'{"type":"ADDED"}\n', b'{"type":"MODIFIED"}\n']
    with watching(keys, source) as (socket, local):
        assert (socket.status, "sec-websocket-protocol" in socket.headers) == (101, False)
        assert [socket.receive(), socket.receive()] == [
            Frame(TEXT, b'{"type":"ADDED"}\n'),
            Frame(TEXT, b'{"type":"MODIFIED"}\n'),
        ]
        # What the client says is not heard.
        socket.send(b"hello", opcode=TEXT)
        local.loop.call(lambda: source.say(b'{"type":"DELETED"}\n', end=True))
        assert socket.receive() == Frame(TEXT, b'{"type":"DELETED"}\n')
        assert socket.receive() == Frame(CLOSE, b"\x03\xe8")
    assert source.forgotten


def test_protobuf_is_binary_and_has_no_length(keys: Keys) -> None:
    source = Source()
    source.pieces = [b"\0\0\0\3abc"]
    with watching(keys, source, headers=PROTOBUF) as (socket, _):
        assert socket.receive() == Frame(BINARY, b"abc")


@pytest.mark.parametrize(
    ("protocols", "lines", "status"),
    [
        ("anything", ORIGIN, 101),
        ("base64url.bearer.authorization.k8s.io.dG9rZW4, anything", ORIGIN, 101),
        ("one, two", ORIGIN, 400),
        (None, (), 403),
    ],
)
def test_handshakes(keys: Keys, protocols: str | None, lines: tuple[str, ...], status: int) -> None:
    source = Source()
    with watching(keys, source, protocols, lines=lines) as (socket, _):
        assert socket.status == status
        if status == 101:
            assert socket.headers["sec-websocket-protocol"] == "anything"
    assert source.forgotten


def test_a_client_that_closes_ends_the_watch(keys: Keys) -> None:
    source = Source()
    with watching(keys, source) as (socket, _):
        socket.send(b"\x03\xe8", opcode=CLOSE)
        assert socket.receive() == Frame(CLOSE, b"\x03\xe8")
    assert source.forgotten


def test_a_watch_ends_after_its_timeout(keys: Keys) -> None:
    source = Source(timeout_seconds=0.05)
    with watching(keys, source) as (socket, _):
        assert socket.receive() == Frame(CLOSE, b"\x03\xe8")


def test_a_log_is_followed_as_before(keys: Keys) -> None:
    source = Source()
    source.pieces, source.closed = [b"line\n"], True
    with watching(keys, source, headers={"Content-Type": "text/plain"}) as (socket, _):
        assert (socket.status, socket.headers["transfer-encoding"]) == (200, "chunked")
