"""Programs about files and paths: ``mkdir rm touch cp``."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import Directory, File, FileError, Location
from labkit.embedded.container.programs.common import AlreadyReported, for_each_path
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
        process.args,
        "r,recursive R f,force v,verbose d! dir! i! interactive! I! no-preserve-root preserve-root",
    )
    force, recursive = options.has("f"), options.has("r", "R")
    if not options.args and not force:
        raise BadOption("missing operand")
    status = 0
    for name in options.args:
        await process.task_loop.tick()
        if name.rstrip("/") == "" and name and recursive and not options.has("no-preserve-root"):
            status = await process.err(
                "rm: it is dangerous to operate recursively on '/'\n"
                "rm: use --no-preserve-root to override this failsafe\n"
            )
            continue
        if name.rstrip("/").rpartition("/")[2] in (".", ".."):
            status = await process.fail(
                f"refusing to remove '.' or '..' directory: skipping '{name}'"
            )
            continue
        try:
            location = process.fs.find(name, process.cwd, follow=False)
            if location.node is None:
                raise FileError("No such file or directory")
            if isinstance(location.node, Directory) and not recursive:
                raise FileError("Is a directory")
            if isinstance(location.node, Directory):
                status = max(status, await _remove_tree(process, location, name))
            else:
                process.fs.remove(location)
            if options.has("v"):
                await process.out(f"removed '{name}'\n")
        except FileError as error:
            if force and error.reason in ("No such file or directory", "Not a directory"):
                continue
            status = await process.fail(f"cannot remove '{name}': {error.reason}")
    return status


async def _remove_tree(process: Process, location: Location, name: str) -> int:
    """Remove a directory, except mounts and the directories above them."""
    node = location.node
    fs = process.fs
    if not isinstance(node, Directory):
        return 0
    fixed = fs.is_read_only(node)
    if not fixed and not any(
        isinstance(below, Directory) and below.mount for _, below, _ in fs.walk(node, "")
    ):
        fs.remove(location)
        return 0
    status = 0
    # A file system in memory lists the newest first.
    for child in reversed(list(node.look())):
        below = Location(node, child, node.entries[child])
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
    options = read_options(
        process.args, "c,no-create a m d! date! r! t! h!", missing="missing file operand"
    )
    fs = process.fs

    async def renew(name: str) -> None:
        location = fs.find(name, process.cwd)
        if location.node is not None:
            fs.own(location).mtime = fs.now()
        elif not options.has("c"):
            fs.add(location, File())

    return await for_each_path(process, options.args, renew, "cannot touch")


@program("cp")
async def cp(process: Process) -> int:
    """Copy regular files."""
    options = read_options(
        process.args,
        "f,force r! recursive! R! a! archive! p! preserve! v! verbose! L! P! d! T! H! n! no-clobber! i! u! t! x! l! s! "
        "b! parents!",
    )
    if len(options.args) < 2:
        missing = (
            "destination file operand after '" + options.args[0] + "'"
            if options.args
            else "file operand"
        )
        raise BadOption(f"missing {missing}")
    *sources, target = options.args
    fs, directory = process.fs, process.is_directory(target)
    if len(sources) > 1 and not directory:
        reason = (
            "Not a directory" if fs.exists(target, process.cwd) else "No such file or directory"
        )
        raise FileError(f"target '{target}': {reason}")

    async def copy(source: str) -> None:
        node = process.node(source)
        goal = (
            f"{target.rstrip('/')}/{source.rstrip('/').rpartition('/')[2]}" if directory else target
        )
        problem = ""
        if isinstance(node, Directory):
            problem = f"-r not specified; omitting directory '{source}'"
        elif not isinstance(node, File):
            problem = f"devices{NOT_SIMULATED}"
        elif fs.exists(goal, process.cwd) and process.node(goal) is node:
            problem = f"'{source}' and '{goal}' are the same file"
        else:
            try:
                copied = fs.write(
                    goal, fs.read(source, process.cwd), process.cwd, mode=node.mode & 0o777
                )
                copied.program = node.program
            except FileError as error:
                problem = f"cannot create regular file '{goal}': {error.reason}"
        if problem:
            await process.fail(problem)
            raise AlreadyReported

    return await for_each_path(process, sources, copy, "cannot stat")
