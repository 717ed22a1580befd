"""Programs about files and paths: ``mkdir rmdir rm touch chmod readlink basename dirname``."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import Directory, File, FileError, Found, Link
from labkit.embedded.container.programs.common import for_each_path, is_busybox, missing_operand
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process


@program("mkdir")
async def mkdir(process: Process) -> int:
    """Make directories."""
    options = read_options(process.args, "p,parents v,verbose m,mode=")
    if not options.args:
        return await missing_operand(process)
    mode = options.value("m") or "755"
    bits = int(mode, 8) if re.fullmatch(r"[0-7]{1,4}", mode) else 0o755

    async def make(name: str) -> None:
        process.fs.mkdir(name, process.cwd, parents=options.has("p"), mode=bits)
        if options.has("v"):
            await process.out(f"mkdir: created directory '{name}'\n")

    problem = "cannot create directory"
    return await for_each_path(process, options.args, make, problem, "can't create directory")


@program("rmdir")
async def rmdir(process: Process) -> int:
    """Remove empty directories."""
    options = read_options(process.args, "v,verbose p! ignore-fail-on-non-empty!")
    if not options.args:
        return await missing_operand(process)

    async def remove(name: str) -> None:
        found = process.fs.find(name, process.cwd, follow=False)
        if found.node is None:
            raise FileError("No such file or directory")
        if not isinstance(found.node, Directory):
            raise FileError("Not a directory")
        if found.node.look():
            raise FileError("Directory not empty")
        process.fs.remove(found)

    return await for_each_path(process, options.args, remove, "failed to remove")


@program("rm")
async def rm(process: Process) -> int:
    """Remove files."""
    options = read_options(
        process.args, "r,recursive R f,force i,interactive v,verbose d,dir I no-preserve-root preserve-root"
    )
    force, recursive = options.has("f"), options.has("r", "R")
    if not options.args and not force:
        return await missing_operand(process)
    status = 0
    for name in options.args:
        await process.scheduler.tick()
        if name.rstrip("/") == "" and name and recursive and not options.has("no-preserve-root"):
            await process.err(
                "rm: it is dangerous to operate recursively on '/'\n"
                "rm: use --no-preserve-root to override this failsafe\n"
            )
            status = 1
            continue
        if name.rstrip("/").rpartition("/")[2] in (".", ".."):
            status = await process.fail(f"refusing to remove '.' or '..' directory: skipping '{name}'")
            continue
        try:
            found = process.fs.find(name, process.cwd, follow=False)
            if found.node is None:
                raise FileError("No such file or directory")
            if isinstance(found.node, Directory) and not recursive and not (options.has("d") and not found.node.look()):
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
            if is_busybox(process):
                lead = "" if error.reason == "Is a directory" else "can't remove "
                shown = f"'{name}' is a directory" if not lead else f"{lead}'{name}': {error.reason}"
                status = await process.fail(shown)
            else:
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
    options = read_options(process.args, "c,no-create a m d! date! r! t! h!")
    if not options.args:
        return await missing_operand(process, "missing file operand")
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
    """Print where a link leads, or a path without links."""
    options = read_options(process.args, "f,canonicalize e m n,no-newline q s z")
    if not options.args:
        return await missing_operand(process)
    status = 0
    fs = process.fs
    for name in options.args:
        try:
            if process.name == "readlink" and not options.has("f", "e", "m"):
                node = process.node(name, follow=False)
                if not isinstance(node, Link):
                    status = 1
                    continue
                text = node.target
            else:
                found = fs.find(name, process.cwd)
                if found.node is None and options.has("e"):
                    raise FileError("No such file or directory")
                base = fs.path_of(found.parent)
                text = (
                    fs.path_of(found.node) if isinstance(found.node, Directory) else f"{base.rstrip('/')}/{found.name}"
                )
        except FileError as error:
            status = 1
            if process.name == "realpath":
                await process.err(f"realpath: {name}: {error.reason}\n")
            continue
        await process.out(text + ("" if options.has("n") else "\n"))
    return status


@program("basename", "dirname")
async def basename(process: Process) -> int:
    """Print a part of a path."""
    args = list(process.args)
    suffix, several = "", process.name == "dirname"
    while args and args[0].startswith("-") and len(args[0]) > 1:
        option = args.pop(0)
        if option == "-s" and args:
            suffix, several = args.pop(0), True
        elif option == "-a":
            several = True
    if not args:
        return await missing_operand(process)
    if not several and len(args) > 1:
        suffix = args[1]
    for word in args if several else args[:1]:
        bare = word.rstrip("/") or ("/" if word else "")
        if process.name == "dirname":
            head = bare.rpartition("/")[0].rstrip("/")
            await process.out((head or ("/" if bare.startswith("/") else ".")) + "\n")
        else:
            name = bare.rpartition("/")[2] or bare
            await process.out((name.removesuffix(suffix) if name != suffix else name) + "\n")
    return 0


def _new_mode(spec: str, mode: int, *, directory: bool) -> int | None:
    """A mode changed by ``755`` or ``u+x,go-w``, or None if that is no mode."""
    if re.fullmatch(r"[0-7]{1,4}", spec):
        return int(spec, 8)
    for clause in spec.split(","):
        match = re.fullmatch(r"([ugoa]*)([-+=])([rwxXst]*)", clause)
        if match is None:
            return None
        who = match[1] or "a"
        who = "ugo" if "a" in who else who
        bits = 0
        for letter in match[3]:
            if letter == "X":
                letter = "x" if directory or mode & 0o111 else ""
            value = {"r": 4, "w": 2, "x": 1}.get(letter, 0)
            for one in who:
                bits |= value << {"u": 6, "g": 3, "o": 0}[one]
            if letter == "t":
                bits |= 0o1000
            if letter == "s":
                bits |= (0o4000 if "u" in who else 0) | (0o2000 if "g" in who else 0)
        if match[2] == "+":
            mode |= bits
        elif match[2] == "-":
            mode &= ~bits
        else:
            mask = sum(7 << {"u": 6, "g": 3, "o": 0}[one] for one in set(who))
            mode = (mode & ~mask) | bits
    return mode


@program("chmod")
async def chmod(process: Process) -> int:
    """Change permissions."""
    recursive = any(word in ("-R", "--recursive") for word in process.args)
    args = [word for word in process.args if word not in ("-R", "--recursive", "-f")]
    if len(args) < 2:
        return await missing_operand(process, f"missing operand after '{args[0]}'" if args else "missing operand")
    spec, *names = args
    if _new_mode(spec, 0, directory=False) is None:
        return await missing_operand(process, f"invalid mode: '{spec}'")

    def change(path: str) -> None:
        node = process.fs.own(process.fs.find(path, process.cwd))
        mode = _new_mode(spec, node.mode, directory=isinstance(node, Directory))
        if process.fs.uid not in (0, node.uid) or mode is None:
            raise FileError("Operation not permitted")
        node.mode = mode

    status = 0
    for name in names:
        try:
            paths = [name]
            if recursive:
                walk = process.fs.walk(process.node(name), name)
                paths = [path for path, node, _ in walk if not isinstance(node, Link)]
            for path in paths:
                await process.scheduler.tick()
                change(path)
        except FileError as error:
            verb = "cannot access" if error.reason.startswith("No such") else "changing permissions of"
            status = await process.fail(f"{verb} '{name}': {error.reason}")
    return status
