"""A TLS connection as an asyncio transport, straight on its socket.

asyncio can put TLS only of Python's ``ssl`` beneath a protocol. Here OpenSSL reads and writes the
socket itself, so nothing stands between a record and the protocol: neither a second transport nor
buffers that an idle connection would keep.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from OpenSSL import SSL

from labkit.embedded.apiserver.serving.tls import shown_certificate

RECORD_BYTES = 16 * 1024
"""The most that a TLS record holds, and that OpenSSL reads or writes at a time."""

RECORDS = 16
"""How many full records are read from one client before others get their turn."""

HIGH_BYTES, LOW_BYTES = 64 * 1024, 16 * 1024
"""How much may wait to be sent before the protocol is asked to pause, and to go on."""

SHUTDOWN_SECONDS = 2.0
"""How long a client that we hang up on may take to read the rest and to hang up itself."""


class TlsTransport(asyncio.Transport):
    """The plain side of a TLS connection.

    Args:
        connection: The socket.
        tls: TLS on it, after the handshake.
        protocol: Who talks.
    """

    __slots__ = (
        "_closing",
        "_descriptor",
        "_ended",
        "_high",
        "_loop",
        "_low",
        "_over",
        "_paused_writing",
        "_protocol",
        "_reading",
        "_socket",
        "_stuck",
        "_timer",
        "_tls",
        "_waiting",
    )

    def __init__(self, connection: socket.socket, tls: SSL.Connection, protocol: asyncio.Protocol) -> None:
        super().__init__(
            {
                "client_certificate": shown_certificate(tls),
                "peername": connection.getpeername(),
                "socket": connection,
                "sockname": connection.getsockname(),
            }
        )
        self._loop = asyncio.get_running_loop()
        self._socket = connection
        self._descriptor = connection.fileno()
        self._tls = tls
        self._protocol = protocol
        self._waiting = bytearray()
        self._high, self._low = HIGH_BYTES, LOW_BYTES
        self._reading = self._paused_writing = False
        self._closing = False
        """Whether nothing more is taken from the protocol."""
        self._ended = False
        """Whether nothing more comes from the client."""
        self._stuck = False
        """Whether OpenSSL has to write before it can read."""
        self._over = False
        """Whether the socket is done with."""
        self._timer: asyncio.TimerHandle | None = None
        protocol.connection_made(self)
        self.resume_reading()

    # What comes from the client.

    def _readable(self) -> None:
        try:
            data = self._tls.recv(RECORD_BYTES)
            self._protocol.data_received(data)
            if len(data) == RECORD_BYTES:
                self._read_more()
        except SSL.Error as error:
            self._unread(error)
        except Exception as error:
            self._fail(error)

    def _read_more(self) -> None:
        # What is left on the socket afterwards wakes us again; OpenSSL keeps nothing of it.
        for _ in range(RECORDS):
            if not self._reading:
                return
            data = self._tls.recv(RECORD_BYTES)
            self._protocol.data_received(data)
            if len(data) < RECORD_BYTES:
                return

    def _unread(self, error: SSL.Error) -> None:
        """Not enough has come yet; or the client said goodbye, hung up, or sent what is no TLS."""
        if isinstance(error, SSL.WantReadError):
            return
        if isinstance(error, SSL.WantWriteError):
            # It asks for new keys, and does not read the answer; OpenSSL reads on when that is sent.
            self._loop.remove_reader(self._descriptor)
            self._stuck = True
            self._loop.add_writer(self._descriptor, self._writable)
            return
        self._ended = True
        self.pause_reading()
        if isinstance(error, SSL.ZeroReturnError | SSL.SysCallError):
            self._protocol.eof_received()
            self.close()
        else:
            self.abort()

    def _fail(self, error: Exception) -> None:
        context = {"message": "a protocol failed", "exception": error, "transport": self, "protocol": self._protocol}
        self._loop.call_exception_handler(context)
        self.abort()

    def is_reading(self) -> bool:
        """Whether what comes is passed on."""
        return self._reading

    def pause_reading(self) -> None:
        """Leave what comes on the socket."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        """Pass on what comes."""
        if not (self._reading or self._closing or self._ended):
            self._reading = True
            self._loop.add_reader(self._descriptor, self._readable)

    # What goes to the client.

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send, or keep until the client reads."""
        if self._closing or not data:
            return
        if self._waiting:
            self._waiting += data
        else:
            try:
                sent = self._tls.send(data)
            except SSL.Error as error:
                sent = self._unsent(error)
            if sent == len(data):
                return
            rest = memoryview(data)[sent:]
            while sent and rest:
                sent = self._send(rest)
                rest = rest[sent:]
            if not rest or self._over:
                return
            self._waiting += rest
            self._loop.add_writer(self._descriptor, self._writable)
        if len(self._waiting) > self._high and not self._paused_writing:
            self._paused_writing = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Send all of it in one piece."""
        self.write(b"".join(list_of_data))

    def _send(self, data: bytes | bytearray | memoryview[Any]) -> int:
        """How much was sent: a record at most, nothing if the client does not read or is gone."""
        try:
            return self._tls.send(data)
        except SSL.Error as error:
            return self._unsent(error)

    def _unsent(self, error: SSL.Error) -> int:
        if not isinstance(error, SSL.WantWriteError | SSL.WantReadError):
            self.abort()
        return 0

    def _writable(self) -> None:
        if self._stuck:
            self._stuck = False
            if self._reading:
                self._loop.add_reader(self._descriptor, self._readable)
        waiting = self._waiting
        while waiting and (sent := self._send(waiting[:RECORD_BYTES])):
            del waiting[:sent]
        if self._over:
            return
        if self._paused_writing and len(waiting) <= self._low:
            self._paused_writing = False
            self._protocol.resume_writing()
        if not waiting:
            self._loop.remove_writer(self._descriptor)
            if self._closing:
                self._say_goodbye()

    def get_write_buffer_size(self) -> int:
        """How much waits to be sent."""
        return len(self._waiting)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Below how much writing goes on, and above how much it pauses."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say how much may wait.

        Args:
            high: More than this pauses the protocol.
            low: This much lets it go on.
        """
        self._high = HIGH_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    def can_write_eof(self) -> bool:
        """TLS has no half of a connection to close."""
        return False

    # The end.

    def is_closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._closing

    def close(self) -> None:
        """Send what waits, say goodbye, and let the client read it all before the socket is closed."""
        if self._closing:
            return
        self._closing = True
        self.pause_reading()
        self._timer = self._loop.call_later(SHUTDOWN_SECONDS, self.abort)
        if not self._waiting:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        with contextlib.suppress(SSL.Error):
            self._tls.shutdown()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        if self._ended:
            self.abort()
        else:
            # A socket that is closed with something unread cuts off what the client has not read.
            self._loop.add_reader(self._descriptor, self._throw_away)

    def _throw_away(self) -> None:
        try:
            ended = not self._socket.recv(RECORD_BYTES * RECORDS)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self.abort()

    def abort(self) -> None:
        """End it at once."""
        if self._over:
            return
        self._over = self._closing = True
        self._reading = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        self._loop.call_soon(self._finish)

    def _finish(self) -> None:
        try:
            self._protocol.connection_lost(None)
        finally:
            self._socket.close()
