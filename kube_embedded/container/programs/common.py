"""Helpers shared by programs: iterating over inputs, lines and paths, and parsing sizes."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from ...machinery.request import Handler
from ..files.inodes import FileError
from ..network.transport import Listener
from ..shell.process import Process
from ..shell.quoting import quote
from ..shell.redirection import open_input
from ..shell.streams import Stream, StreamError
from ..shell.task_loop import MemoryExceeded
from .registry import Failure

FOREVER = 1e15
"""Seconds that no container lives, for :class:`~kube_embedded.container.shell.task_loop.Sleep`."""

_UNITS = {"": 1, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

_MESSAGES = {
    "head": ("cannot open '{name}' for reading", "error reading '{name}'"),
    "tail": ("cannot open '{name}' for reading", "error reading '{name}'"),
    "sort": ("cannot read: {name}", "read failed: {name}"),
    "sed": ("can't read {name}", "couldn't read {name}"),
    "base64": ("{name}", "read error"),
}
"""Messages of programs about an input that cannot be opened, and about one that cannot be read (a directory)."""


def size(text: str) -> int | None:
    """Parse a number with a suffix such as ``1K``; None if it is not one."""
    match = re.fullmatch(r"(\d{1,15})([kKMG]?)", text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def seconds_of(text: str) -> float | None:
    """Parse an interval such as ``1.5``, ``2m`` or ``infinity``, as ``sleep`` and ``timeout`` take it."""
    if text == "infinity":
        return FOREVER
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})([smhd]?)", text)
    return float(match[1]) * _SECONDS[match[2]] if match else None


async def for_each_input(
    process: Process, action: Callable[[str, Stream], Awaitable[None]], *, failed: int = 1
) -> int:
    """Apply an action to the name and stream of every operand, and report those that cannot be opened or read.

    No operand and ``-`` mean stdin. Returns 0, or ``failed``.
    """
    status = 0
    for name in process.operands or ["-"]:
        try:
            await action(name, open_input(process, name))
        except (FileError, StreamError) as error:
            status = failed
            label = name if re.fullmatch(r"[\w./:,+@%{}-]+", name) else quote(name)
            opening, reading = _MESSAGES.get(process.name, ("{name}", "{name}"))
            message = opening if isinstance(error, FileError) else reading
            await process.fail(f"{message.format(name=label)}: {error.reason}")
    return status


async def for_each_path(
    process: Process, paths: list[str], action: Callable[[str], Awaitable[None]], problem: str
) -> int:
    """Apply an action to every path, and report its failures: ``problem 'path': reason``. Returns 0 or 1."""
    status = 0
    for path in paths:
        await process.task_loop.tick()
        try:
            await action(path)
        except FileError as error:
            status = await process.fail(f"{problem} '{path}': {error.reason}")
        except Failure as error:
            status = await process.fail(str(error))
    return status


async def chunks(process: Process, stream: Stream) -> AsyncIterator[bytes]:
    """Yield a stream's bytes as they come."""
    while data := await stream.read():
        await process.task_loop.tick(1 + len(data) / 8000)
        yield data


async def line_batches(process: Process, stream: Stream) -> AsyncIterator[list[bytes]]:
    """Yield a stream's lines without their newlines, as many at once as are read at once."""
    rest = b""
    async for data in chunks(process, stream):
        rest += data
        if len(rest) > process.task_loop.budget.memory_bytes:
            raise MemoryExceeded
        *batch, rest = rest.split(b"\n")
        # A chunk can have thousands of short lines, each of which is work for the caller.
        process.task_loop.charge(len(batch) / 64)
        if batch:
            yield batch
    if rest:
        yield [rest]


async def everything(process: Process, stream: Stream) -> bytes:
    """Read all of a stream; ``MemoryExceeded`` beyond the memory of one command."""
    content = bytearray()
    async for data in chunks(process, stream):
        content += data
        if len(content) > process.task_loop.budget.memory_bytes:
            raise MemoryExceeded
    return bytes(content)


async def all_lines(process: Process, *, failed: int = 1) -> tuple[list[bytes], int]:
    """Return the lines of all inputs without their newlines, and the status."""
    rows: list[bytes] = []
    total = 0

    async def collect(name: str, stream: Stream) -> None:
        nonlocal total
        async for batch in line_batches(process, stream):
            # 40 bytes are about what Python adds to each line.
            total += sum(map(len, batch)) + 40 * len(batch)
            if total > 4 * process.task_loop.budget.memory_bytes:
                raise MemoryExceeded
            rows.extend(batch)

    return rows, await for_each_input(process, collect, failed=failed)


@contextmanager
def listening(process: Process, port: int, handle: Handler, server: str) -> Iterator[None]:
    """Serve a port of the pod; ``server`` is the name in :class:`Listener`."""
    listeners = process.system.listeners
    listener = listeners[port] = Listener(handle, server)
    try:
        yield
    finally:
        # The server can end after its container has restarted, when another one has the port.
        if listeners.get(port) is listener:
            del listeners[port]
