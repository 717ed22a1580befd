"""Programs that change lines and bytes: ``tr cut sort seq base64``."""

import base64
import re
from functools import partial
from itertools import groupby

from ..shell.patterns import CLASSES
from ..shell.process import Process
from ..shell.quoting import unescape
from ..shell.streams import Stream, encode
from .common import all_lines, chunks, everything, for_each_input, line_batches
from .registry import NOT_SIMULATED, BadOption, Failure, program

_ASCII = "".join(map(chr, range(128)))
SEQ_BATCH = 500


def _tr_set(text: str) -> bytes:
    """Return the bytes of one of ``tr``'s sets."""

    def members(match: re.Match[str]) -> str:
        if match[1] not in CLASSES:
            raise BadOption(f"invalid character class '{match[1]}'")
        # The punctuation has a backslash and a minus, which mean something in a set.
        return re.sub(r"[\\-]", r"\\\g<0>", "".join(re.findall(f"[{CLASSES[match[1]]}]", _ASCII)))

    def spread(match: re.Match[bytes]) -> bytes:
        return bytes(range(match[1][0], match[2][0] + 1)) or match[0]

    text = re.sub(r"\[:(\w+):\]", members, text).replace("\\-", "\\055")
    return re.sub(rb"(.)-(.)", spread, encode(unescape(text)[0]), flags=re.DOTALL)


@program(
    "tr",
    options="c,complement C d,delete s,squeeze-repeats t!",
    stop=True,
    missing="missing operand",
)
async def tr(process: Process) -> int:
    """Replace or delete characters."""
    delete = process.has("d")
    squeeze = process.has("s")
    first, *others = map(_tr_set, process.operands)
    if not others and not delete and not squeeze:
        raise BadOption(
            f"missing operand after '{process.operands[0]}'\nTwo strings must be given when translating."
        )
    if len(others) > (not delete or squeeze):
        raise BadOption(f"extra operand '{process.operands[-1]}'")
    if process.has("c", "C"):
        first = bytes(sorted(set(range(256)) - set(first)))
    last_set = others[-1] if others else first
    table = None
    if others and not delete:
        if not last_set:
            raise Failure("when not truncating set1, string2 must be non-empty")
        # Of several equal characters in the first set the last one decides.
        pairs = [*zip(first, last_set.ljust(len(first), last_set[-1:]), strict=False)]
        table = bytes(dict(pairs).get(code, code) for code in range(256))
    repeats = (
        re.compile(b"([" + re.escape(last_set) + b"])\\1+", re.DOTALL)
        if squeeze and last_set
        else None
    )
    last = b""
    async for data in chunks(process, process.stdin):
        data = data.translate(table, first if delete else b"")
        if repeats is not None:
            # A run of one character can begin in the chunk before.
            joined = repeats.sub(rb"\1", last + data)
            data = joined[len(last) :]
            last = joined[-1:]
        await process.stdout.write(data)
    return 0


def _ranges(text: str, kind: str) -> list[tuple[int, int]]:
    """Parse the list of ``cut``, such as ``1,3-``."""
    ranges: list[tuple[int, int]] = []
    for piece in text.split(","):
        match = re.fullmatch(r"(\d{0,9})(-?)(\d{0,9})", piece)
        if match is None:
            name = "field value" if kind == "f" else "byte/character position"
            raise BadOption(f"invalid {name} '{text}'")
        low = int(match[1] or 1)
        if not low or piece in ("", "-"):
            name = "fields" if kind == "f" else "byte/character positions"
            raise BadOption(f"{name} are numbered from 1")
        high = match[3] or (1 << 60 if match[2] else low)
        ranges.append((low, int(high)))
    return ranges


@program("cut", options="s,only-delimited z! b,bytes= c,characters= d,delimiter= f,fields= complement! "
    "output-delimiter!")  # fmt: skip
