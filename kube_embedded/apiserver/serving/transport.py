"""A TLS connection as an asyncio transport, straight on its socket.

asyncio supports only TLS of Python's ``ssl``. Here OpenSSL reads and writes the socket itself, so
that an idle connection needs neither a second transport nor buffers.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from OpenSSL import SSL

from .tls import Reading, shown_certificate

RECORD_BYTES = 16 * 1024
"""The largest TLS record, and so the most that OpenSSL reads or writes at a time."""

RECORDS = 16
"""How many full records are read from one client before the loop serves others."""

HIGH_BYTES = 64 * 1024
LOW_BYTES = 16 * 1024
"""How many buffered bytes make the protocol pause, and how few let it resume."""

SHUTDOWN_SECONDS = 2.0
"""How long a client may take to read the rest after the server has closed."""


class TlsTransport(asyncio.Transport):
    """The transport of a TLS connection, after its handshake."""

    __slots__ = (
        "_closing",
        "_descriptor",
        "_ended",
        "_loop",
        "_over",
        "_paused_writing",
        "_progress",
        "_protocol",
        "_reading",
        "_sending",
        "_socket",
        "_stuck",
        "_surround",
        "_timer",
        "_tls",
        "_waiting",
    )

    def __init__(
        self,
        connection: socket.socket,
        tls: SSL.Connection,
        protocol: asyncio.Protocol,
        surround: Reading = contextlib.nullcontext,
        sending: set[TlsTransport] | None = None,
    ) -> None:
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
        self._surround = surround
        self._waiting = bytearray()
        self._sending: set[TlsTransport] = set() if sending is None else sending
        """The transports with bytes that wait."""
        self._progress = 0.0
        """When the client last took some of them."""
        self._reading = self._paused_writing = False
        self._closing = False
        """Whether the protocol has closed the transport."""
        self._ended = False
        """Whether the client has ended its side."""
        self._stuck = False
        """Whether OpenSSL has to write before it can read."""
        self._over = False
        """Whether the socket is closed."""
        self._timer: asyncio.TimerHandle | None = None
        protocol.connection_made(self)
        self.resume_reading()

    # Reading

    def _readable(self) -> None:
        try:
            with self._surround():
                data = self._tls.recv(RECORD_BYTES)
                self._protocol.data_received(data)
                # A full record is likely followed by more of the same request.
                if len(data) == RECORD_BYTES:
                    self._read_more()
        except SSL.Error as error:
            self._unread(error)
        except ConnectionError:
            self.abort()
        except Exception as error:
            self._fail(error)

    def _read_more(self) -> None:
        # Data left on the socket makes it readable again; OpenSSL does not buffer it.
        for _ in range(RECORDS):
            if not self._reading:
                return
            data = self._tls.recv(RECORD_BYTES)
            self._protocol.data_received(data)
            if len(data) < RECORD_BYTES:
                return

    def _unread(self, error: SSL.Error) -> None:
        """Handle an OpenSSL error: more data is needed, or the connection has ended."""
        if isinstance(error, SSL.WantReadError):
            return
        if isinstance(error, SSL.WantWriteError):
            # The client renegotiates keys and does not read; OpenSSL reads on when its answer is sent.
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
        context = {
            "message": "a protocol failed",
            "exception": error,
            "transport": self,
            "protocol": self._protocol,
        }
        self._loop.call_exception_handler(context)
        self.abort()

    def pause_reading(self) -> None:
        """Stop reading from the socket."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        """Resume reading."""
        if not (self._reading or self._closing or self._ended):
            self._reading = True
            self._loop.add_reader(self._descriptor, self._readable)

    # Writing

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send, or buffer until the client reads."""
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
            self._sending.add(self)
            self._progress = self._loop.time()
            self._loop.add_writer(self._descriptor, self._writable)
        if len(self._waiting) > HIGH_BYTES and not self._paused_writing:
            self._paused_writing = True
            self._protocol.pause_writing()

    def _send(self, data: bytes | bytearray | memoryview[Any]) -> int:
        """Send at most one record; returns how many bytes, 0 if the client does not read or is gone."""
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
            self._progress = self._loop.time()
        if self._over:
            return
        if self._paused_writing and len(waiting) <= LOW_BYTES:
            self._paused_writing = False
            self._protocol.resume_writing()
        if not waiting:
            self._sending.discard(self)
            self._loop.remove_writer(self._descriptor)
            if self._closing:
                self._say_goodbye()

    def get_write_buffer_size(self) -> int:
        """The number of buffered bytes."""
        return len(self._waiting)

    @property
    def stalled_seconds(self) -> float:
        """Return for how long the client has read none of the unsent data."""
        return self._loop.time() - self._progress if self._waiting else 0.0

    # Closing

    def is_closing(self) -> bool:
        """Return whether the connection is closing or closed."""
        return self._closing

    def close(self) -> None:
        """Send the buffer and close_notify, and close the socket when the client has read both."""
        if self._closing:
            return
        self._closing = True
        self.pause_reading()
        # A client that never reads would otherwise hold the socket and its buffer for ever.
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
            # Closing a socket with unread data would discard data that the client has not read yet.
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
        """Close the socket at once."""
        if self._over:
            return
        self._over = self._closing = True
        self._reading = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        self._sending.discard(self)
        # asyncio promises connection_lost in a later turn: the protocol can be in the middle of a call.
        self._loop.call_soon(self._finish)

    def _finish(self) -> None:
        try:
            self._protocol.connection_lost(None)
        finally:
            self._socket.close()
