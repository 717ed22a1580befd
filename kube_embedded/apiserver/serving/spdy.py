"""Frames of SPDY/3.1, as far as port-forward needs them: streams that the client opens, with headers, data and ends.

Source: the SPDY protocol, draft 3.1; ``spdy.json`` has the texts that its headers are compressed with.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from kube_embedded.files import read_json

_TEXTS = read_json(__file__, "spdy.json")
DICTIONARY = (
    b"".join(struct.pack(">I", len(word)) + word.encode() for word in _TEXTS["words"])
    + _TEXTS["rest"].encode()
)
VERSION = 0x8003
DATA, SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 0, 1, 2, 3, 6, 7
FIN = 1
CANCEL = 5
LEAST_BYTES = {SYN_STREAM: 10, RST_STREAM: 8, PING: 4}
MAX_FRAME_BYTES = 4 * 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024


class SpdyError(Exception):
    """The client violates the protocol."""


class Frame(NamedTuple):
    """A frame from the client: the data of one of kind ``DATA`` is empty at the end of its stream."""

    kind: int
    stream: int
    data: bytes
    headers: dict[str, str]


class Reader:
    """Reads frames; ``SpdyError`` if they are malformed."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def read(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with some more bytes."""
        self._unread += data
        while len(self._unread) >= 8:
            first, second = struct.unpack_from(">II", self._unread)
            end = 8 + (second & 0xFFFFFF)
            # The length is the client's claim: without a limit it would decide how much memory is held for it.
            if end > MAX_FRAME_BYTES:
                raise SpdyError("a frame is too large")
            if len(self._unread) < end:
                return
            body = bytes(self._unread[8:end])
            del self._unread[:end]
            kind, stream = (
                (first & 0xFFFF, int.from_bytes(body[:4])) if first >> 31 else (DATA, first)
            )
            # Data frames (kind 0) carry no version; their first word is the stream.
            if kind and (first >> 16 != VERSION or len(body) < LEAST_BYTES.get(kind, 0)):
                raise SpdyError("a frame is malformed")
            if kind or body:
                yield Frame(
                    kind, stream, body, self._headers(body[10:]) if kind == SYN_STREAM else {}
                )
            if kind in (DATA, SYN_STREAM) and second >> 24 & FIN:
                yield Frame(DATA, stream, b"", {})

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            # The limit bounds a block that inflates to far more than it has bytes. The decompressor retains its
            # state between blocks, so a truncated block also ends the connection at the next one.
            plain = self._inflate.decompress(block, MAX_HEADER_BYTES)
            found = []
            at = 4
            for _ in range(2 * int.from_bytes(plain[:4])):
                (size,) = struct.unpack_from(">I", plain, at)
                found.append(plain[at + 4 : at + 4 + size].decode())
                at += 4 + size
        except (zlib.error, struct.error, UnicodeDecodeError):
            raise SpdyError("headers are malformed") from None
        return {name.lower(): value for name, value in zip(found[::2], found[1::2], strict=True)}


def reply(stream: int, deflate: zlib._Compress) -> bytes:
    """Accept a stream, without headers."""
    # Four zero bytes are a header block with no headers. The protocol requires one compressor for the whole
    # connection.
    block = deflate.compress(bytes(4)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return control(SYN_REPLY, struct.pack(">I", stream) + block)


def control(kind: int, body: bytes) -> bytes:
    """A control frame."""
    return struct.pack(">HHI", VERSION, kind, len(body)) + body


def data_frame(stream: int, data: bytes) -> bytes:
    """Data on a stream; empty data ends it."""
    return struct.pack(">II", stream, len(data) or FIN << 24) + data


def reset(stream: int) -> bytes:
    """End a stream in both directions."""
    return control(RST_STREAM, struct.pack(">II", stream, CANCEL))
