"""Programs that pass text on: ``cat wc head tail dd``."""

import io
from collections import Counter

from ..files.inodes import FileError
from ..shell.process import Process
from ..shell.redirection import open_path
from ..shell.streams import CHUNK_BYTES, Stream
from .common import chunks, everything, for_each_input, size
from .registry import NOT_SIMULATED, BadOption, Failure, program


@program("cat", options="u A! n! number! show-all! b! number-nonblank! e! E! show-ends! s! squeeze-blank! "
    "t! T! show-tabs! v!")  # fmt: skip
async def cat(process: Process) -> int:
    """Print files."""

    async def copy(name: str, stream: Stream) -> None:
        async for data in chunks(process, stream):
            await process.stdout.write(data)

    return await for_each_input(process, copy)


@program("wc", options="c,bytes l,lines w,words m! chars! L! max-line-length!")
async def wc(process: Process) -> int:
    """Count lines, words and bytes."""
    columns = [letter for letter in "lwc" if process.has(letter)] or list("lwc")
    rows: list[tuple[Counter[str], str]] = []
    total: Counter[str] = Counter()

    async def count(name: str, stream: Stream) -> None:
        counts: Counter[str] = Counter()
        inside = False
        async for data in chunks(process, stream):
            counts["c"] += len(data)
            counts["l"] += data.count(b"\n")
            # The first word of a chunk can be the end of the last one's.
            counts["w"] += len(data.split()) - int(inside and bool(data[:1].strip()))
            inside = bool(data[-1:].strip())
        total.update(counts)
        rows.append((counts, f" {name}" if process.operands else ""))

    status = await for_each_input(process, count)
    if len(process.operands) > 1:
        rows.append((total, " total"))
    # As wide as the total size of the files in GNU's wc; a pipe has no size, and gets 7.
    width = len(str(total["c"])) if process.operands else 7
    if len(columns) == 1 and len(rows) < 2:
        width = 1
    for counts, name in rows:
        numbers = " ".join(str(counts[letter]).rjust(width) for letter in columns)
        await process.out(f"{numbers}{name}\n")
    return status


def _amount(process: Process) -> tuple[bool, str, int]:
    """Return whether bytes are counted instead of lines, the sign of how many, and how many; of one file."""
    # Several files would need titles between them.
    if len(process.operands) > 1 and not process.has("q"):
        raise BadOption(f"several files without -q{NOT_SIMULATED}")
    by_bytes = process.has("c")
    text = process.value("c" if by_bytes else "n") or "10"
    count = size(text.lstrip("-+"))
    if count is None:
        raise Failure(f"invalid number of {'bytes' if by_bytes else 'lines'}: '{text}'")
    return by_bytes, text[0] if text[0] in "-+" else "", count


@program("head", options="q,quiet,silent v! verbose! n,lines= c,bytes= z!")
async def head(process: Process) -> int:
    """Print the beginning of a file."""
    by_bytes, sign, count = _amount(process)
    if sign == "-":
        raise BadOption(f"all but the last {count}{NOT_SIMULATED}")

    async def show(name: str, stream: Stream) -> None:
        left = count
        while left > 0:
            await process.task_loop.tick()
            data = await stream.read(min(left, CHUNK_BYTES) if by_bytes else CHUNK_BYTES)
            if not data:
                return
            newlines = data.count(b"\n")
            if not by_bytes and newlines >= left:
                # The next reader of the same stream begins behind the last line: `{ head -1; cat; }`.
                rest = data.split(b"\n", left)[left]
                stream.unread(rest)
                data = data[: len(data) - len(rest)]
            left -= len(data) if by_bytes else newlines
            await process.stdout.write(data)

    return await for_each_input(process, show)


@program("tail", options="q,quiet v! verbose! f! follow! F! n,lines= c,bytes= r! retry! s! pid! z!")
async def tail(process: Process) -> int:
    """Print the end of a file."""
    by_bytes, sign, count = _amount(process)

    async def show(name: str, stream: Stream) -> None:
        data = await everything(process, stream)
        # Not `splitlines`, for which a carriage return ends a line too.
        pieces = io.BytesIO(data).readlines()
        length = len(data) if by_bytes else len(pieces)
        start = max(0, count - 1 if sign == "+" else length - count)
        await process.stdout.write(data[start:] if by_bytes else b"".join(pieces[start:]))

    return await for_each_input(process, show)


@program("dd")
async def dd(process: Process) -> int:
    """Copy blocks; of the operands ``if``, ``of``, ``bs``, ``count`` and ``status``."""
    given = {"if": "-", "of": "", "bs": "512", "count": "1G", "status": ""}
    for operand in process.operands:
        name, _, value = operand.partition("=")
        if name not in given or not value:
            raise BadOption(f"unrecognized operand '{operand}'{NOT_SIMULATED}")
        given[name] = value
    block = size(given["bs"])
    count = size(given["count"])
    if not block or count is None:
        raise Failure(f"invalid number: '{given['count' if block else 'bs']}'")
    source = _opened(process, given["if"], "r")
    target = _opened(process, given["of"], "w") if given["of"] else process.stdout
    left = block * count
    copied = 0
    while left > 0 and (data := await source.read(min(left, CHUNK_BYTES))):
        await process.task_loop.tick()
        await target.write(data)
        left -= len(data)
        copied += len(data)
    if given["status"] != "none":
        records = f"{copied // block}+{int(copied % block > 0)} records"
        # GNU's has the time as well, which says nothing of a simulated pod.
        await process.err(f"{records} in\n{records} out\n{copied} bytes copied\n")
    return 0


def _opened(process: Process, name: str, flags: str) -> Stream:
    """Return the stream of a file, ``-`` for stdin."""
    try:
        return process.stdin if name == "-" else open_path(process.shell, name, flags)
    except FileError as error:
        raise Failure(f"failed to open '{name}': {error.reason}") from error
