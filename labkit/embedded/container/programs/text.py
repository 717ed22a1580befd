"""Programs that pass text on: ``cat wc head tail``."""

from __future__ import annotations

from collections import Counter

from labkit.embedded.container.files.inodes import File, FileError
from labkit.embedded.container.programs.common import (
    chunks,
    everything,
    for_each_input,
    lines,
    size,
)
from labkit.embedded.container.programs.options import (
    NOT_SIMULATED,
    BadOption,
    Options,
    read_options,
)
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import Stream


@program("cat")
async def cat(process: Process) -> int:
    """Print files."""
    options = read_options(
        process.args,
        "n,number u A! show-all! b! number-nonblank! e! E! show-ends! s! squeeze-blank! t! T! show-tabs! v!",
    )
    number = 0

    async def show(name: str, stream: Stream) -> None:
        nonlocal number
        if not options.has("n"):
            async for data in chunks(process, stream):
                await process.stdout.write(data)
            return
        async for line in lines(process, stream):
            number += 1
            await process.stdout.write(f"{number:6}\t".encode() + line)

    return await for_each_input(process, options.args, show)


_CONTINUATION = bytes(range(0x80, 0xC0))
"""Bytes that begin no character in UTF-8."""


@program("wc")
async def wc(process: Process) -> int:
    """Count lines, words and bytes."""
    options = read_options(process.args, "c,bytes l,lines w,words m,chars L! max-line-length!")
    columns = [letter for letter in "lwmc" if options.has(letter)] or list("lwc")
    rows: list[tuple[list[int], str]] = []
    total: Counter[str] = Counter()

    async def count(name: str, stream: Stream) -> None:
        counts = await _counts(process, stream)
        total.update(counts)
        rows.append(([counts[letter] for letter in columns], name if options.args else ""))

    status = await for_each_input(process, options.args, count)
    if len(options.args) > 1:
        rows.append(([total[letter] for letter in columns], "total"))
    width = _wc_width(process, options.args, columns, rows)
    for numbers, name in rows:
        await process.out(
            " ".join(str(number).rjust(width) for number in numbers)
            + (f" {name}" if name else "")
            + "\n"
        )
    return status


async def _counts(process: Process, stream: Stream) -> dict[str, int]:
    counts = dict.fromkeys("lwmc", 0)
    inside = False
    async for data in chunks(process, stream):
        counts["c"] += len(data)
        counts["l"] += data.count(b"\n")
        counts["m"] += len(data.translate(None, _CONTINUATION))
        counts["w"] += len(data.split()) - (1 if inside and data[:1].strip() else 0)
        inside = bool(data[-1:].strip())
    return counts


def _wc_width(
    process: Process, names: list[str], columns: list[str], rows: list[tuple[list[int], str]]
) -> int:
    """GNU takes the width of the files' total size, and 7 for what has no size."""
    if len(columns) == 1 and len(rows) < 2:
        return 1
    if not names or "-" in names:
        return 7 if len(columns) > 1 else 1
    total = 0
    for name in names:
        try:
            node = process.node(name)
        except FileError:
            continue
        if not isinstance(node, File):
            return 7
        total += len(node.content())
    return len(str(total))


@program("head")
async def head(process: Process) -> int:
    """Print the beginning of a file."""
    options = read_options(
        _old_style(process.args), "q,quiet,silent v! verbose! n,lines= c,bytes= z!"
    )
    kind, sign, count = _amount(options)
    if sign == "-":
        raise BadOption(f"-{kind} -{count}{NOT_SIMULATED}")

    async def show(name: str, stream: Stream) -> None:
        await _head(process, stream, kind, count)

    return await for_each_input(process, options.args, show)


def _amount(options: Options) -> tuple[str, str, int]:
    """Lines (``n``) or bytes (``c``), the sign of how many, and how many; of one file."""
    if len(options.args) > 1 and not options.has("q"):
        raise BadOption(f"several files without -q{NOT_SIMULATED}")
    kind = next((name for name, _ in reversed(options.flags) if name in ("n", "c")), "n")
    text = options.value(kind) or "10"
    count = size(text.lstrip("-+"))
    if count is None:
        raise FileError(f"invalid number of {'lines' if kind == 'n' else 'bytes'}: '{text}'")
    return kind, text[0] if text[0] in "-+" else "", count


def _old_style(args: list[str]) -> list[str]:
    """``head -5`` is ``head -n 5``."""
    if args and len(args[0]) > 1 and args[0][0] == "-" and args[0][1:].isdigit():
        return ["-n", args[0][1:], *args[1:]]
    return args


async def _head(process: Process, stream: Stream, kind: str, count: int) -> None:
    while count > 0:
        await process.task_loop.tick()
        if kind == "c":
            data = await stream.read(min(count, 16384))
            count -= len(data)
        else:
            data = await stream.read()
            newlines = data.count(b"\n")
            if newlines >= count:
                whole = b"\n".join(data.split(b"\n", count)[:count]) + b"\n"
                stream.unread(data[len(whole) :])
                data = whole
            count -= newlines
        if not data:
            return
        await process.stdout.write(data)


@program("tail")
async def tail(process: Process) -> int:
    """Print the end of a file."""
    options = read_options(
        _old_style(process.args),
        "q,quiet v! verbose! f! follow! F! n,lines= c,bytes= r! retry! s! pid! z!",
    )
    kind, sign, count = _amount(options)

    async def show(name: str, stream: Stream) -> None:
        if sign == "+":
            skip = max(0, count - 1)
            data = await everything(process, stream)
            data = data[skip:] if kind == "c" else b"".join(data.splitlines(keepends=True)[skip:])
        else:
            data = await _last(process, stream, kind, count)
        await process.stdout.write(data)

    return await for_each_input(process, options.args, show)


async def _last(process: Process, stream: Stream, kind: str, count: int) -> bytes:
    """The last bytes or lines, keeping no more than is needed."""
    tail = b""
    enough = 1 << 16
    limit = process.task_loop.budget.memory_bytes
    async for data in chunks(process, stream):
        tail += data
        if kind == "c":
            tail = tail[-count:] if count else b""
        elif len(tail) > enough:
            pieces = tail.split(b"\n")
            tail = b"\n".join(pieces[-(count + 2) :])[-limit:]
            enough = (1 << 16) + 2 * len(
                tail
            )  # so that long ones are not cut again with every chunk
    if kind == "c":
        return tail
    pieces = tail.splitlines(keepends=True)
    return b"".join(pieces[-count:]) if count else b""
