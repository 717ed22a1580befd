"""The time that one write takes to reach a thousand watches."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import time
from typing import Any, cast

import psutil

from benchmarks.load import child_context, request_bytes, run_loop
from benchmarks.server import Target


class Watcher(asyncio.Protocol):
    """Waits on a watch for the name of one object."""

    def __init__(self, request: bytes, name: bytes) -> None:
        self._request = request
        self._name = name
        self._tail = b""
        loop = asyncio.get_running_loop()
        self.open: asyncio.Future[None] = loop.create_future()
        self.seen: asyncio.Future[float] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the watch."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """The answer's head opens the watch; the object's name ends it."""
        if not self.open.done():
            self.open.set_result(None)
        window = self._tail + data
        if self._name in window and not self.seen.done():
            self.seen.set_result(time.monotonic())
        self._tail = window[-200:]

    def connection_lost(self, exc: Exception | None) -> None:
        """A watch that ends early is a failure."""
        for future in (self.open, self.seen):
            if not future.done():
                future.set_exception(exc or ConnectionError("the watch ended"))


async def watch(queue: Any, go: Any, server: Target, count: int, path: str, name: str) -> None:
    """Open the watches, signal that, and report when the last one received the object."""
    context = child_context(server.authority, server.client)
    loop = asyncio.get_running_loop()
    request = request_bytes(path)
    watchers = []
    for _ in range(count):
        _, protocol = await loop.create_connection(
            lambda: Watcher(request, name.encode()),
            "127.0.0.1",
            server.port,
            ssl=context,
            server_hostname="127.0.0.1",
        )
        watchers.append(protocol)
    await asyncio.gather(*(item.open for item in watchers))
    queue.put("open")
    seen = await asyncio.gather(*(item.seen for item in watchers))
    queue.put((min(seen), max(seen)))
    await asyncio.to_thread(go.wait)


def _child(queue: Any, go: Any, server: Target, count: int, path: str, name: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    run_loop(watch(queue, go, server, count, path, name))


def fan_out(server: Target, count: int) -> dict[str, float]:
    """Open ``count`` watches on config maps, write one, and see when it reached them.

    Returns:
        ``first_ms`` and ``last_ms`` after the write was sent, and ``kib_a_watch``.
    """
    spawn = multiprocessing.get_context("spawn")
    queue, go = spawn.Queue(), spawn.Event()
    before = psutil.Process(server.pid).memory_info().rss
    path = "/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=300"
    child = spawn.Process(target=_child, args=(queue, go, server, count, path, "bench-fan-out"))
    child.start()
    assert queue.get(timeout=180) == "open"
    memory = psutil.Process(server.pid).memory_info().rss - before
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bench-fan-out"}}
    begin = time.monotonic()
    server.call("POST", "/api/v1/namespaces/default/configmaps", body)
    first, last = queue.get(timeout=60)
    go.set()
    child.join()
    server.call("DELETE", "/api/v1/namespaces/default/configmaps/bench-fan-out")
    return {
        "first_ms": (first - begin) * 1000,
        "last_ms": (last - begin) * 1000,
        "kib_a_watch": memory / 1024 / count,
    }
