"""Programs that pass text on: ``cat wc tee``."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import File, FileError
from labkit.embedded.container.programs.common import (
    chunks,
    for_each_input,
    is_busybox,
    lines,
)
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.open_files import open_path
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import Stream, StreamError


@program("cat")
async def cat(process: Process) -> int:
    """Print files."""
    options = read_options(
        process.args, "A,show-all b,number-nonblank e E,show-ends n,number s,squeeze-blank t T,show-tabs u v"
    )
    plain = not options.has(*"AbeEnstTv")
    number = 0
    blank = False

    async def show(name: str, stream: Stream) -> None:
        nonlocal number, blank
        if plain:
            async for data in chunks(process, stream):
                await process.stdout.write(data)
            return
        async for line in lines(process, stream):
            empty = line == b"\n"
            if options.has("s") and empty and blank:
                continue
            blank = empty
            if options.has("b", "n") and not (options.has("b") and empty):
                number += 1
                await process.out(f"{number:6}\t")
            if options.has("T", "A", "t"):
                line = line.replace(b"\t", b"^I")
            if options.has("E", "A", "e") and line.endswith(b"\n"):
                line = line[:-1] + b"$\n"
            await process.stdout.write(line)

    return await for_each_input(process, options.args, show)


_CONTINUATION = bytes(range(0x80, 0xC0))
"""Bytes that begin no character in UTF-8."""


@program("wc")
async def wc(process: Process) -> int:
    """Count lines, words and bytes."""
    options = read_options(process.args, "c,bytes l,lines w,words m,chars L,max-line-length")
    wanted = [letter for letter in "lwmcL" if options.has(letter)] or list("lwc")
    rows: list[tuple[list[int], str]] = []
    total = dict.fromkeys("lwmcL", 0)

    async def count(name: str, stream: Stream) -> None:
        counts = await _counts(process, stream)
        for letter in "lwmc":
            total[letter] += counts[letter]
        total["L"] = max(total["L"], counts["L"])
        rows.append(([counts[letter] for letter in wanted], name if options.args else ""))

    status = await for_each_input(process, options.args, count)
    if len(options.args) > 1:
        rows.append(([total[letter] for letter in wanted], "total"))
    width = _wc_width(process, options.args, wanted, rows)
    for numbers, name in rows:
        await process.out(
            " ".join(str(number).rjust(width) for number in numbers) + (f" {name}" if name else "") + "\n"
        )
    return status


async def _counts(process: Process, stream: Stream) -> dict[str, int]:
    counts = dict.fromkeys("lwmcL", 0)
    inside = False
    column = 0
    async for data in chunks(process, stream):
        counts["c"] += len(data)
        counts["l"] += data.count(b"\n")
        counts["m"] += len(data.translate(None, _CONTINUATION))
        counts["w"] += len(data.split()) - (1 if inside and data[:1].strip() else 0)
        inside = bool(data[-1:].strip())
        for index, piece in enumerate(data.split(b"\n")):
            column = column + len(piece) if not index else len(piece)
            counts["L"] = max(counts["L"], column)
    return counts


def _wc_width(process: Process, names: list[str], wanted: list[str], rows: list[tuple[list[int], str]]) -> int:
    """GNU takes the width of the files' total size, and 7 for what has no size."""
    if is_busybox(process):
        return 9 if len(wanted) > 1 else 1
    if len(wanted) == 1 and len(rows) < 2:
        return 1
    if not names or "-" in names:
        return 7 if len(wanted) > 1 else 1
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


@program("tee")
async def tee(process: Process) -> int:
    """Write to files and to stdout."""
    options = read_options(process.args, "a,append i p")
    outputs: list[Stream] = [process.stdout]
    status = 0
    for name in options.args:
        mode = "a" if options.has("a") else "w"
        try:
            outputs.append(open_path(process.system, name, process.cwd, mode, dict(process.fds)))
        except FileError as error:
            status = await process.fail(f"{name}: {error.reason}")
    async for data in chunks(process, process.stdin):
        for stream in outputs:
            try:
                await stream.write(data)
            except StreamError as error:
                status = await process.fail(f"write error: {error.reason}")
    return status
