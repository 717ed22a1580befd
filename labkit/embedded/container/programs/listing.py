"""``ls``."""

from __future__ import annotations

import time

from labkit.embedded.container.files.inodes import Device, Directory, File, FileError, Link, Node
from labkit.embedded.container.programs.options import Options, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process

_LETTERS: dict[type[Node], str] = {Directory: "d", Link: "l", Device: "c", File: "-"}
"""The letter of each kind of node."""


def mode_text(node: Node) -> str:
    """``drwxr-xr-x``."""
    out = _LETTERS[type(node)]
    for shift, special, letter in ((6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")):
        bits = node.mode >> shift & 7
        last = "x" if bits & 1 else "-"
        if node.mode & special:
            last = letter if bits & 1 else letter.upper()
        out += ("r" if bits & 4 else "-") + ("w" if bits & 2 else "-") + last
    return out


def node_size(node: Node) -> int:
    """The size ``ls -l`` shows. A directory in memory takes 20 bytes a name, as tmpfs has it."""
    if isinstance(node, Directory):
        return 20 * (len(node.look()) + 2) if node.memory else 4096
    if isinstance(node, Link):
        return len(node.target.encode("utf-8", "surrogateescape"))
    if isinstance(node, File):
        if node.program and not node.data:
            return 40_000 + 97 * len(node.program) * len(node.program) % 100_000
        return 0 if node.generate is not None and not node.memory else len(node.content())
    return 0


def blocks(node: Node) -> int:
    """Kilobytes on disk."""
    if isinstance(node, Directory):
        return 0 if node.memory else 4
    if isinstance(node, File):
        return (node_size(node) + 4095) // 4096 * 4
    return 0


def links(node: Node) -> int:
    """The number of names."""
    if isinstance(node, Directory):
        return 2 + sum(isinstance(child, Directory) for child in node.entries.values())
    return 1


def user_name(process: Process, number: int) -> str | None:
    """A user's name, None without an account."""
    return next((one.name for one in process.system.image.users if one.uid == number), None)


def group_name(process: Process, number: int) -> str | None:
    """A group's name, None without one."""
    return next((one.group for one in process.system.image.users if one.gid == number), None)


def when(process: Process, moment: float) -> str:
    """``Nov 24 16:00``, or with the year for times more than half a year away."""
    recent = abs(process.system.now() - moment) <= 15_778_476
    return time.strftime("%b %e %H:%M" if recent else "%b %e  %Y", time.gmtime(moment))


_LS_OPTIONS = (
    "1 a,all A,almost-all l h! human-readable! r,reverse t R,recursive d,directory p color? full-time! "
    "S! F! classify! i! inode! n! g! o! G! no-group! U! X! m! s! Q! q! k! u! c! x! C! N! b! B! Z! H! L! I! w! T! "
    "group-directories-first! time-style! sort! hide! zero!"
)

Entry = tuple[str, Node]


@program("ls", misuse=2)
async def ls(process: Process) -> int:
    """List directories."""
    options = read_options(process.args, _LS_OPTIONS)
    tops: list[Entry] = []
    status = 0
    for name in options.args or ["."]:
        try:
            node = process.node(name, follow=not options.has("l", "d") or name.endswith("/"))
            if isinstance(node, Link) and not options.has("d", "l"):
                node = process.node(name)
            tops.append((name, node))
        except FileError as error:
            status = await process.fail(f"cannot access '{name}': {error.reason}", 2)
    tops = _ordered(options, tops)
    files = [entry for entry in tops if options.has("d") or not isinstance(entry[1], Directory)]
    queue = [entry for entry in tops if entry not in files]
    if files:
        await _print(process, options, files, total=False)
    titled = len(tops) > 1 or options.has("R") or (status and len(options.args) > 1)
    first = not files
    while queue:
        await process.task_loop.tick()
        name, node = queue.pop(0)
        if titled:
            await process.out(("" if first else "\n") + f"{name}:\n")
        first = False
        if not process.fs.may(node, 4) or not isinstance(node, Directory):
            status = await process.fail(f"cannot open directory '{name}': Permission denied", 2)
            continue
        entries = [
            entry
            for entry in node.look().items()
            if not entry[0].startswith(".") or options.has("a", "A")
        ]
        entries = _ordered(options, entries)
        if options.has("R"):
            base = name.rstrip("/") + "/"
            queue[0:0] = [
                (base + child, below) for child, below in entries if isinstance(below, Directory)
            ]
        if options.has("a"):
            dots: list[Entry] = [(".", node), ("..", node.parent or node)]
            entries = entries + dots[::-1] if options.has("r") else dots + entries
        await _print(process, options, entries, total=True)
    return status


def _ordered(options: Options, entries: list[Entry]) -> list[Entry]:
    """Sort by bytes, as in the C locale of containers, or by time, newest first."""
    out = sorted(entries, key=lambda entry: entry[0].encode("utf-8", "surrogateescape"))
    if options.has("t"):
        out.sort(key=lambda entry: -entry[1].mtime)
    return out[::-1] if options.has("r") else out


async def _print(process: Process, options: Options, entries: list[Entry], *, total: bool) -> None:
    names = [
        name + "/" * (options.has("p") and isinstance(node, Directory)) for name, node in entries
    ]
    if options.has("l"):
        await _long(process, entries, names, total=total)
        return
    if process.stdout.terminal and not options.has("1"):
        await process.out(columns(names, 80))
    else:
        await process.out("".join(name + "\n" for name in names))


def columns(names: list[str], width: int) -> str:
    """Names in columns, as for a terminal."""
    for rows in range(1, len(names) + 1):
        table = [names[start : start + rows] for start in range(0, len(names), rows)]
        widths = [max(len(name) for name in column) + 2 for column in table]
        if sum(widths) - 2 < width or rows == len(names):
            out = []
            for row in range(rows):
                cells = [
                    column[row].ljust(wide)
                    for column, wide in zip(table, widths, strict=True)
                    if row < len(column)
                ]
                out.append("".join(cells).rstrip())
            return "\n".join(out) + "\n"
    return ""


async def _long(process: Process, entries: list[Entry], names: list[str], *, total: bool) -> None:
    def row(node: Node, name: str) -> list[str]:
        return [
            mode_text(node),
            str(links(node)),
            user_name(process, node.uid) or str(node.uid),
            group_name(process, node.gid) or str(node.gid),
            _device(node) if isinstance(node, Device) else str(node_size(node)),
            when(process, node.mtime),
            name + (f" -> {node.target}" if isinstance(node, Link) else ""),
        ]

    if total:
        await process.out(f"total {sum(blocks(node) for _, node in entries)}\n")
    rows = [row(node, name) for (_, node), name in zip(entries, names, strict=True)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    to_the_right = (1, len(widths) - 3)
    for *cells, name in rows:
        padded = [
            cell.rjust(widths[place]) if place in to_the_right else cell.ljust(widths[place])
            for place, cell in enumerate(cells)
        ]
        await process.out(" ".join([*padded, name]) + "\n")


def _device(node: Device) -> str:
    return {"null": "1, 3", "zero": "1, 5", "full": "1, 7", "random": "1, 9", "tty": "5, 0"}.get(
        node.kind, "136, 0"
    )