async def cut(process: Process) -> int:
    """Print parts of lines."""
    kind = next((name for name, _ in process.flags if name in "bcf"), "")
    if not kind:
        raise BadOption("you must specify a list of bytes, characters, or fields")
    ranges = _ranges(process.value(kind) or "", kind)
    delimiter = encode(process.value("d") or "\t")
    if len(delimiter) != 1:
        raise BadOption("the delimiter must be a single character")
    separator = delimiter if kind == "f" else b""

    def chosen(line: bytes) -> bytes | None:
        if separator and separator not in line:
            return None if process.has("s") else line
        pieces = line.split(separator) if separator else [*map(bytes, zip(line, strict=True))]
        return separator.join(
            piece
            for number, piece in enumerate(pieces, 1)
            if any(low <= number <= high for low, high in ranges)
        )

    async def write(name: str, stream: Stream) -> None:
        async for batch in line_batches(process, stream):
            parts = map(chosen, batch)
            await process.stdout.write(b"".join(part + b"\n" for part in parts if part is not None))

    return await for_each_input(process, write)


@program("seq", missing="missing operand")
async def seq(process: Process) -> int:
    """Print whole numbers."""
    for word in process.args:
        if not re.fullmatch(r"[-+]?\d{1,18}", word):
            raise Failure(f"{word}{NOT_SIMULATED}")
    numbers = [int(word) for word in process.args]
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) > 2 else 1
    if not step:
        raise Failure(f"invalid Zero increment value: '{process.args[1]}'")
    values = range(first, numbers[-1] + (1 if step > 0 else -1), step)
    for start in range(0, len(values), SEQ_BATCH):
        await process.task_loop.tick(SEQ_BATCH / 3)
        batch = values[start : start + SEQ_BATCH]
        await process.stdout.write(b"".join(b"%d\n" % value for value in batch))
    return 0


@program("base64", options="d,decode i! ignore-garbage! w,wrap=")
async def base64_program(process: Process) -> int:
    """Encode or decode."""
    width = process.value("w") or "76"
    if not re.fullmatch(r"\d{1,9}", width):
        raise Failure(f"invalid wrap size: '{width}'")
    del process.operands[1:]

    async def convert(name: str, stream: Stream) -> None:
        data = await everything(process, stream)
        if not process.has("d"):
            encoded = base64.b64encode(data)
            step = int(width)
            if step:
                rows = (encoded[start : start + step] for start in range(0, len(encoded), step))
                encoded = b"".join(row + b"\n" for row in rows)
            await process.stdout.write(encoded)
            return
        # GNU decodes the longest valid prefix, adds padding that is missing, and then complains of the rest.
        text = data.replace(b"\n", b"").rstrip(b"=")
        match = re.match(rb"[A-Za-z0-9+/]*", text)
        digits = match[0] if match else b""
        digits = digits[: len(digits) - (len(digits) % 4 == 1)]
        decoded = base64.b64decode(digits + b"=" * (-len(digits) % 4))
        await process.stdout.write(decoded)
        if base64.b64encode(decoded).rstrip(b"=") != text:
            raise Failure("invalid input")

    return await for_each_input(process, convert)


def _sort_key(line: bytes, flags: str) -> float | bytes:
    """Return the value by which a line is compared."""
    if "n" in flags:
        number = re.match(rb"\s*-?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})", line)
        return float(number[0]) if number is not None else 0.0
    return line.upper() if "f" in flags else line


@program(
    "sort",
    misuse=2,
    options="f,ignore-case n,numeric-sort r,reverse u,unique b! ignore-leading-blanks! d! g! h! "
    "human-numeric-sort! s! stable! V! version-sort! k! key! o! output! t! field-separator! c! check! C! i! m! M! R! "
    "S! T! z!",
)
async def sort(process: Process) -> int:
    """Sort lines."""
    rows, status = await all_lines(process, failed=2)
    if status:
        return status
    process.task_loop.charge(len(rows) / 200)
    compared = partial(_sort_key, flags="".join(name for name, _ in process.flags))
    # Lines with the same key are ordered by their bytes: GNU's "last-resort comparison".
    # Bytes are compared, because containers have no locale (LC_ALL=C).
    rows.sort(reverse=process.has("r"))
    rows.sort(key=compared, reverse=process.has("r"))
    if process.has("u"):
        rows = [next(equal) for _, equal in groupby(rows, compared)]
    await process.stdout.write(b"".join(line + b"\n" for line in rows))
    return 0
