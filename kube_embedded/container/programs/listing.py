"""``ls``."""

import stat
import time
from itertools import zip_longest

from ..files.inodes import Device, Directory, File, FileError, Link, Node
from ..shell.process import Process
from .registry import program

_TYPES: dict[type[Node], int] = {
    Directory: stat.S_IFDIR,
    Link: stat.S_IFLNK,
    Device: stat.S_IFCHR,
    File: stat.S_IFREG,
}
_DEVICES = {"null": "1, 3", "zero": "1, 5", "full": "1, 7", "random": "1, 9", "tty": "5, 0"}
"""The numbers of devices, which ``ls -l`` prints in the place of the size."""

HALF_YEAR_SECONDS = 15_778_476
"""Times that are further away are shown with their year: half of what GNU takes for a year, 365.2425 days."""

TERMINAL_WIDTH = 80


def _size(node: Node) -> int:
    """Return the size that ``ls -l`` shows."""
    match node:
        case Directory():
            # Volumes are on tmpfs, where a name has 20 bytes.
            return 20 * (len(node.look()) + 2) if node.memory else 4096
        case Link():
            return len(node.target.encode("utf-8", "surrogateescape"))
        case File(program=name) if name and not node.data:
            # The programs have no content here, but one expects them to have a size.
            return 40_000 + 97 * len(name) * len(name) % 100_000
        case File() if node.generate is None or node.memory:
            return len(node.content())
    return 0


def _blocks(node: Node) -> int:
    """Return the kilobytes on disk, which the total adds up."""
    if isinstance(node, Directory) and node.memory:
        return 0
    return 0 if isinstance(node, Link) else (_size(node) + 4095) // 4096 * 4


def _long_row(process: Process, node: Node) -> list[str]:
    """Return the columns of ``ls -l`` in front of the name."""
    image = process.system.image
    recent = abs(process.system.now() - node.mtime) <= HALF_YEAR_SECONDS
    links = 1
    size = str(_size(node))
    if isinstance(node, Directory):
        links = 2 + sum(isinstance(child, Directory) for child in node.entries.values())
    elif isinstance(node, Device):
        size = _DEVICES.get(node.kind, "136, 0")
    return [
        stat.filemode(_TYPES[type(node)] | node.mode),
        str(links),
        image.user_name(node.uid) or str(node.uid),
        image.group_name(node.gid) or str(node.gid),
        size,
        time.strftime("%b %e %H:%M" if recent else "%b %e  %Y", time.gmtime(node.mtime)),
    ]


Entry = tuple[str, Node]

_OPTIONS = (
    "1 a,all A,almost-all l h! human-readable! r,reverse t R,recursive d,directory p color? full-time! "
    "S! F! classify! i! inode! n! g! o! G! no-group! U! X! m! s! Q! q! k! u! c! x! C! N! b! B! Z! H! L! I! w! T! "
    "group-directories-first! time-style! sort! hide! zero!"
)


@program("ls", options=_OPTIONS, misuse=2)
async def ls(process: Process) -> int:
    """List directories."""
    tops: list[Entry] = []
    status = 0
    for name in process.operands or ["."]:
        try:
            # Links are followed, but not by -l and -d: these show the link itself.
            follow = not process.has("l", "d") or name.endswith("/")
            tops.append((name, process.node(name, follow=follow)))
        except FileError as error:
            status = await process.fail(f"cannot access '{name}': {error.reason}", 2)
    tops = _ordered(process, tops)
    files = [top for top in tops if process.has("d") or not isinstance(top[1], Directory)]
    queue = [top for top in tops if top not in files]
    if files:
        await _print(process, files)
    titled = len(tops) > 1 or process.has("R") or (status and len(process.operands) > 1)
    separator = "\n" if files else ""
    while queue:
        await process.task_loop.tick()
        name, node = queue.pop(0)
        if titled:
            await process.out(f"{separator}{name}:\n")
        separator = "\n"
        if not process.fs.may(node, 4) or not isinstance(node, Directory):
            status = await process.fail(f"cannot open directory '{name}': Permission denied", 2)
            continue
        children = list(node.look().items())
        if not process.has("a", "A"):
            children = [child for child in children if not child[0].startswith(".")]
        children = _ordered(process, children)
        if process.has("R"):
            base = name.rstrip("/") + "/"
            queue[:0] = [
                (base + child, below) for child, below in children if isinstance(below, Directory)
            ]
        if process.has("a"):
            dots: list[Entry] = [(".", node), ("..", node.parent or node)]
            children = children + dots[::-1] if process.has("r") else dots + children
        if process.has("l"):
            await process.out(f"total {sum(_blocks(below) for _, below in children)}\n")
        await _print(process, children)
    return status


def _ordered(process: Process, entries: list[Entry]) -> list[Entry]:
    """Sort by bytes, as in the C locale of containers, or by time, newest first."""
    entries = sorted(entries, key=lambda entry: entry[0].encode("utf-8", "surrogateescape"))
    if process.has("t"):
        entries.sort(key=lambda entry: -entry[1].mtime)
    return entries[::-1] if process.has("r") else entries


async def _print(process: Process, entries: list[Entry]) -> None:
    names = [
        name + "/" * (process.has("p") and isinstance(node, Directory)) for name, node in entries
    ]
    if process.has("l"):
        rows = [_long_row(process, node) for _, node in entries]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for (_, node), name, row in zip(entries, names, rows, strict=True):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            for number in (1, 4):
                cells[number] = row[number].rjust(widths[number])
            target = f" -> {node.target}" if isinstance(node, Link) else ""
            await process.out(f"{' '.join(cells)} {name}{target}\n")
    elif process.stdout.terminal and not process.has("1"):
        await process.out(columns(names))
    else:
        await process.out("".join(name + "\n" for name in names))


def columns(names: list[str]) -> str:
    """Return names in as few rows as fit into a terminal's width."""
    for count in range(1, len(names) + 1):
        table = [names[start : start + count] for start in range(0, len(names), count)]
        widths = [max(map(len, column)) + 2 for column in table]
        if sum(widths) - 2 < TERMINAL_WIDTH or count == len(names):
            break
    else:
        return ""
    padded = [
        [name.ljust(wide) for name in column] for column, wide in zip(table, widths, strict=True)
    ]
    rows = zip_longest(*padded, fillvalue="")
    return "".join("".join(row).rstrip() + "\n" for row in rows)
