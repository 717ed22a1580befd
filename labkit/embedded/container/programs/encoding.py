"""``base64``."""

from __future__ import annotations

import base64
import re

from labkit.embedded.container.programs.common import everything, for_each_input
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import Stream

_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{0,3})")
_LAST_DIGIT = {2: b"AQgw", 3: b"AEIMQUYcgkosw048"}
"""The digits that may end an unfinished group of so many: the bits that are left over must be zero."""


@program("base64")
async def base64_program(process: Process) -> int:
    """Encode or decode."""
    options = read_options(process.args, "d,decode D i,ignore-garbage w,wrap=")
    width = options.value("w") or "76"
    if not re.fullmatch(r"\d{1,9}", width):
        return await process.fail(f"invalid wrap size: '{width}'")
    good = True

    async def convert(name: str, stream: Stream) -> None:
        nonlocal good
        data = await everything(process, stream)
        if options.has("d", "D"):
            decoded, good = _decoded(data, garbage=options.has("i"))
            await process.stdout.write(decoded)
        else:
            await process.stdout.write(_wrapped(base64.b64encode(data), int(width)))

    status = await for_each_input(process, options.args[:1], convert)
    return status if good else await process.fail("invalid input")


def _wrapped(encoded: bytes, width: int) -> bytes:
    if not width or not encoded:
        return encoded
    return b"".join(encoded[start : start + width] + b"\n" for start in range(0, len(encoded), width))


def _decoded(data: bytes, *, garbage: bool) -> tuple[bytes, bool]:
    """What can be decoded from the start, and whether that was all, as GNU's does it."""
    text = data.replace(b"\n", b"")
    if garbage:
        text = b"".join(re.findall(rb"[A-Za-z0-9+/=]", text))
    match = _GROUPS.match(text)
    valid = match[0] if match else b""
    tail = valid[len(valid) // 4 * 4 :]
    decoded = base64.b64decode(valid + b"=" * (-len(tail) % 4)) if len(tail) != 1 else base64.b64decode(valid[:-1])
    if valid != text:
        return decoded, False
    return decoded, not tail or tail[-1] in _LAST_DIGIT.get(len(tail), b"")
