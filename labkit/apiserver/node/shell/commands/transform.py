"""Programs that change text: ``tr``, ``cut``, ``sort``, ``uniq``, ``base64``, checksums."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any

from labkit.apiserver.node.shell.commands.common import Buffered, all_lines, chunks, each_input, everything, lines
from labkit.apiserver.node.shell.kernel import BudgetExceeded
from labkit.apiserver.node.shell.options import BadOption, complain, read_options
from labkit.apiserver.node.shell.patterns import CLASSES
from labkit.apiserver.node.shell.printf import unescape
from labkit.apiserver.node.shell.process import Process, program
from labkit.apiserver.node.shell.streams import StreamError, decode, encode


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
    try:
        options = read_options(
            process.args,
            "cCdst",
            long={"complement": "c", "delete": "d", "squeeze-repeats": "s", "truncate-set1": "t"},
            stop=True,
        )
        sets = [_tr_set(text) for text in options.args]
    except BadOption as error:
        return await complain(process, error)
    delete, squeeze = options.has("d"), options.has("s")
    if not sets:
        await process.err(f"{process.name}: missing operand\nTry '{process.name} --help' for more information.\n")
        return 1
    if len(sets) == 1 and not delete and not squeeze:
        await process.err(
            f"tr: missing operand after '{options.args[0]}'\nTwo strings must be given when translating.\n"
            "Try 'tr --help' for more information.\n"
        )
        return 1
    if len(sets) > 2 or (len(sets) == 2 and delete and not squeeze):
        await process.err(
            f"tr: extra operand '{options.args[-1]}'\n"
            + ("Only one string may be given when deleting without squeezing repeats.\n" if delete else "")
            + "Try 'tr --help' for more information.\n"
        )
        return 1
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


@program("cut")
async def cut(process: Process) -> int:
    """Print parts of lines."""
    try:
        options = read_options(
            process.args,
            "nsz",
            "bcdf",
            {
                "bytes=": "b",
                "characters=": "c",
                "delimiter=": "d",
                "fields=": "f",
                "only-delimited": "s",
                "complement": "complement",
                "output-delimiter=": "output",
            },
        )
    except BadOption as error:
        return await complain(process, error)
    kind = next((name for name, _ in options.flags if name in ("b", "c", "f")), "")
    if not kind:
        await process.err(
            "cut: you must specify a list of bytes, characters, or fields\nTry 'cut --help' for more information.\n"
        )
        return 1
    ranges = _ranges(options.value(kind) or "")
    if ranges is None:
        text = options.value(kind) or ""
        what = "fields are numbered from 1" if kind == "f" else "byte/character positions are numbered from 1"
        if re.search(r"[^\d,-]", text):
            noun = "field value" if kind == "f" else "byte/character position"
            what = f"invalid {noun} '{text}'"
        await process.err(f"cut: {what}\nTry 'cut --help' for more information.\n")
        return 1
    delimiter = options.value("d")
    if delimiter is not None and len(encode(delimiter)) != 1:
        await process.err("cut: the delimiter must be a single character\nTry 'cut --help' for more information.\n")
        return 1
    separator = encode(delimiter or "\t")
    joint = encode(options.value("output") or "") or separator
    status = 0
    output = Buffered(process)
    async for name, stream in each_input(process, options.args):
        if stream is None:
            status = 1
            continue
        try:
            async for line in lines(process, stream):
                line = line.removesuffix(b"\n")
                if kind == "f":
                    if separator not in line:
                        if options.has("s"):
                            continue
                        await output.write(line + b"\n")
                        continue
                    fields = line.split(separator)
                    chosen = _choose(fields, ranges, complement=options.has("complement"))
                    await output.write(joint.join(chosen) + b"\n")
                else:
                    pieces = [line[index : index + 1] for index in range(len(line))]
                    await output.write(b"".join(_choose(pieces, ranges, complement=options.has("complement"))) + b"\n")
        except StreamError as error:
            status = await process.fail(f"{name}: {error.reason}")
    await output.flush()
    return status


def _choose(items: list[bytes], ranges: list[tuple[int, int]], *, complement: bool) -> list[bytes]:
    if len(ranges) == 1 and not complement:
        return items[ranges[0][0] - 1 : ranges[0][1]]
    return [
        item for place, item in enumerate(items, 1) if any(low <= place <= high for low, high in ranges) != complement
    ]


def _number_key(text: bytes) -> float:
    match = re.match(rb"\s*-?\d{0,30}(?:\.\d{0,30})?", text)
    try:
        return float(match[0]) if match and match[0].strip() not in (b"", b"-", b".") else 0.0
    except ValueError:
        return 0.0


def _human_key(text: bytes) -> tuple[int, float]:
    match = re.match(rb"\s*(-?\d{1,30}(?:\.\d{0,30})?)([KMGTPE]?)", text)
    if match is None:
        return (0, 0.0)
    return (b"KMGTPE".find(match[2]) + 1 if match[2] else 0, float(match[1]))


def _version_key(text: bytes) -> list[tuple[int, Any]]:
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in re.split(rb"(\d{1,18})", text) if piece]


def _sort_key(line: bytes, spec: str, separator: bytes | None, flags: str) -> Any:
    match = re.fullmatch(r"(\d+)(?:\.(\d+))?([bdfginrhVM]*)(?:,(\d+)(?:\.(\d+))?([bdfginrhVM]*))?", spec)
    text = line
    if match is not None:
        fields = line.split(separator) if separator else re.findall(rb"\s*[^\s]+", line)
        last = int(match[4]) if match[4] else len(fields)
        joint = separator or b""
        text = joint.join(fields[int(match[1]) - 1 : last])
        if match[2]:
            text = text[int(match[2]) - 1 :]
        flags = (match[3] + (match[6] or "")) or flags
    if "n" in flags or "g" in flags:
        return _number_key(text)
    if "h" in flags:
        return _human_key(text)
    if "V" in flags:
        return _version_key(text)
    if "b" in flags:
        text = text.lstrip()
    if "d" in flags:
        text = re.sub(rb"[^A-Za-z0-9\s]", b"", text)
    return text.upper() if "f" in flags else text


@program("sort")
async def sort(process: Process) -> int:
    """Sort lines."""
    try:
        options = read_options(
            process.args,
            "bcCdfghinmMrRsuVz",
            "kotST",
            {
                "reverse": "r",
                "unique": "u",
                "numeric-sort": "n",
                "key=": "k",
                "field-separator=": "t",
                "output=": "o",
                "ignore-case": "f",
                "human-numeric-sort": "h",
                "version-sort": "V",
                "stable": "s",
                "check": "c",
            },
        )
    except BadOption as error:
        return await complain(process, error, 2)
    found, status = await all_lines(process, options.args)
    if status:
        return status
    flags = "".join(name for name, _ in options.flags if len(name) == 1)
    keys = [value for name, value in options.flags if name == "k"]
    for key in keys:
        if not re.fullmatch(r"[1-9]\d*(\.\d+)?[bdfginrhVM]*(,\d+(\.\d+)?[bdfginrhVM]*)?", key):
            return await process.fail(f"invalid number at field start: invalid count at start of '{key}'", 2)
    separator = encode(options.value("t") or "") or None
    if separator and len(separator) > 1 and options.value("t") != "\\0":
        return await process.fail(f"multi-character tab '{options.value('t')}'", 2)
    process.kernel.charge(len(found) / 200)
    ordered = sorted(found, reverse="r" in flags) if "s" not in flags else list(found)
    for spec in reversed(keys or [""]):
        own = "".join(re.findall(r"[bdfginrhVM]", spec))
        reverse = "r" in (own or flags)

        def order(line: bytes, spec: str = spec) -> Any:
            return _sort_key(line, spec, separator, flags)

        ordered.sort(key=order, reverse=reverse)
        if reverse and keys:
            pass
    if options.has("c"):
        if ordered != found:
            places = (place for place in range(1, len(found)) if found[place] < found[place - 1])
            bad = next(places, len(found) - 1)
            await process.err(f"sort: -:{bad + 1}: disorder: {decode(found[bad])}\n")
            return 1
        return 0
    if "u" in flags:
        unique: list[bytes] = []
        seen: object = object()
        for line in ordered:
            mark = [_sort_key(line, spec, separator, flags) for spec in keys or [""]]
            if mark != seen:
                unique.append(line)
            seen = mark
        ordered = unique
    data = b"".join(line + b"\n" for line in ordered)
    target = options.value("o")
    if target:
        process.fs.write(target, data, process.cwd)
    else:
        await process.stdout.write(data)
    return 0


@program("uniq")
async def uniq(process: Process) -> int:
    """Drop repeated lines."""
    try:
        options = read_options(
            process.args, "cdiuDz", "fsw", {"count": "c", "repeated": "d", "unique": "u", "ignore-case": "i"}
        )
    except BadOption as error:
        return await complain(process, error)
    found, status = await all_lines(process, options.args[:1])
    groups: list[tuple[bytes, int]] = []
    before: bytes | None = None
    for line in found:
        mark = line.lower() if options.has("i") else line
        if groups and mark == before:
            groups[-1] = (groups[-1][0], groups[-1][1] + 1)
        else:
            groups.append((line, 1))
        before = mark
    for line, count in groups:
        if (options.has("d") and count < 2) or (options.has("u") and count > 1):
            continue
        await process.stdout.write((f"{count:7} ".encode() if options.has("c") else b"") + line + b"\n")
    return status


@program("comm")
async def comm(process: Process) -> int:
    """Compare two sorted files."""
    try:
        options = read_options(process.args, "123")
    except BadOption as error:
        return await complain(process, error)
    if len(options.args) != 2:
        await process.err("comm: missing operand\nTry 'comm --help' for more information.\n")
        return 1
    left, first = await all_lines(process, options.args[:1])
    right, second = await all_lines(process, options.args[1:])
    if first or second:
        return 1
    a = b = 0
    hidden = [options.has(letter) for letter in "123"]
    while a < len(left) or b < len(right):
        if b >= len(right) or (a < len(left) and left[a] < right[b]):
            column, line = 0, left[a]
            a += 1
        elif a >= len(left) or right[b] < left[a]:
            column, line = 1, right[b]
            b += 1
        else:
            column, line = 2, left[a]
            a, b = a + 1, b + 1
        if not hidden[column]:
            await process.stdout.write(b"\t" * sum(not hidden[place] for place in range(column)) + line + b"\n")
    return 0


@program("base64", "base32")
async def base64_program(process: Process) -> int:
    """Encode or decode."""
    try:
        options = read_options(process.args, "diD", "w", {"decode": "d", "ignore-garbage": "i", "wrap=": "w"})
    except BadOption as error:
        return await complain(process, error)
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


@program("md5sum", "sha1sum", "sha256sum", "sha512sum")
async def checksum(process: Process) -> int:
    """Print checksums."""
    status = 0
    names = [name for name in process.args if not name.startswith("-") or name == "-"]
    async for name, stream in each_input(process, names):
        if stream is None:
            status = 1
            continue
        try:
            data = await everything(process, stream)
        except StreamError as error:
            status = await process.fail(f"{name}: {error.reason}")
            continue
        await process.out(f"{_HASHES[process.name](data)}  {name}\n")
    return status


@program("cksum")
async def cksum(process: Process) -> int:
    """Print a CRC."""
    async for name, stream in each_input(process, process.args):
        if stream is None:
            return 1
        data = await everything(process, stream)
        await process.out(f"{binascii.crc32(data)} {len(data)}{'' if name == '-' else ' ' + name}\n")
    return 0


@program("seq")
async def seq(process: Process) -> int:
    """Print numbers."""
    args = list(process.args)
    separator, wide = "\n", False
    while args and (args[0] in ("-w", "-s", "-f") or args[0].startswith("-s")):
        option = args.pop(0)
        if option == "-w":
            wide = True
        elif option == "-s" and args:
            separator = args.pop(0)
        elif option == "-f" and args:
            args.pop(0)
        elif option.startswith("-s"):
            separator = option[2:]
    if not args:
        await process.err("seq: missing operand\nTry 'seq --help' for more information.\n")
        return 1
    for word in args:
        if not re.fullmatch(r"[-+]?\d{1,18}(\.\d{1,9})?", word):
            await process.err(
                f"seq: invalid floating point argument: '{word}'\nTry 'seq --help' for more information.\n"
            )
            return 1
    places = max(len(word.partition(".")[2]) for word in args)
    scale = 10**places
    numbers = [round(float(word) * scale) if places else int(word) for word in args]
    first = numbers[0] if len(numbers) > 1 else scale
    step = numbers[1] if len(numbers) > 2 else scale
    last = numbers[-1]
    if not step:
        return await process.fail(f"invalid Zero increment value: '{args[1]}'")
    output = Buffered(process)
    width = max(len(_decimal(first, places)), len(_decimal(last, places))) if wide else 0
    value = first
    started = False
    while (value <= last) if step > 0 else (value >= last):
        await process.kernel.tick(0.3)
        text = _decimal(value, places)
        text = text.zfill(width) if width else text
        await output.write(encode((separator if started else "") + text))
        started = True
        value += step
    if started:
        await output.write(b"\n")
    await output.flush()
    return 0


def _decimal(value: int, places: int) -> str:
    return f"{value / 10**places:.{places}f}" if places else str(value)


@program("shuf")
async def shuf(process: Process) -> int:
    """Print lines in random order."""
    try:
        options = read_options(process.args, "er", "nio")
    except BadOption as error:
        return await complain(process, error)
    status = 0
    span = re.fullmatch(r"(\d{1,6})-(\d{1,6})", options.value("i") or "")
    if options.has("e"):
        items = [encode(word) for word in options.args]
    elif span:
        items = [str(number).encode() for number in range(int(span[1]), int(span[2]) + 1)]
        process.kernel.charge(len(items) / 200)
    else:
        items, status = await all_lines(process, options.args)
    for index in range(len(items) - 1, 0, -1):
        other = int.from_bytes(process.system.random(4), "big") % (index + 1)
        items[index], items[other] = items[other], items[index]
    limit = options.value("n")
    count = int(limit) if limit and limit.isdigit() and len(limit) < 9 else len(items)
    await process.stdout.write(b"".join(item + b"\n" for item in items[:count]))
    return status


@program("cmp")
async def cmp(process: Process) -> int:
    """Compare two files byte by byte."""
    names = [name for name in process.args if not name.startswith("-") or name == "-"]
    if len(names) < 2:
        await process.err("cmp: missing operand\n")
        return 2
    contents = []
    async for _, stream in each_input(process, names[:2]):
        if stream is None:
            return 2
        contents.append(await everything(process, stream))
    first, second = contents
    if first == second:
        return 0
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            if "-s" not in process.args:
                line = first.count(b"\n", 0, place) + 1
                await process.out(f"{names[0]} {names[1]} differ: byte {place + 1}, line {line}\n")
            return 1
    shorter, content = (names[0], first) if len(first) < len(second) else (names[1], second)
    count = content.count(b"\n")
    where = f", line {count}" if content.endswith(b"\n") else f", in line {count + 1}"
    await process.err(f"cmp: EOF on {shorter} after byte {len(content)}{where if content else ''}\n")
    return 1


@program("diff")
async def diff(process: Process) -> int:
    """Compare two files line by line (in the unified form if asked)."""
    import difflib

    try:
        options = read_options(process.args, "uqrNwbiay", "U", {"unified": "u", "brief": "q"})
    except BadOption as error:
        return await complain(process, error, 2)
    if len(options.args) != 2:
        await process.err("diff: missing operand after '" + (options.args[-1] if options.args else "diff") + "'\n")
        return 2
    sides: list[list[str]] = []
    for name in options.args:
        found, status = await all_lines(process, [name])
        if status:
            return 2
        sides.append([decode(line) + "\n" for line in found])
    if sides[0] == sides[1]:
        return 0
    if options.has("q"):
        await process.out(f"Files {options.args[0]} and {options.args[1]} differ\n")
        return 1
    if len(sides[0]) * len(sides[1]) > 1_000_000:
        raise BudgetExceeded("the lab's limit of work for one command was reached")
    process.kernel.charge(len(sides[0]) * len(sides[1]) / 1000 + 1)
    if options.has("u", "U"):
        for line in difflib.unified_diff(sides[0], sides[1], options.args[0], options.args[1]):
            await process.out(line)
        return 1
    for tag, a, b, c, d in difflib.SequenceMatcher(None, sides[0], sides[1], autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        left = f"{a + 1},{b}" if b - a > 1 else str(a + 1 if b > a else a)
        right = f"{c + 1},{d}" if d - c > 1 else str(c + 1 if d > c else c)
        await process.out(f"{left}{ {'replace': 'c', 'delete': 'd', 'insert': 'a'}[tag] }{right}\n")
        for line in sides[0][a:b]:
            await process.out("< " + line)
        if tag == "replace":
            await process.out("---\n")
        for line in sides[1][c:d]:
            await process.out("> " + line)
    return 1


@program("od")
async def od(process: Process) -> int:
    """Dump bytes in octal, or as characters with ``-c``, or in hex with ``-tx1``."""
    try:
        options = read_options(process.args, "abcdoxv", "AtNjw")
    except BadOption as error:
        return await complain(process, error)
    data = b""
    async for _, stream in each_input(process, options.args):
        if stream is None:
            return 1
        data += await everything(process, stream)
    limit = options.value("N")
    if limit and limit.isdigit():
        data = data[: int(limit[:9])]
    names = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}
    for start in range(0, len(data), 16):
        await process.kernel.tick(0.1)
        row = data[start : start + 16]
        address = f"{start:07o}" if options.value("A") != "n" else ""
        if options.has("c"):
            cells = [(names.get(byte) or (chr(byte) if 32 <= byte < 127 else f"{byte:03o}")).rjust(4) for byte in row]
        elif (options.value("t") or "").startswith("x1"):
            cells = [f" {byte:02x}" for byte in row]
        else:
            cells = [f" {int.from_bytes(row[place : place + 2], 'little'):06o}" for place in range(0, len(row), 2)]
        await process.out(address + "".join(cells) + "\n")
    if options.value("A") != "n":
        await process.out(f"{len(data):07o}\n")
    return 0


@program("expand")
async def expand(process: Process) -> int:
    """Replace tabs by blanks."""
    found, status = await all_lines(process, [name for name in process.args if not name.startswith("-")])
    for line in found:
        await process.out(decode(line).expandtabs(8) + "\n")
    return status
