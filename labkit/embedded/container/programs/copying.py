"""Programs that copy, move and link: ``cp mv ln``."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import Directory, File, FileError, Found, Link, Node
from labkit.embedded.container.programs.common import AlreadySaid, everything, for_each_path
from labkit.embedded.container.programs.options import BadOption, Options, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.redirection import open_path


def _into(process: Process, target: str, source: str) -> str:
    """The path of a copy: in the target if that is a directory."""
    if process.is_directory(target):
        return target.rstrip("/") + "/" + source.rstrip("/").rpartition("/")[2]
    return target


def _targets(process: Process, options: Options) -> tuple[list[str], str]:
    """The sources and the target; ``BadOption`` or ``FileError`` if they make no sense."""
    if len(options.args) < 2:
        missing = "destination file operand after '" + options.args[0] + "'" if options.args else "file operand"
        raise BadOption(f"missing {missing}")
    *sources, target = options.args
    if len(sources) > 1 and not process.is_directory(target):
        reason = "Not a directory" if process.fs.exists(target, process.cwd) else "No such file or directory"
        raise FileError(f"target '{target}': {reason}")
    return sources, target


@program("cp")
async def cp(process: Process) -> int:
    """Copy files."""
    options = read_options(
        process.args,
        "r,recursive R a,archive f,force p,preserve? v,verbose L P d T H n! no-clobber! i! u! t! x! l! s! b! parents!",
    )
    sources, target = _targets(process, options)

    async def copy(source: str) -> None:
        node = process.node(source, follow=not options.has("P", "d", "a"))
        if isinstance(node, Directory) and not options.has("r", "R", "a"):
            await process.fail(f"-r not specified; omitting directory '{source}'")
            raise AlreadySaid
        goal = _into(process, target, source)
        try:
            await _copy(process, node, source, goal, set())
        except FileError as error:
            kind = "directory" if isinstance(node, Directory) else "regular file"
            await process.fail(f"cannot create {kind} '{goal}': {error.reason}")
            raise AlreadySaid from None
        if options.has("v"):
            await process.out(f"'{source}' -> '{goal}'\n")

    return await for_each_path(process, sources, copy, "cannot stat")


async def _copy(process: Process, node: Node, source: str, target: str, seen: set[int]) -> None:
    await process.scheduler.tick()
    fs = process.fs
    if isinstance(node, Directory):
        if id(node) in seen or len(seen) > 100:
            raise FileError("cannot copy a directory into itself")
        if not fs.exists(target, process.cwd):
            fs.mkdir(target, process.cwd, mode=node.mode & 0o777)
        seen = {*seen, id(node), id(fs.directory(target, process.cwd))}
        for name in list(node.look()):
            await _copy(process, node.entries[name], f"{source}/{name}", f"{target}/{name}", seen)
    elif isinstance(node, Link):
        found = fs.find(target, process.cwd, follow=False)
        fs.add(found, Link(mode=0o777, target=node.target))
    elif isinstance(node, File):
        if fs.exists(target, process.cwd) and fs.get(target, process.cwd) is node:
            raise FileError(f"'{source}' and '{target}' are the same file")
        made = fs.write(target, node.content(), process.cwd, mode=node.mode & 0o777)
        made.program = node.program
    else:
        data = await everything(process, open_path(process.system, source, process.cwd, "r", process.fds))
        fs.write(target, data, process.cwd)


@program("mv")
async def mv(process: Process) -> int:
    """Move or rename files."""
    options = read_options(process.args, "f,force v,verbose T n! no-clobber! i! u! b! t!")
    sources, target = _targets(process, options)

    async def move(source: str) -> None:
        goal = _into(process, target, source)
        found = process.fs.find(source, process.cwd, follow=False)
        if found.node is None:
            raise FileError("No such file or directory")
        try:
            await _move(process, found, goal)
        except FileError as error:
            await process.fail(f"cannot move '{source}' to '{goal}': {error.reason}")
            raise AlreadySaid from None

    return await for_each_path(process, sources, move, "cannot stat")


async def _move(process: Process, found: Found, goal: str) -> None:
    fs = process.fs
    node = found.node
    if node is None:
        return
    place = fs.find(goal, process.cwd, follow=False)
    if place.node is node:
        raise FileError("are the same file")
    if isinstance(node, Directory):
        above: Directory | None = place.parent
        while above is not None and above is not fs.root:
            if above is node:
                raise FileError("Invalid argument")
            above = above.parent
    if fs.is_read_only(found.parent) or fs.is_read_only(place.parent):
        raise FileError("Read-only file system")
    if isinstance(node, Directory) and node.mount:
        raise FileError("Device or resource busy")
    if place.node is not None:
        if isinstance(place.node, Directory) and not isinstance(node, Directory):
            raise FileError("Is a directory")
        fs.remove(place)
    depth, here = 0, place.parent
    while here is not fs.root and here.parent is not None:
        depth, here = depth + 1, here.parent
    deepest = max((level for _, below, level in fs.walk(node, "") if isinstance(below, Directory)), default=0)
    if depth + deepest > 100:
        raise FileError("File name too long")
    found.parent.entries.pop(found.name, None)
    place.parent.entries[place.name] = node
    if isinstance(node, Directory):
        node.parent = place.parent


@program("ln")
async def ln(process: Process) -> int:
    """Make links."""
    known = "s,symbolic f,force n,no-dereference v T r! i! b! t!"
    options = read_options(process.args, known, missing="missing file operand")
    source = options.args[0]
    target = options.args[1] if len(options.args) > 1 else "."
    goal = target if options.has("n", "T") else _into(process, target, source)
    fs = process.fs
    kind = "symbolic " if options.has("s") else "hard "
    try:
        found = fs.find(goal, process.cwd, follow=False)
        if found.node is not None and options.has("f") and not isinstance(found.node, Directory):
            fs.remove(found)
            found = fs.find(goal, process.cwd, follow=False)
        if options.has("s"):
            if len(source) > 1000:
                raise FileError("File name too long")
            fs.add(found, Link(mode=0o777, target=source))
            return 0
        node = process.node(source)
        if isinstance(node, Directory):
            return await process.fail(f"{source}: hard link not allowed for directory")
        if found.node is not None:
            raise FileError("File exists")
        if fs.is_read_only(found.parent):
            raise FileError("Read-only file system")
        found.parent.entries[found.name] = node
    except FileError as error:
        return await process.fail(f"failed to create {kind}link '{goal}': {error.reason}")
    return 0
