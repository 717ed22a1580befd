"""A load generator of low cost: kept-alive TLS connections in one process.

Requests are bytes made beforehand, answers are only read as far as their length. It
runs in a child process, so that client and server have a core each.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, cast

import psutil

from benchmarks.server import Target

LENGTH = b"\r\ncontent-length: "


@dataclass(frozen=True)
class Figures:
    """What a load run measured.

    Args:
        per_second: Requests a second.
        p50: Median time of a request, in milliseconds.
        p99: The time that one in a hundred exceeds, in milliseconds.
        status: The status of the answers.
        count: How many requests there were.
        cpu_us: The server's CPU time for a request, in microseconds: it hardly
            depends on what else the machine does.
    """

    per_second: float
    p50: float
    p99: float
    status: int
    count: int
    cpu_us: float = 0.0


class Connection(asyncio.Protocol):
    """Sends the same request again as soon as its answer is complete."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._begin = 0.0
        self._missing = -1
        self._buffer = b""
        self.times: list[float] = []
        self.status = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._send()

    def _send(self) -> None:
        self._begin = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read an answer to its end, then send the next request."""
        if self._missing < 0:
            self._buffer += data
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[: end + 2].lower()
            start = head.index(LENGTH) + len(LENGTH)
            length = int(head[start : head.index(b"\r\n", start)])
            self.status = int(head[9:12])
            self._missing = length - (len(self._buffer) - end - 4)
            self._buffer = b""
        else:
            self._missing -= len(data)
        if self._missing > 0:
            return
        self._missing = -1
        now = time.perf_counter()
        self.times.append(now - self._begin)
        if now < self._until:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up too early, unless we are done."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))


def request_bytes(path: str, token: str | None = None) -> bytes:
    """A GET request, ready to be sent."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    return (head + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode()


def child_context(authority: str, client: bytes | None) -> ssl.SSLContext:
    """The TLS context of a load process."""
    context = ssl.create_default_context(cadata=authority)
    if client:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(client)
            file.flush()
            context.load_cert_chain(file.name)
    return context


async def drive(
    port: int, context: ssl.SSLContext, request: bytes, connections: int, seconds: float
) -> Figures:
    """Keep ``connections`` busy for a while and sum up."""
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    until = begin + seconds
    opened = []
    for _ in range(connections):
        _, protocol = await loop.create_connection(
            lambda: Connection(request, until),
            "127.0.0.1",
            port,
            ssl=context,
            server_hostname="127.0.0.1",
        )
        opened.append(protocol)
    await asyncio.gather(*(protocol.done for protocol in opened))
    elapsed = time.perf_counter() - begin
    times = sorted(value for protocol in opened for value in protocol.times)
    return Figures(
        len(times) / elapsed,
        times[len(times) // 2] * 1000,
        times[min(len(times) - 1, len(times) * 99 // 100)] * 1000,
        opened[0].status,
        len(times),
    )


def run_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run with uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    return uvloop.run(coroutine)


def _child(
    queue: Any, server: Target, admin: bool, request: bytes, connections: int, seconds: float
) -> None:
    context = child_context(server.authority, server.client if admin else None)
    queue.put(run_loop(drive(server.port, context, request, connections, seconds)))


def load(
    server: Target,
    path: str,
    *,
    token: str | None = None,
    connections: int = 8,
    seconds: float = 3.0,
) -> Figures:
    """Measure GETs of one path.

    Args:
        server: The server.
        path: What to get.
        token: The caller's token; without one, the administrator's certificate.
        connections: How many kept-alive TLS connections.
        seconds: For how long.
    """
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    arguments = (queue, server, token is None, request_bytes(path, token), connections, seconds)
    child = spawn.Process(target=_child, args=arguments)
    child.start()
    before = cpu_seconds(server.pid)
    figures: Figures = queue.get(timeout=seconds + 60)
    used = cpu_seconds(server.pid) - before
    child.join()
    return replace(figures, cpu_us=used / figures.count * 1e6)


def cpu_seconds(pid: int) -> float:
    """The CPU time a process has used so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
