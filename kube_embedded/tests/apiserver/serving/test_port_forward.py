"""Port-forward over WebSocket: channels, and SPDY in messages, to a handler that a test plays."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kube_embedded.apiserver.serving import port_forward
from kube_embedded.apiserver.serving.port_forward import TUNNEL
from kube_embedded.apiserver.serving.spdy import DICTIONARY, Reader, SpdyError
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Handler, PortForward, Request, Response
from kube_embedded.tests.support.wire import Frame, WebSocket, connect, serving

CLOSE = 8
LARGE = 200_000
PATH = "/api/v1/namespaces/default/pods/web/portforward"
GET = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def page(request: Request) -> Response:
    """Says what it was asked."""
    if request.path == "/large":
        return Response(200, {}, b"x" * LARGE)
    return Response(
        200, {"Server": "test"}, f"{request.method} {request.path} {len(request.body)}".encode()
    )


def reach(port: int) -> Handler | str:
    return page if port == 80 else f"refused {port}"


@contextmanager
def forwarding(
    keys: Keys, protocols: str | None, *ports: int, ended: list[str] | None = None
) -> Iterator[WebSocket]:
    def answer(request: Request) -> Response:
        return Response(
            101,
            forward=PortForward(
                ports, reach, lambda: (ended if ended is not None else []).append("")
            ),
        )

    with serving(keys, answer) as local:
        socket = WebSocket(connect(local.port, keys.ca_certificate), PATH, protocols)
        try:
            yield socket
        finally:
            socket.close()


# Channels


def until(socket: WebSocket, channel: int, text: bytes) -> bytes:
    """What comes on a channel, up to a text."""
    found = b""
    while text not in found:
        frame = socket.receive()
        assert frame is not None
        assert frame.data[0] == channel
        found += frame.data[1:]
    return found


@pytest.mark.parametrize(
    "protocols", ["v4.channel.k8s.io", "v5.channel.k8s.io, v4.channel.k8s.io", None]
)
def test_channels_begin_with_their_port_and_carry_http(keys: Keys, protocols: str | None) -> None:
    with forwarding(keys, protocols, 80) as socket:
        assert socket.status == 101
        assert socket.headers["sec-websocket-protocol"] == (
            "v4.channel.k8s.io" if protocols else ""
        )
        assert [socket.receive(), socket.receive()] == [
            Frame(2, b"\x00\x50\x00"),
            Frame(2, b"\x01\x50\x00"),
        ]
        socket.send(b"\x00" + GET[:9])
        socket.send(b"\x00" + GET[9:])
        assert b"Server: test\r\n" in until(socket, 0, b"GET /page 0")
        # The connection goes on, and takes bodies.
        socket.send(b"\x00POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert until(socket, 0, b"POST / 3").startswith(b"HTTP/1.1 200 OK\r\n")
        socket.send(b"\x00" + LAST)
        until(socket, 0, b"GET /page 0")
        # The only connection has ended, and with it the WebSocket.
        frame = socket.receive()
        assert frame is not None
        assert frame.opcode == CLOSE


def test_a_port_where_nobody_listens_has_its_error_on_its_own_channel(keys: Keys) -> None:
    with forwarding(keys, "v4.channel.k8s.io", 81, 80) as socket:
        assert [socket.receive() for _ in range(4)][2] == Frame(2, b"\x02\x50\x00")
        assert socket.receive() == Frame(2, b"\x01refused 81")
        socket.send(b"\x02" + LAST)
        assert until(socket, 2, b"GET /page 0")


def test_with_nobody_at_all_the_websocket_ends(keys: Keys) -> None:
    ended: list[str] = []
    with forwarding(keys, "v4.channel.k8s.io", 81, ended=ended) as socket:
        assert [frame.data[:8] for frame in socket.frames()[2:]] == [b"\x01refused", b"\x03\xe8"]
    assert ended == [""]


def test_other_protocols_are_refused(keys: Keys) -> None:
    for protocols in ("v5.channel.k8s.io", "channel.k8s.io", "portforward.k8s.io"):
        with forwarding(keys, protocols, 80) as socket:
            assert socket.status == 403


# SPDY


class Client:
    """The client's end of SPDY in a WebSocket."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._unread = b""

    def control(self, kind: int, body: bytes, flags: int = 0) -> bytes:
        return struct.pack(">HHI", 0x8003, kind, flags << 24 | len(body)) + body

    def opening(self, stream: int, flags: int = 0, **headers: Any) -> bytes:
        """A SYN_STREAM."""
        plain = struct.pack(">I", len(headers))
        for text in (each for pair in headers.items() for each in pair):
            plain += struct.pack(">I", len(str(text))) + str(text).encode()
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return self.control(1, struct.pack(">IIH", stream, 0, 0) + block, flags)

    def data(self, stream: int, data: bytes, flags: int = 0) -> bytes:
        return struct.pack(">II", stream, flags << 24 | len(data)) + data

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    def frame(self) -> tuple[int, int, int, bytes]:
        """Kind (0 for data), stream, flags and body of the next frame."""
        while len(self._unread) < 8 or len(self._unread) < 8 + (
            struct.unpack(">I", self._unread[4:8])[0] & 0xFFFFFF
        ):
            message = self._socket.receive()
            assert message is not None
            assert message.opcode == 2, message
            self._unread += message.data
        first, second = struct.unpack(">II", self._unread[:8])
        size = second & 0xFFFFFF
        body, self._unread = self._unread[8 : 8 + size], self._unread[8 + size :]
        if not first >> 31:
            return 0, first, second >> 24, body
        kind, stream, rest = first & 0xFFFF, int.from_bytes(body[:4]), body[4:]
        return kind, stream, second >> 24, self._inflate.decompress(rest) if kind == 2 else rest


