"""Streamed responses: watches and followed logs.

Chunks are written straight to the transport: waking a thousand watchers costs a thousand short writes.
"""

import asyncio
from collections.abc import Awaitable, Callable

from ...machinery.request import EventStream, Response
from ...machinery.sharing import LARGE_BYTES
from .flow import Flow, begin
from .incoming import HttpRequest


def chunk(pieces: list[bytes]) -> bytes:
    """Frame pieces as HTTP/1.1 chunks, one each."""
    # An empty chunk would end the body.
    return b"".join([b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece])


class Streams:
    """The streams of a server; ``before_end`` is called after one ends, before its client is informed."""

    def __init__(self, before_end: Callable[[], None], flow: Flow) -> None:
        self._before_end = before_end
        self._flow = flow
        self._wakers: set[asyncio.Event] = set()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._wakers)

    def stop(self) -> None:
        """End every stream with its last chunk, and later ones as they start."""
        self._stopping = True
        for wake in self._wakers:
            wake.set()

    async def send(self, http: HttpRequest, response: Response, stream: EventStream) -> None:
        """Send a stream until its source, its timeout, the client or the server ends it."""
        try:
            chunked = begin(http, response)
        except ConnectionResetError:
            stream.close()
            raise
        if http.method == "HEAD":
            stream.close()
            self._before_end()
            return

        async def write(pieces: list[bytes]) -> None:
            if sum(map(len, pieces)) > LARGE_BYTES:
                for piece in pieces:
                    await self._flow.write(http, piece, chunked)
                return
            await self._flow.write(http, chunk(pieces) if chunked else b"".join(pieces))

        await self.run(stream, write)
        # Without its last chunk a client would report a broken connection where a watch only timed out.
        if chunked:
            http.write(b"0\r\n\r\n")
        http.keep_alive = http.keep_alive and not self._stopping

    async def run(
        self, stream: EventStream, write: Callable[[list[bytes]], Awaitable[None]]
    ) -> None:
        """Write the events of a stream until its source, its timeout or the server ends it."""
        wake = asyncio.Event()
        self._wakers.add(wake)
        # An event instead of a queue: many changes before a client reads cost one wake-up.
        stream.on_ready(wake.set)
        try:
            async with asyncio.timeout(stream.timeout_seconds):
                while True:
                    wake.clear()  # before reading: a change in between must not be slept through
                    while pieces := stream.read():
                        await write(pieces)
                        if self._stopping:
                            break
                        if sum(map(len, pieces)) > LARGE_BYTES:
                            await self._flow.room()
                    if stream.closed or self._stopping:
                        break
                    await wake.wait()
        except TimeoutError:
            pass
        finally:
            self._wakers.discard(wake)
            stream.close()
            self._before_end()
