"""``ls``, ``stat``, ``file`` sizes: what the tree looks like."""

from __future__ import annotations

import time

from labkit.embedded.container.files.inodes import Device, Directory, File, FileError, Link, Node
from labkit.embedded.container.programs.common import is_busybox
from labkit.embedded.container.programs.options import Options, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process


def mode_text(node: Node) -> str:
    """``drwxr-xr-x``."""
    kind = (
        "d"
        if isinstance(node, Directory)
        else "l"
        if isinstance(node, Link)
        else "c"
        if isinstance(node, Device)
        else "-"
    )
    out = kind
    for shift, special, letter in ((6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")):
        bits = node.mode >> shift & 7
        out += "r" if bits & 4 else "-"
        out += "w" if bits & 2 else "-"
        if node.mode & special:
            out += letter if bits & 1 else letter.upper()
        else:
            out += "x" if bits & 1 else "-"
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


def inode(node: Node) -> int:
    """A number for ``ls -i`` and ``stat``."""
    return id(node) % 900_000 + 100_000


def owner(process: Process, number: int) -> str:
    """A user's name, or the number."""
    return next((one.name for one in process.system.image.users if one.uid == number), str(number))


def group(process: Process, number: int) -> str:
    """A group's name, or the number."""
    return next((one.group for one in process.system.image.users if one.gid == number), str(number))


def human(number: int) -> str:
    """``4.0K``."""
    value = float(number)
    for unit in ("", "K", "M", "G", "T"):
        if value < 1024:
            if not unit:
                return str(int(value))
            return (
                f"{value:.1f}{unit}"
                if value < 10
                else f"{value + 0.999:.0f}{unit}"
                if value % 1
                else f"{int(value)}{unit}"
            )
        value /= 1024
    return f"{value:.0f}P"


def when(process: Process, moment: float) -> str:
    """``Nov 24 16:00``, or the year if it is long ago."""
    stamp = time.gmtime(moment)
    if abs(process.system.now() - moment) > 15_778_476:
        return f"{time.strftime('%b', stamp)} {stamp.tm_mday:2}  {stamp.tm_year}"
    return f"{time.strftime('%b', stamp)} {stamp.tm_mday:2} {time.strftime('%H:%M', stamp)}"


_LS_OPTIONS = (
    "1 a,all A,almost-all l h,human-readable r,reverse t S R,recursive d,directory F,classify? p i,inode n g o "
    "G,no-group U color? full-time group-directories-first X! m! s! Q! q! k! u! c! x! C! N! b! B! Z! H! L! I! w! T! "
    "time-style! sort! hide! zero!"
)


@program("ls", misuse=2)
async def ls(process: Process) -> int:
    """List directories."""
    options = read_options(process.args, _LS_OPTIONS)
    status = 0
    files: list[tuple[str, Node]] = []
    directories: list[tuple[str, Directory]] = []
    for name in options.args or ["."]:
        try:
            node = process.node(name, follow=not options.has("l", "d", "F") or name.endswith("/"))
            if isinstance(node, Link) and not options.has("d", "l"):
                node = process.node(name)
        except FileError as error:
            if is_busybox(process):
                status = await process.fail(f"{name}: {error.reason}", 1)
            else:
                status = await process.fail(f"cannot access '{name}': {error.reason}", 2)
            continue
        if isinstance(node, Directory) and not options.has("d"):
            directories.append((name, node))
        else:
            files.append((name, node))
    if files:
        await _print(process, options, _ordered(options, files), total=False)
    titled = len(files) + len(directories) > 1 or options.has("R") or (status and len(options.args) > 1)
    queue = _ordered(options, list(directories))
    first = not files
    while queue:
        await process.scheduler.tick()
        name, node = queue.pop(0)
        if not isinstance(node, Directory):
            continue
        if titled:
            await process.out(("" if first else "\n") + f"{name}:\n")
        first = False
        if not process.fs.may(node, 4):
            status = await process.fail(f"cannot open directory '{name}': Permission denied", 2)
            continue
        entries: list[tuple[str, Node]] = [
            (child, below) for child, below in node.look().items() if not child.startswith(".") or options.has("a", "A")
        ]
        entries = _ordered(options, entries)
        if options.has("R"):
            base = name.rstrip("/") + "/" if name != "/" else "/"
            queue[0:0] = [(base + child, below) for child, below in entries if isinstance(below, Directory)]
        if options.has("a"):
            dots: list[tuple[str, Node]] = [(".", node), ("..", node.parent or node)]
            entries = entries + dots[::-1] if options.has("r") else dots + entries
        await _print(process, options, entries, total=True)
    return status


def _ordered(options: Options, entries: list[tuple[str, Node]]) -> list[tuple[str, Node]]:
    if options.has("U"):
        return entries
    out = sorted(entries, key=lambda entry: _collate(entry[0]))
    if options.has("S"):
        out.sort(key=lambda entry: -node_size(entry[1]))
    if options.has("t"):
        out.sort(key=lambda entry: -entry[1].mtime)
    if options.has("group-directories-first"):
        out.sort(key=lambda entry: not isinstance(entry[1], Directory))
    return out[::-1] if options.has("r") else out


def _collate(name: str) -> bytes:
    """By bytes: containers run without a locale."""
    return name.encode("utf-8", "surrogateescape")


async def _print(process: Process, options: Options, entries: list[tuple[str, Node]], *, total: bool) -> None:
    names = [name + _mark(options, node) for name, node in entries]
    if options.has("l", "g", "n", "o", "full-time"):
        await _long(process, options, entries, names, total=total)
        return
    if options.has("i"):
        names = [f"{inode(node)} {name}" for name, (_, node) in zip(names, entries, strict=True)]
    if not names:
        return
    if process.stdout.terminal and not options.has("1"):
        await process.out(columns(names, 80))
    else:
        await process.out("\n".join(names) + "\n")


def _mark(options: Options, node: Node) -> str:
    if options.has("F"):
        if isinstance(node, Link):
            return "" if options.has("l") else "@"
        if isinstance(node, File) and node.mode & 0o111:
            return "*"
    return "/" if options.has("F", "p") and isinstance(node, Directory) else ""


def columns(names: list[str], width: int) -> str:
    """Names in columns, as for a terminal."""
    for rows in range(1, len(names) + 1):
        table = [names[start : start + rows] for start in range(0, len(names), rows)]
        widths = [max(len(name) for name in column) + 2 for column in table]
        if sum(widths) - 2 < width or rows == len(names):
            out = []
            for row in range(rows):
                cells = [
                    column[row].ljust(wide) for column, wide in zip(table, widths, strict=True) if row < len(column)
                ]
                out.append("".join(cells).rstrip())
            return "\n".join(out) + "\n"
    return ""


async def _long(
    process: Process, options: Options, entries: list[tuple[str, Node]], names: list[str], *, total: bool
) -> None:
    rows: list[list[str]] = []
    kilobytes = 0
    for (_, node), name in zip(entries, names, strict=True):
        kilobytes += blocks(node)
        length = node_size(node)
        numeric = options.has("n")
        row = [
            mode_text(node),
            str(links(node)),
            "" if options.has("g") else str(node.uid) if numeric else owner(process, node.uid),
            "" if options.has("o", "G") else str(node.gid) if numeric else group(process, node.gid),
            _device(node) if isinstance(node, Device) else human(length) if options.has("h") else str(length),
            time.strftime("%Y-%m-%d %H:%M:%S.000000000 +0000", time.gmtime(node.mtime))
            if options.has("full-time")
            else when(process, node.mtime),
            name + (f" -> {node.target}" if isinstance(node, Link) else ""),
        ]
        rows.append([cell for cell in row if cell])
    if total:
        await process.out(f"total {human(kilobytes * 1024) if options.has('h') else kilobytes}\n")
    if not rows:
        return
    count = len(rows[0])
    widths = [max(len(row[place]) for row in rows) for place in range(count)]
    for row in rows:
        cells = []
        for place, cell in enumerate(row):
            if place == count - 1:
                cells.append(cell)
            elif place in (1, count - 3):
                cells.append(cell.rjust(widths[place]))
            else:
                cells.append(cell.ljust(widths[place]))
        await process.out(" ".join(cells) + "\n")


def _device(node: Device) -> str:
    return {"null": "1, 3", "zero": "1, 5", "full-time": "1, 7", "random": "1, 9", "tty": "5, 0"}.get(
        node.kind, "136, 0"
    )


@program("stat")
async def stat(process: Process) -> int:
    """Show what is known of a file."""
    options = read_options(process.args, "L,dereference f t c,format= printf=")
    if not options.args:
        await process.err("stat: missing operand\nTry 'stat --help' for more information.\n")
        return 1
    status = 0
    for name in options.args:
        try:
            node = process.node(name, follow=options.has("L"))
        except FileError as error:
            status = await process.fail(f"cannot statx '{name}': {error.reason}")
            continue
        layout = options.value("c")
        stamp = time.strftime("%Y-%m-%d %H:%M:%S.000000000 +0000", time.gmtime(node.mtime))
        kind = (
            "directory" if isinstance(node, Directory)
            else "symbolic link" if isinstance(node, Link)
            else "character special file" if isinstance(node, Device)
            else "regular file" if node_size(node) else "regular empty file"
        )  # fmt: skip
        values = {
            "n": name, "s": str(node_size(node)), "a": f"{node.mode & 0o7777:o}", "A": mode_text(node), "F": kind,
            "U": owner(process, node.uid), "G": group(process, node.gid), "u": str(node.uid), "g": str(node.gid),
            "y": stamp, "Y": str(int(node.mtime)), "h": str(links(node)), "i": str(inode(node)),
            "N": f"'{name}'" + (f" -> '{node.target}'" if isinstance(node, Link) else ""), "b": str(blocks(node) * 2),
            "x": stamp, "z": stamp, "w": "-", "%": "%",
        }  # fmt: skip
        if layout is not None:
            out, index = "", 0
            while index < len(layout):
                if layout[index] == "%" and index + 1 < len(layout):
                    out += values.get(layout[index + 1], "?")
                    index += 2
                else:
                    out += layout[index]
                    index += 1
            await process.out(out + "\n")
            continue
        await process.out(
            f"  File: {values['N'].replace(chr(39), '')}\n"
            f"  Size: {values['s']:<10}\tBlocks: {values['b']:<10} IO Block: 4096   {kind}\n"
            f"Device: 0,1\tInode: {values['i']:<11} Links: {values['h']}\n"
            f"Access: ({node.mode & 0o7777:04o}/{values['A']})  Uid: ({node.uid:5}/{values['U']:>8}) "
            f"  Gid: ({node.gid:5}/{values['G']:>8})\n"
            f"Access: {stamp}\nModify: {stamp}\nChange: {stamp}\n Birth: {stamp}\n"
        )
    return status