def test_a_pair_of_streams_is_a_connection(keys: Keys) -> None:
    ended: list[str] = []
    with forwarding(keys, TUNNEL, ended=ended) as socket:
        assert (socket.status, socket.headers["sec-websocket-protocol"]) == (101, TUNNEL)
        client = Client(socket)
        client.send(client.opening(1, 1, streamType="error", port=80, requestID=7))
        assert client.frame() == (2, 1, 0, bytes(4))
        client.send(client.opening(3, streamType="data", port=80, requestID=7))
        assert client.frame() == (2, 3, 0, bytes(4))
        # A frame need not be a message.
        request = client.data(3, LAST)
        client.send(request[:5])
        client.send(request[5:] + client.control(6, b"\0\0\0\1"))
        assert client.frame() == (6, 1, 0, b"")
        assert client.frame()[3].endswith(b"GET /page 0")
        assert [client.frame(), client.frame()] == [(0, 3, 1, b""), (0, 1, 1, b"")]
        # Two at a time, by a client that has no ids.
        for stream in (5, 9):
            client.send(client.opening(stream, 1, streamtype="error", port=80))
            client.send(
                client.opening(stream + 2, streamtype="data", port=80)
                + client.data(stream + 2, GET)
            )
        found = [client.frame() for _ in range(6)]
        assert [each[1] for each in found if each[0] == 0] == [7, 11]
        client.send(client.control(7, bytes(8)))
        assert [frame.opcode for frame in socket.frames()][-1] == CLOSE
    assert ended == [""]


def test_a_server_ends_a_second_after_its_client_said_everything(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_forward, "LINGER_SECONDS", 0.01)
    with forwarding(keys, TUNNEL) as socket:
        client = Client(socket)
        client.send(
            client.opening(1, streamtype="error", port=80)
            + client.opening(3, streamtype="data", port=80)
        )
        client.send(client.data(3, GET, 1))
        frames = [client.frame() for _ in range(5)]
        assert frames[2][3].endswith(b"GET /page 0")
        assert frames[3:] == [(0, 3, 1, b""), (0, 1, 1, b"")]


def test_errors_come_on_the_error_stream_and_reset_both(keys: Keys) -> None:
    with forwarding(keys, TUNNEL) as socket:
        client = Client(socket)
        client.send(
            client.opening(1, streamtype="error", port=81)
            + client.opening(3, streamtype="data", port=81)
        )
        cancel = b"\0\0\0\5"
        assert [client.frame() for _ in range(5)] == [
            (2, 1, 0, bytes(4)),
            (2, 3, 0, bytes(4)),
            (0, 1, 0, b"refused 81"),
            (3, 3, 0, cancel),
            (3, 1, 0, cancel),
        ]


