"""Programs that change the characters of lines: ``tr cut``."""

from __future__ import annotations

import re

from labkit.embedded.container.programs.common import Buffered, chunks, for_each_input, lines, missing_operand
from labkit.embedded.container.programs.options import BadOption, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.patterns import CLASSES
from labkit.embedded.container.shell.printf import unescape
from labkit.embedded.container.shell.process import Process
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
    test = CLASSES.get(name)
    if test is None:
        raise BadOption(f"invalid character class '{name}'")
    out = "".join(chr(code) for code in range(128) if test(chr(code)))
    return out.replace("\\", "\\\\").replace("-", "\\055")


@program("tr")
async def tr(process: Process) -> int:
    """Replace or delete characters."""
    options = read_options(process.args, "c,complement C d,delete s,squeeze-repeats t,truncate-set1", stop=True)
    sets = [_tr_set(text) for text in options.args]
    delete, squeeze = options.has("d"), options.has("s")
    if not sets:
        return await missing_operand(process)
    if len(sets) == 1 and not delete and not squeeze:
        what = f"missing operand after '{options.args[0]}'\nTwo strings must be given when translating."
        return await missing_operand(process, what)
    if len(sets) > 2 or (len(sets) == 2 and delete and not squeeze):
        only = "\nOnly one string may be given when deleting without squeezing repeats." if delete else ""
        return await missing_operand(process, f"extra operand '{options.args[-1]}'{only}")
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
        if match is None or not piece or piece == "-":
            return None
        low = int(match[1] or 1)
        high = int(match[3]) if match[3] else (1 << 60 if match[2] else low)
        if not low:
            return None
        out.append((low, high))
    return sorted(out)


def _choose(items: list[bytes], ranges: list[tuple[int, int]], *, complement: bool) -> list[bytes]:
    if len(ranges) == 1 and not complement:
        return items[ranges[0][0] - 1 : ranges[0][1]]
    return [
        item for place, item in enumerate(items, 1) if any(low <= place <= high for low, high in ranges) != complement
    ]


@program("cut")
async def cut(process: Process) -> int:
    """Print parts of lines."""
    options = read_options(
        process.args, "n s,only-delimited z b,bytes= c,characters= d,delimiter= f,fields= complement output-delimiter="
    )
    kind = next((name for name, _ in options.flags if name in ("b", "c", "f")), "")
    if not kind:
        return await missing_operand(process, "you must specify a list of bytes, characters, or fields")
    ranges = _ranges(options.value(kind) or "")
    if ranges is None:
        text = options.value(kind) or ""
        what = "fields are numbered from 1" if kind == "f" else "byte/character positions are numbered from 1"
        if re.search(r"[^\d,-]", text):
            noun = "field value" if kind == "f" else "byte/character position"
            what = f"invalid {noun} '{text}'"
        return await missing_operand(process, what)
    delimiter = options.value("d")
    if delimiter is not None and len(encode(delimiter)) != 1:
        return await missing_operand(process, "the delimiter must be a single character")
    separator = encode(delimiter or "\t")
    joint = encode(options.value("output-delimiter") or "") or separator
    complement = options.has("complement")
    output = Buffered(process)

    async def choose(name: str, stream: Stream) -> None:
        async for line in lines(process, stream):
            line = line.removesuffix(b"\n")
            if kind != "f":
                pieces = [line[index : index + 1] for index in range(len(line))]
                line = b"".join(_choose(pieces, ranges, complement=complement))
            elif separator in line:
                line = joint.join(_choose(line.split(separator), ranges, complement=complement))
            elif options.has("s"):
                continue
            await output.write(line + b"\n")

    status = await for_each_input(process, options.args, choose)
    await output.flush()
    return status
