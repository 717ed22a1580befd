"""Programs about files and paths: ``mkdir rm touch chmod readlink``."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_

from labkit.embedded.container.files.inodes import Directory, File, FileError, Found, Link
from labkit.embedded.container.programs.common import for_each_path
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process


@program("mkdir")
async def mkdir(process: Process) -> int:
    """Make directories."""
    options = read_options(process.args, "p,parents v! verbose! m,mode=", missing="missing operand")
    mode = options.value("m") or "755"
    bits = int(mode, 8) if re.fullmatch(r"[0-7]{1,4}", mode) else 0o755

    async def make(name: str) -> None:
        process.fs.mkdir(name, process.cwd, parents=options.has("p"), mode=bits)

    return await for_each_path(process, options.args, make, "cannot create directory")


@program("rm")
async def rm(process: Process) -> int:
    """Remove files."""
    options = read_options(
        process.args, "r,recursive R f,force v,verbose d! dir! i! interactive! I! no-preserve-root preserve-root"
    )
    force, recursive = options.has("f"), options.has("r", "R")
    if not options.args and not force:
        raise BadOption("missing operand")
    status = 0
    for name in options.args:
        await process.scheduler.tick()
        if name.rstrip("/") == "" and name and recursive and not options.has("no-preserve-root"):
            status = await process.err(
                "rm: it is dangerous to operate recursively on '/'\n"
                "rm: use --no-preserve-root to override this failsafe\n"
            )
            continue
        if name.rstrip("/").rpartition("/")[2] in (".", ".."):
            status = await process.fail(f"refusing to remove '.' or '..' directory: skipping '{name}'")
            continue
        try:
            found = process.fs.find(name, process.cwd, follow=False)
            if found.node is None:
                raise FileError("No such file or directory")
            if isinstance(found.node, Directory) and not recursive:
                raise FileError("Is a directory")
            if isinstance(found.node, Directory):
                status = max(status, await _remove_tree(process, found, name))
            else:
                process.fs.remove(found)
            if options.has("v"):
                await process.out(f"removed '{name}'\n")
        except FileError as error:
            if force and error.reason in ("No such file or directory", "Not a directory"):
                continue
            status = await process.fail(f"cannot remove '{name}': {error.reason}")
    return status


async def _remove_tree(process: Process, found: Found, name: str) -> int:
    """Remove a directory; what is a mount stays, and so does what holds one."""
    node = found.node
    fs = process.fs
    if not isinstance(node, Directory):
        return 0
    fixed = fs.is_read_only(node)
    if not fixed and not any(isinstance(below, Directory) and below.mount for _, below, _ in fs.walk(node, "")):
        fs.remove(found)
        return 0
    status = 0
    # A file system in memory lists the newest first.
    for child in reversed(list(node.look())):
        below = Found(node, child, node.entries[child])
        try:
            if isinstance(below.node, Directory):
                status = max(status, await _remove_tree(process, below, f"{name}/{child}"))
            else:
                fs.remove(below)
        except FileError as error:
            status = await process.fail(f"cannot remove '{name}/{child}': {error.reason}")
    if node.mount and not status:
        return await process.fail(f"cannot remove '{name}': Device or resource busy")
    if fixed and not node.entries:
        return await process.fail(f"cannot remove '{name}': Read-only file system")
    return status


@program("touch")
async def touch(process: Process) -> int:
    """Make files, or renew their times."""
    options = read_options(process.args, "c,no-create a m d! date! r! t! h!", missing="missing file operand")
    fs = process.fs

    async def renew(name: str) -> None:
        found = fs.find(name, process.cwd)
        if found.node is not None:
            fs.own(found).mtime = fs.now()
        elif not options.has("c"):
            fs.add(found, File())

    return await for_each_path(process, options.args, renew, "cannot touch")


@program("readlink")
async def readlink(process: Process) -> int:
    """Print where a link leads."""
    options = read_options(process.args, "f! canonicalize! e! m! n! q! s! v! z!", missing="missing operand")
    status = 0
    for name in options.args:
        node = process.node(name, follow=False) if process.fs.exists(name, process.cwd, follow=False) else None
        if isinstance(node, Link):
            await process.out(node.target + "\n")
        else:
            status = 1
    return status


_BITS = {"r": 0o444, "w": 0o222, "x": 0o111, "u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777}


def _new_mode(spec: str, mode: int) -> int | None:
    """A mode changed by ``755`` or ``u+x,go-w``, or None if that is no mode of the lab's."""
    if re.fullmatch(r"[0-7]{1,4}", spec):
        return int(spec, 8)
    for clause in spec.split(","):
        match = re.fullmatch(r"([ugoa]*)([-+=])([rwx]*)", clause)
        if match is None:
            return None
        who = reduce(or_, (_BITS[letter] for letter in match[1] or "a"))
        bits = who & reduce(or_, (_BITS[letter] for letter in match[3]), 0)
        sign = match[2]
        mode = mode | bits if sign == "+" else mode & ~bits if sign == "-" else mode & ~who | bits
    return mode


@program("chmod")
async def chmod(process: Process) -> int:
    """Change permissions."""
    args = [word for word in process.args if word != "-f"]
    if any(re.match(r"-[Rcv-]", word) for word in args):
        return await process.fail(f"{next(word for word in args if word[:1] == '-')}{NOT_SIMULATED}")
    if len(args) < 2:
        raise BadOption(f"missing operand after '{args[0]}'" if args else "missing operand")
    spec, *names = args
    if _new_mode(spec, 0) is None:
        raise BadOption(f"invalid mode: '{spec}'")
    status = 0
    for name in names:
        try:
            node = process.fs.own(process.fs.find(name, process.cwd))
            if process.fs.uid not in (0, node.uid):
                raise FileError("Operation not permitted")
            node.mode = _new_mode(spec, node.mode) or 0
        except FileError as error:
            verb = "cannot access" if error.reason.startswith("No such") else "changing permissions of"
            status = await process.fail(f"{verb} '{name}': {error.reason}")
    return status