def test_only_so_many_connections_at_a_time(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_forward, "MAX_CONNECTIONS", 1)
    with forwarding(keys, TUNNEL) as socket:
        client = Client(socket)
        client.send(
            client.opening(1, streamtype="error", port=80)
            + client.opening(3, streamtype="error", port=80)
        )
        assert [client.frame()[:2] for _ in range(2)] == [(2, 1), (3, 3)]


def test_one_process_forwards_only_so_many_connections(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has two descriptors, which the clusters of a grader share."""
    monkeypatch.setattr(port_forward, "MAX_CONNECTIONS", 1)
    with forwarding(keys, "v4.channel.k8s.io", 80) as first:
        first.send(b"\0" + GET)
        assert [first.receive(), first.receive()]
        until(first, 0, b"/page")
        with forwarding(keys, "v4.channel.k8s.io", 80) as second:
            assert [frame.data for frame in second.frames()[2:3]] == [
                b"\x01too many connections are forwarded"
            ]
        first.send(b"\0" + LAST)
        until(first, 0, b"/page")
        assert first.frames()[-1].opcode == CLOSE
    with forwarding(keys, "v4.channel.k8s.io", 80) as third:
        third.send(b"\0" + LAST)
        assert [third.receive(), third.receive()]
        assert until(third, 0, b"/page")


def test_a_number_of_a_stream_is_used_once(keys: Keys) -> None:
    """Else the connections of the process would never be counted down."""
    with forwarding(keys, TUNNEL) as socket:
        client = Client(socket)
        client.send(
            client.opening(1, streamtype="error", port=80)
            + client.opening(3, streamtype="data", port=80)
        )
        assert [client.frame()[:2] for _ in range(2)] == [(2, 1), (2, 3)]
        for number in (1, 3, 2**31 + 5):
            client.send(client.opening(number, streamtype="data", port=80, requestid="again"))
            assert client.frame()[:2] == (3, number)
        client.send(client.data(3, LAST))
        assert client.frame()[:2] == (0, 3)


@pytest.mark.parametrize(
    "headers",
    [
        {"port": 0},
        {"port": "x"},
        {"port": 65536},
        {"port": "9" * 5000},
        {},
        {"port": 80, "streamtype": "x"},
    ],
)
def test_a_stream_with_wrong_headers_is_reset(keys: Keys, headers: dict[str, Any]) -> None:
    with forwarding(keys, TUNNEL) as socket:
        client = Client(socket)
        client.send(client.opening(1, **{"streamtype": "data", **headers}))
        assert client.frame() == (3, 1, 0, b"\0\0\0\5")


def test_a_client_that_does_not_read_gets_all_in_the_end(keys: Keys) -> None:
    with forwarding(keys, TUNNEL) as socket:
        client = Client(socket)
        client.send(
            client.opening(1, streamtype="error", port=80)
            + client.opening(3, streamtype="data", port=80)
        )
        for _ in range(30):
            client.send(client.data(3, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"))
        found = 0
        while found < 30 * LARGE:
            kind, _, _, body = client.frame()
            found += body.count(b"x") if kind == 0 else 0
        # Another connection was not kept waiting for ever.
        client.send(
            client.opening(5, streamtype="error", port=80)
            + client.opening(7, streamtype="data", port=80)
        )
        assert [client.frame()[:2] for _ in range(2)] == [(2, 5), (2, 7)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02\x00\x06\x00\x00\x00\x04\0\0\0\1",  # another version
        b"\x80\x03\x00\x01\x00\x00\x00\x02\0\0",  # a stream without a number
        b"\x80\x03\x00\x01\x00\x00\x00\x0e"
        + bytes(10)
        + b"abcd",  # headers that are not compressed
        b"\x00\x00\x00\x01\x00\xff\xff\xff",  # more data than is taken
    ],
)
def test_what_is_no_spdy_ends_the_connection(keys: Keys, data: bytes) -> None:
    with pytest.raises(SpdyError):
        list(Reader().read(data))
    with forwarding(keys, TUNNEL) as socket:
        socket.send(data)
        assert socket.frames()[-1].opcode == CLOSE


def test_the_dictionary_is_that_of_the_protocol() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)
