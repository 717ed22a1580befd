"""Helpers shared by programs: iterating over inputs and lines, and parsing sizes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.quoting import quote
from labkit.embedded.container.shell.redirection import open_input
from labkit.embedded.container.shell.streams import Stream, StreamError
from labkit.embedded.container.shell.task_loop import MemoryExceeded

_SIZES = {"": 1, "k": 1024, "K": 1024, "M": 1 << 20, "G": 1 << 30}


def size(text: str) -> int | None:
    """A number with a suffix such as ``1K``, or None."""
    match = re.fullmatch(r"(\d{1,15})([a-zA-Z]?)", text)
    return int(match[1]) * _SIZES[match[2]] if match is not None and match[2] in _SIZES else None


async def for_each_input(
    process: Process,
    names: list[str],
    action: Callable[[str, Stream], Awaitable[None]],
    *,
    failed: int = 1,
) -> int:
    """Apply an action to the name and stream of every input, and report those that cannot be opened or read.

    No names and ``-`` mean stdin. Returns 0, or ``failed``.
    """
    status = 0
    for name in names or ["-"]:
        try:
            await action(name, open_input(process, name))
        except (FileError, StreamError) as error:
            status = failed
            opening = isinstance(error, FileError)
            await process.err(_problem(process.name, name, error.reason, opening=opening))
    return status


def _problem(command: str, name: str, reason: str, *, opening: bool) -> str:
    """A program's message about a file that cannot be opened, or of which reading failed."""
    shown = name if re.fullmatch(r"[\w./:,+@%{}-]+", name) else quote(name)
    stream = "standard input" if name == "-" else name
    opened, read = {
        "head": (f"cannot open '{name}' for reading", f"error reading '{stream}'"),
        "tail": (f"cannot open '{name}' for reading", f"error reading '{stream}'"),
        "sort": (f"cannot read: {name}", f"read failed: {stream}"),
        "sed": (f"can't read {name}", f"couldn't read {stream}"),
        "base64": (shown, "read error"),
    }.get(command, (shown, name))
    return f"{command}: {opened if opening else read}: {reason}\n"


class AlreadyReported(Exception):
    """The action on a path failed, which has been reported."""


async def for_each_path(
    process: Process, paths: list[str], action: Callable[[str], Awaitable[None]], problem: str
) -> int:
    """Apply an action to every path, and report where it fails: ``problem 'path': reason``. Returns 0 or 1."""
    status = 0
    for path in paths:
        await process.task_loop.tick()
        try:
            await action(path)
        except FileError as error:
            status = await process.fail(f"{problem} '{path}': {error.reason}")
        except AlreadyReported:
            status = 1
    return status


async def chunks(process: Process, stream: Stream) -> AsyncIterator[bytes]:
    """A stream's bytes as they come."""
    while True:
        data = await stream.read()
        if not data:
            return
        await process.task_loop.tick(1 + len(data) / 8000)
        yield data


async def lines(process: Process, stream: Stream) -> AsyncIterator[bytes]:
    """A stream's lines with their newlines."""
    rest = b""
    async for data in chunks(process, stream):
        rest += data
        if b"\n" not in data:
            if len(rest) > process.task_loop.budget.memory_bytes:
                raise MemoryExceeded
            continue
        *whole, rest = rest.split(b"\n")
        for index, line in enumerate(whole):
            if index % 64 == 63:
                await process.task_loop.tick()
            yield line + b"\n"
    if rest:
        yield rest


async def everything(process: Process, stream: Stream) -> bytes:
    """All of a stream; ``BudgetExceeded`` if it is more than one command may hold."""
    parts: list[bytes] = []
    total = 0
    async for data in chunks(process, stream):
        parts.append(data)
        total += len(data)
        if total > process.task_loop.budget.memory_bytes:
            raise MemoryExceeded
    return b"".join(parts)


async def all_lines(
    process: Process, names: list[str], *, failed: int = 1
) -> tuple[list[bytes], int]:
    """The lines of all inputs without their newlines, and the status."""
    out: list[bytes] = []
    total = 0

    async def collect(name: str, stream: Stream) -> None:
        nonlocal total
        async for line in lines(process, stream):
            total += len(line) + 40
            if total > 4 * process.task_loop.budget.memory_bytes:
                raise MemoryExceeded
            out.append(line.removesuffix(b"\n"))

    return out, await for_each_input(process, names, collect, failed=failed)


def seconds_of(text: str) -> float | None:
    """The length of an interval such as ``1.5``, ``2m`` or ``infinity``, as ``sleep`` and ``timeout`` take it."""
    if text in ("infinity", "inf"):
        return 1e15
    match = re.fullmatch(r"(\d{0,15}(?:\.\d{0,15})?)([smhd]?)", text)
    if match is None or match[1] in ("", "."):
        return None
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


class Buffered:
    """Collects small writes to stdout into bigger ones."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._parts: list[bytes] = []
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Buffer data, and flush when there is enough."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= 8192:
            await self.flush()

    async def flush(self) -> None:
        """Write the buffered data."""
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            await self._process.stdout.write(data)
