"""Sends large responses in slices, as clients read them, and bounds the memory of unsent data.

Each connection holds some slices and the encoded data for it. If all together hold too much, encoding pauses for
all of them, and clients that have stopped reading are disconnected.
"""

import asyncio
import ctypes
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ...machinery.request import Response
from ...machinery.sharing import LARGE_BYTES, shared_bytes
from .head import encode, head
from .incoming import HttpRequest
from .transport import TlsTransport

log = logging.getLogger(__name__)

MAX_HELD_BYTES = 64 * 1024 * 1024
"""The most bytes that may wait for all clients together."""

STALLED_SECONDS = 10.0
"""How long a client may take nothing while more than that waits."""

ROOM_SECONDS = 0.1
"""How often whoever wants to encode more looks whether there is room."""

TURN_SECONDS = 0.01
"""How long one answer may be encoded before others have their turn."""

TRIM_BYTES = 4 * 1024 * 1024
"""How much must have been held for its memory to be given back to the system."""


class Flow:
    """The unsent data on the connections of a server."""

    def __init__(self) -> None:
        self.sending: set[TlsTransport] = set()
        """The transports that wait for their clients."""
        self._whole = self._most = 0

    @property
    def held_bytes(self) -> int:
        """The bytes that wait in memory for clients."""
        return (
            self._whole
            + shared_bytes()
            + sum(transport.get_write_buffer_size() for transport in self.sending)
        )

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Count the bytes of a response that is in memory as a whole while it is sent."""
        self._whole += size
        try:
            yield
        finally:
            self._whole -= size

    async def room(self) -> None:
        """Wait until there is room to encode a large response; other requests run in the meantime."""
        await asyncio.sleep(0)
        # Polling, since room appears by clients' reading on any connection, and few wait here at a time.
        while self.held_bytes > MAX_HELD_BYTES:
            await asyncio.sleep(ROOM_SECONDS)

    async def write(self, http: HttpRequest, data: bytes, chunked: bool = False) -> None:
        """Send bytes in slices as the client reads them, each slice as a chunk if the answer is chunked."""
        for start in range(0, len(data), LARGE_BYTES):
            part = memoryview(data)[start : start + LARGE_BYTES]
            http.write(b"%x\r\n%b\r\n" % (len(part), bytes(part)) if chunked else part)
            await http.drain()

    async def send_whole(self, http: HttpRequest, response: Response) -> None:
        """Send a large body that is in memory."""
        start = encode(response, "HEAD", version=http.version, close=not http.keep_alive)
        await self.write(http, start)
        if http.method != "HEAD":
            with self.hold(len(response.body)):
                await self.write(http, response.body)

    async def send_parts(
        self, http: HttpRequest, response: Response, parts: Iterator[bytes]
    ) -> None:
        """Send a body as it is encoded."""
        chunked = begin(http, response)
        time = asyncio.get_running_loop().time
        turn = time()
        try:
            for part in parts if http.method != "HEAD" else ():
                await self.write(http, part, chunked)
                if len(part) > LARGE_BYTES or time() - turn > TURN_SECONDS:
                    await self.room()
                    turn = time()
        except ConnectionError:
            raise
        except Exception as error:  # too late for another answer
            log.exception("encoding the answer to %s %r failed", http.method, http.target)
            raise ConnectionResetError("the answer cannot be encoded") from error
        if chunked and http.method != "HEAD":
            await self.write(http, b"0\r\n\r\n")

    def look(self) -> None:
        """Disconnect clients that have stopped reading if too much is unsent, and release freed memory.

        Called every second.
        """
        held = self.held_bytes
        self._most = max(self._most, held)
        for transport in list(self.sending) if held > MAX_HELD_BYTES else ():
            # Only clients that have stopped reading: one that reads slowly frees memory, though slowly.
            if transport.stalled_seconds > STALLED_SECONDS:
                peer = transport.get_extra_info("peername")
                seconds = transport.stalled_seconds
                text = "the client at %s:%s is disconnected: it took nothing for %d s while %d MiB waited to be sent"
                log.warning(text, *peer[:2], seconds, held >> 20)
                transport.abort()
        if self._most > TRIM_BYTES > held:
            self._most = 0
            _trim()


def begin(http: HttpRequest, response: Response) -> bool:
    """Send the head of an answer of unknown length; whether it is chunked: else the connection ends with it."""
    chunked = http.version == "1.1"
    http.keep_alive = http.keep_alive and chunked
    http.write(
        head(
            response.status,
            response.headers,
            response.warnings,
            version=http.version,
            framing="Transfer-Encoding: chunked" if chunked else "",
            close=not http.keep_alive,
        )
    )
    return chunked


def _trim() -> None:
    """Give freed memory back to the system, where the C library can."""
    # glibc retains freed memory in its arenas; after an answer of 60 MiB the process would stay that large. musl and
    # macOS have no such function.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
