"""What many programs need: their inputs one after the other, lines, numbers with suffixes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.open_files import open_input
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.scheduler import BudgetExceeded
from labkit.embedded.container.shell.streams import Stream, StreamError

_SIZES = {"": 1, "b": 512, "k": 1024, "K": 1024, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "kB": 1000, "KB": 1000,
          "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1 << 20, "GiB": 1 << 30, "c": 1, "w": 2}  # fmt: skip


def is_busybox(process: Process) -> bool:
    """Whether the image's programs speak as busybox's do."""
    return process.system.image.distribution in ("alpine", "busybox")


def size(text: str) -> int | None:
    """A number with a suffix such as ``1K``, or None."""
    match = re.fullmatch(r"(\d{1,15})([a-zA-Z]{0,3})", text)
    if match is None or match[2] not in _SIZES:
        return None
    return int(match[1]) * _SIZES[match[2]]


async def each_input(process: Process, names: list[str]) -> AsyncIterator[tuple[str, Stream | None]]:
    """Every input by its name; None, and a word on stderr, where one cannot be opened."""
    for name in names or ["-"]:
        try:
            yield name, open_input(process, name)
        except FileError as error:
            await file_problem(process, name, error.reason)
            yield name, None


async def file_problem(process: Process, name: str, reason: str) -> None:
    """Say that a file cannot be read, as the program at hand does."""
    busybox = is_busybox(process)
    command = process.name
    if busybox:
        lead = "can't open" if command not in ("grep", "ls", "egrep", "fgrep") else ""
        await process.err(f"{command}: {lead} '{name}': {reason}\n" if lead else f"{command}: {name}: {reason}\n")
    elif command in ("awk", "mawk", "gawk"):
        await process.err(f'{command}: cannot open "{name}" ({reason})\n')
    elif command in ("head", "tail", "sort", "tac"):
        verb = {"sort": "cannot read:", "tac": "failed to open"}.get(command, "cannot open")
        tail = " for reading" if command != "sort" else ""
        shown = f"'{name}'" if command != "sort" else name
        await process.err(f"{command}: {verb} {shown}{tail}: {reason}\n")
    elif command == "sed":
        await process.err(f"sed: can't read {name}: {reason}\n")
    else:
        await process.err(f"{command}: {name}: {reason}\n")


async def read_problem(process: Process, name: str, error: StreamError) -> None:
    """Say that reading failed on the way."""
    command = process.name
    shown = "standard input" if name == "-" else name
    if command in ("head", "tail"):
        await process.err(f"{command}: error reading '{shown}': {error.reason}\n")
    elif command == "sort":
        await process.err(f"sort: read failed: {shown}: {error.reason}\n")
    elif command == "sed":
        await process.err(f"sed: couldn't read {shown}: {error.reason}\n")
    else:
        await process.err(f"{command}: {'-' if name == '-' else name}: {error.reason}\n")


async def chunks(process: Process, stream: Stream) -> AsyncIterator[bytes]:
    """A stream's bytes as they come."""
    while True:
        data = await stream.read()
        if not data:
            return
        await process.scheduler.tick(1 + len(data) / 8000)
        yield data


async def lines(process: Process, stream: Stream, delimiter: bytes = b"\n") -> AsyncIterator[bytes]:
    """A stream's lines with their newlines."""
    rest = b""
    async for data in chunks(process, stream):
        rest += data
        if delimiter not in data:
            if len(rest) > process.scheduler.budget.memory_bytes:
                raise BudgetExceeded("the lab's limit of memory for one command was reached")
            continue
        *whole, rest = rest.split(delimiter)
        for index, line in enumerate(whole):
            if index % 64 == 63:
                await process.scheduler.tick()
            yield line + delimiter
    if rest:
        yield rest


async def everything(process: Process, stream: Stream) -> bytes:
    """All of a stream.

    Raises:
        BudgetExceeded: It is more than one command may hold.
    """
    parts: list[bytes] = []
    total = 0
    async for data in chunks(process, stream):
        parts.append(data)
        total += len(data)
        if total > process.scheduler.budget.memory_bytes:
            raise BudgetExceeded("the lab's limit of memory for one command was reached")
    return b"".join(parts)


async def all_lines(process: Process, names: list[str]) -> tuple[list[bytes], int]:
    """The lines of all inputs without their newlines, and the status."""
    out: list[bytes] = []
    status = 0
    total = 0
    async for name, stream in each_input(process, names):
        if stream is None:
            status = 2 if process.name == "sort" else 1
            continue
        try:
            async for line in lines(process, stream):
                total += len(line) + 40
                if total > 4 * process.scheduler.budget.memory_bytes:
                    raise BudgetExceeded("the lab's limit of memory for one command was reached")
                out.append(line.removesuffix(b"\n"))
        except StreamError as error:
            await read_problem(process, name, error)
            status = 2 if process.name == "sort" else 1
    return out, status


class Buffered:
    """Collects small writes into bigger ones.

    Args:
        process: Whose stdout.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._parts: list[bytes] = []
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Write, now or later."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= 8192:
            await self.flush()

    async def flush(self) -> None:
        """Write what was kept."""
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            await self._process.stdout.write(data)


async def missing_operand(process: Process, what: str = "missing operand") -> int:
    """Say that something was left out, and where to read more."""
    await process.err(f"{process.name}: {what}\nTry '{process.name} --help' for more information.\n")
    return 1
