"""Programs that change lines and bytes: ``tr cut sort seq base64``."""

from __future__ import annotations

import base64
import re
from functools import partial
from itertools import groupby

from labkit.embedded.container.programs.common import (
    Buffered,
    all_lines,
    chunks,
    everything,
    for_each_input,
    lines,
)
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.patterns import CLASSES
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.quoting import unescape
from labkit.embedded.container.shell.streams import Stream, encode


def _tr_set(text: str) -> bytes:
    """The bytes of one of ``tr``'s sets."""
    out = bytearray()
    text = re.sub(r"\[:(\w+):\]", lambda match: _tr_class(match[1]), text)
    data = encode(unescape(text)[0])
    index = 0
    while index < len(data):
        if index + 2 < len(data) and data[index + 1] == 45 and data[index + 2] >= data[index]:
            out.extend(range(data[index], data[index + 2] + 1))
            index += 3
        else:
            out.append(data[index])
            index += 1
    return bytes(out)


def _tr_class(name: str) -> str:
    if name not in CLASSES:
        raise BadOption(f"invalid character class '{name}'")
    out = "".join(re.findall(f"[{CLASSES[name]}]", "".join(map(chr, range(128)))))
    return out.replace("\\", "\\\\").replace("-", "\\055")


@program("tr")
async def tr(process: Process) -> int:
    """Replace or delete characters."""
    known = "c,complement C d,delete s,squeeze-repeats t,truncate-set1"
    options = read_options(process.args, known, stop=True, missing="missing operand")
    sets = [_tr_set(text) for text in options.args]
    delete, squeeze = options.has("d"), options.has("s")
    if len(sets) == 1 and not delete and not squeeze:
        what = f"missing operand after '{options.args[0]}'\nTwo strings must be given when translating."
        raise BadOption(what)
    if len(sets) > 2 or (len(sets) == 2 and delete and not squeeze):
        only = (
            "\nOnly one string may be given when deleting without squeezing repeats."
            if delete
            else ""
        )
        raise BadOption(f"extra operand '{options.args[-1]}'{only}")
    first = sets[0]
    if options.has("c", "C"):
        inside = set(first)
        first = bytes(code for code in range(256) if code not in inside)
    table = None
    if len(sets) == 2 and not delete:
        second = sets[1]
        if not second and first:
            return await process.fail("when not truncating set1, string2 must be non-empty")
        second = (second + second[-1:] * len(first))[: len(first)]
        mapping = bytearray(range(256))
        for source, target in zip(first, second, strict=True):
            mapping[source] = target
        table = bytes(mapping)
    squeezed = sets[1] if squeeze and len(sets) == 2 else first if squeeze else b""
    last = b""
    pattern = re.compile(b"([" + re.escape(squeezed) + b"])\\1+", re.DOTALL) if squeezed else None
    async for data in chunks(process, process.stdin):
        data = data.translate(table, first if delete else b"")
        if pattern is not None:
            data = pattern.sub(rb"\1", data)
            if last and data[:1] == last and data[0] in squeezed:
                data = data[1:]
            last = data[-1:] or last
        await process.stdout.write(data)
    return 0


def _ranges(text: str) -> list[tuple[int, int]] | None:
    out: list[tuple[int, int]] = []
    for piece in text.split(","):
        match = re.fullmatch(r"(\d{0,9})(-?)(\d{0,9})", piece)
        low = int(match[1] or 1) if match is not None and piece not in ("", "-") else 0
        if match is None or not low:
            return None
        out.append((low, int(match[3]) if match[3] else 1 << 60 if match[2] else low))
    return sorted(out)


def _choose(items: list[bytes], ranges: list[tuple[int, int]]) -> list[bytes]:
    if len(ranges) == 1:
        return items[ranges[0][0] - 1 : ranges[0][1]]
    return [
        item
        for place, item in enumerate(items, 1)
        if any(low <= place <= high for low, high in ranges)
    ]


