"""Programs that make and remove: ``mkdir rmdir rm touch``."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import Directory, File, FileError, Found
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
