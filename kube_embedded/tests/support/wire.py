"""Speaking HTTP by hand: raw bytes over TLS, and frames of a WebSocket."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kube_embedded.apiserver.serving.address import listen
from kube_embedded.apiserver.serving.server import ApiServer
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Request, Response


@dataclass
class FakeCluster:
    """Answer with a test's responses, and store the requests.

    Args:
        keys: For TLS.
        answer: A request to its answer.
    """

    keys: Keys
    answer: Callable[[Request], Response]
    seen: list[Request] = field(default_factory=list)

    def handle(self, request: Request) -> Response:
        """Note the request and answer it."""
        self.seen.append(request)
        return self.answer(request)

    def advance(self) -> None:
        """Do nothing: no work becomes due."""


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any], timeout: float = 60) -> Any:
        """Run something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on the loop and wait for it."""

        async def called() -> Any:
            return function(*arguments)

        return self.run(called())

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Local(NamedTuple):
    """A server in this process."""

    port: int
    cluster: FakeCluster
    server: ApiServer
    loop: Loop


@contextmanager
def serving(keys: Keys, answer: Callable[[Request], Response]) -> Iterator[Local]:
    """A server over a fake cluster, for the length of a block.

    Args:
        keys: For TLS.
        answer: Makes the response to a request.
    """
    loop = Loop()
    cluster = FakeCluster(keys, answer)

    async def start() -> ApiServer:
        return ApiServer(cluster, listen(0))

    server: ApiServer = loop.run(start())
    try:
        yield Local(server.port, cluster, server, loop)
    finally:
        loop.run(server.close())
        loop.close()


def connect(
    port: int, ca: bytes, identity: Path | None = None, timeout: float = 60
) -> ssl.SSLSocket:
    """A TLS connection.

    Args:
        port: On loopback.
        ca: The CA to trust, PEM.
        identity: A PEM file with a client certificate and its key.
        timeout: For each read.
    """
    context = ssl.create_default_context(cadata=ca.decode())
    if identity is not None:
        context.load_cert_chain(identity)
    raw = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    try:
        return context.wrap_socket(raw, server_hostname="127.0.0.1")
    except BaseException:
        raw.close()
        raise


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return b"".join(pieces)


PING, PONG = 9, 10


class Frame(NamedTuple):
    """A WebSocket frame as the server sent it."""

    opcode: int
    data: bytes


class WebSocket:
    """A WebSocket client that shows all frames except pings.

    Args:
        connection: A TLS connection.
        path: The requested path.
        protocols: The value of ``Sec-WebSocket-Protocol``; None leaves the header out.
        method: GET, or POST as older clients do.
        answers_pings: Answer pings and hide them; otherwise they are ordinary frames.
        headers: More header lines.
    """

    def __init__(
        self,
        connection: socket.socket,
        path: str,
        protocols: str | None,
        method: str = "GET",
        *,
        answers_pings: bool = True,
        headers: Sequence[str] = (),
    ) -> None:
        self._answers_pings = answers_pings
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            *([f"Sec-WebSocket-Protocol: {protocols}"] if protocols is not None else []),
            *headers,
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        self._file = connection.makefile("rb")
        self._connection = connection
        self.status = int(self._file.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = (
            b""
            if self.status == 101
            else self._file.read(int(self.headers.get("content-length", 0)))
        )

    def send(self, data: bytes, opcode: int = 2) -> None:
        """Send one masked frame."""
        length = len(data)
        head = bytes((0x80 | opcode,))
        if length < 126:
            head += bytes((0x80 | length,))
        elif length < 65536:
            head += bytes((0x80 | 126,)) + struct.pack(">H", length)
        else:
            head += bytes((0x80 | 127,)) + struct.pack(">Q", length)
        mask = os.urandom(4)
        self._connection.sendall(
            head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        )

    def send_raw(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self._connection.sendall(data)

    def receive(self) -> Frame | None:
        """The next frame; None when the server hung up."""
        head = self._file.read(2)
        if len(head) < 2:
            return None
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self._file.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._file.read(8))
        frame = Frame(head[0] & 0x0F, self._file.read(length))
        if frame.opcode == PING and self._answers_pings:
            self.send(frame.data, PONG)
            return self.receive()
        return frame

    def frames(self) -> list[Frame]:
        """All frames up to the close frame, which is answered and included."""
        found = []
        while (frame := self.receive()) is not None:
            found.append(frame)
            if frame.opcode == 8:
                self.send(frame.data, 8)
                break
        return found

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._connection.close()
