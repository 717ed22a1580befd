"""Programs that show bytes in other forms: ``base64``, checksums, ``od``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable

from labkit.embedded.container.programs.common import each_input, everything
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import StreamError


@program("base64")
async def base64_program(process: Process) -> int:
    """Encode or decode."""
    options = read_options(process.args, "d,decode i,ignore-garbage D w,wrap=")
    small = process.name == "base32"
    width_text = options.value("w") or "76"
    if not re.fullmatch(r"\d{1,9}", width_text):
        return await process.fail(f"invalid wrap size: '{width_text}'")
    data = b""
    async for _, stream in each_input(process, options.args[:1]):
        if stream is None:
            return 1
        try:
            data = await everything(process, stream)
        except StreamError as error:
            return await process.fail(f"read error: {error.reason}")
    if options.has("d", "D"):
        return await _decode64(process, data, small=small, garbage=options.has("i"))
    encoded = base64.b32encode(data) if small else base64.b64encode(data)
    width = int(width_text)
    if not width:
        await process.stdout.write(encoded)
    elif encoded:
        rows = [encoded[start : start + width] for start in range(0, len(encoded), width)]
        await process.stdout.write(b"\n".join(rows) + b"\n")
    return 0


_EVEN = b"AEIMQUYcgkosw048"
"""Base64 digits whose last two bits are zero."""


async def _decode64(process: Process, data: bytes, *, small: bool, garbage: bool) -> int:
    """Decode as far as it goes, then complain, as GNU's does."""
    text = data.replace(b"\n", b"")
    alphabet = rb"[A-Z2-7=]" if small else rb"[A-Za-z0-9+/=]"
    if garbage:
        text = b"".join(re.findall(alphabet, text))
    valid = re.match(
        rb"[A-Z2-7]*=*"
        if small
        else rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{0,3})",
        text,
    )
    good = valid[0] if valid else b""
    rest = text[len(good) :]
    out = b""
    bad = bool(rest)
    if small:
        try:
            out = base64.b32decode(good)
        except binascii.Error:
            bad = True
    else:
        whole = good[: len(good) // 4 * 4]
        out = base64.b64decode(whole) if whole else b""
        tail = good[len(whole) :]
        if tail and not rest:
            # Bits that are left over must be zero.
            bad = len(tail) == 1 or tail[-1] not in (_EVEN if len(tail) == 3 else b"AQgw")
            if len(tail) > 1:
                out += base64.b64decode(tail + b"=" * (4 - len(tail)))
        elif tail and len(tail) > 1:
            out += base64.b64decode(tail + b"=" * (4 - len(tail)))
    await process.stdout.write(out)
    return await process.fail("invalid input") if bad else 0


_HASHES: dict[str, Callable[[bytes], str]] = {
    "md5sum": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha1sum": lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    "sha256sum": lambda data: hashlib.sha256(data).hexdigest(),
    "sha512sum": lambda data: hashlib.sha512(data).hexdigest(),
}