@program("cut")
async def cut(process: Process) -> int:
    """Print parts of lines."""
    options = read_options(
        process.args,
        "s,only-delimited z! b,bytes= c,characters= d,delimiter= f,fields= complement! output-delimiter!",
    )
    kind = next((name for name, _ in options.flags if name in ("b", "c", "f")), "")
    if not kind:
        raise BadOption("you must specify a list of bytes, characters, or fields")
    ranges = _ranges(options.value(kind) or "")
    if ranges is None:
        text = options.value(kind) or ""
        if re.search(r"[^\d,-]", text):
            raise BadOption(
                f"invalid {'field value' if kind == 'f' else 'byte/character position'} '{text}'"
            )
        raise BadOption(
            f"{'fields' if kind == 'f' else 'byte/character positions'} are numbered from 1"
        )
    delimiter = options.value("d")
    if delimiter is not None and len(encode(delimiter)) != 1:
        raise BadOption("the delimiter must be a single character")
    separator = encode(delimiter or "\t")
    output = Buffered(process)

    async def choose(name: str, stream: Stream) -> None:
        async for line in lines(process, stream):
            line = line.removesuffix(b"\n")
            if kind != "f":
                pieces = [line[index : index + 1] for index in range(len(line))]
                line = b"".join(_choose(pieces, ranges))
            elif separator in line:
                line = separator.join(_choose(line.split(separator), ranges))
            elif options.has("s"):
                continue
            await output.write(line + b"\n")

    status = await for_each_input(process, options.args, choose)
    await output.flush()
    return status


@program("seq")
async def seq(process: Process) -> int:
    """Print whole numbers."""
    if not process.args:
        raise BadOption("missing operand")
    for word in process.args:
        if re.fullmatch(r"-[a-z].*|[-+]?\d*\.\d*", word):
            return await process.fail(f"{word}{NOT_SIMULATED}")
        if not re.fullmatch(r"[-+]?\d{1,18}", word):
            raise BadOption(f"invalid floating point argument: '{word}'")
    numbers = [int(word) for word in process.args]
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) > 2 else 1
    if not step:
        return await process.fail(f"invalid Zero increment value: '{process.args[1]}'")
    output = Buffered(process)
    for value in range(first, numbers[-1] + (1 if step > 0 else -1), step):
        await process.task_loop.tick(0.3)
        await output.write(b"%d\n" % value)
    await output.flush()
    return 0


_GROUPS = re.compile(
    rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{0,3})"
)
_LAST_DIGIT = {2: b"AQgw", 3: b"AEIMQUYcgkosw048"}
"""The last digits that an unpadded group may have, by its length: its spare bits must be zero."""


@program("base64")
async def base64_program(process: Process) -> int:
    """Encode or decode."""
    options = read_options(process.args, "d,decode i! ignore-garbage! w,wrap=")
    width = options.value("w") or "76"
    if not re.fullmatch(r"\d{1,9}", width):
        return await process.fail(f"invalid wrap size: '{width}'")
    good = True

    async def convert(name: str, stream: Stream) -> None:
        nonlocal good
        data = await everything(process, stream)
        if options.has("d"):
            decoded, good = _decoded(data)
            await process.stdout.write(decoded)
        else:
            await process.stdout.write(_wrapped(base64.b64encode(data), int(width)))

    status = await for_each_input(process, options.args[:1], convert)
    return status if good else await process.fail("invalid input")


def _wrapped(encoded: bytes, width: int) -> bytes:
    if not width or not encoded:
        return encoded
    return b"".join(
        encoded[start : start + width] + b"\n" for start in range(0, len(encoded), width)
    )


def _decoded(data: bytes) -> tuple[bytes, bool]:
    """Decode the longest valid prefix, as GNU base64 does; also return whether that was all."""
    text = data.replace(b"\n", b"")
    match = _GROUPS.match(text)
    valid = match[0] if match else b""
    tail = valid[len(valid) // 4 * 4 :]
    decoded = (
        base64.b64decode(valid + b"=" * (-len(tail) % 4))
        if len(tail) != 1
        else base64.b64decode(valid[:-1])
    )
    if valid != text:
        return decoded, False
    return decoded, not tail or tail[-1] in _LAST_DIGIT.get(len(tail), b"")


def _sort_key(line: bytes, flags: str) -> float | bytes:
    """The value by which a line is compared."""
    if "n" in flags:
        number = re.match(rb"\s*-?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})", line)
        return float(number[0]) if number is not None else 0.0
    return line.upper() if "f" in flags else line


@program("sort", misuse=2)
async def sort(process: Process) -> int:
    """Sort lines."""
    options = read_options(
        process.args,
        "f,ignore-case n,numeric-sort r,reverse u,unique b! ignore-leading-blanks! d! g! h! human-numeric-sort! s! "
        "stable! V! version-sort! k! key! o! output! t! field-separator! c! check! C! i! m! M! R! S! T! z!",
    )
    rows, status = await all_lines(process, options.args, failed=2)
    if status:
        return status
    process.task_loop.charge(len(rows) / 200)
    compared = partial(_sort_key, flags="".join(name for name, _ in options.flags))
    rows.sort(reverse=options.has("r"))
    rows.sort(key=compared, reverse=options.has("r"))
    if options.has("u"):
        rows = [next(lines) for _, lines in groupby(rows, compared)]
    await process.stdout.write(b"".join(line + b"\n" for line in rows))
    return 0
