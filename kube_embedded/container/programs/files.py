"""Programs about files and paths: ``mkdir rm touch cp``."""

from ..files.inodes import (
    IS_DIRECTORY,
    NOT_DIRECTORY,
    NOT_FOUND,
    Directory,
    File,
    FileError,
    Location,
)
from ..shell.process import Process
from .common import for_each_path
from .registry import NOT_SIMULATED, BadOption, Failure, program


@program("mkdir", options="p,parents v! verbose! m! mode!", missing="missing operand")
async def mkdir(process: Process) -> int:
    """Make directories."""

    async def make(name: str) -> None:
        process.fs.mkdir(name, process.cwd, parents=process.has("p"))

    return await for_each_path(process, process.operands, make, "cannot create directory")


@program(
    "rm",
    options="r,recursive R f,force v,verbose d! dir! i! interactive! I! no-preserve-root preserve-root",
)
async def rm(process: Process) -> int:
    """Remove files."""
    force = process.has("f")
    recursive = process.has("r", "R")
    if not process.operands and not force:
        raise BadOption("missing operand")
    incomplete: list[str] = []

    async def remove(name: str) -> None:
        bare = name.rstrip("/")
        # GNU's failsafe, --preserve-root, is its default since 2006.
        if name and not bare and recursive and not process.has("no-preserve-root"):
            raise Failure(
                "it is dangerous to operate recursively on '/'\n"
                "rm: use --no-preserve-root to override this failsafe"
            )
        if bare.rpartition("/")[2] in (".", ".."):
            raise Failure(f"refusing to remove '.' or '..' directory: skipping '{name}'")
        try:
            location = process.fs.find(name, process.cwd, follow=False)
            if isinstance(location.node, Directory) and not recursive:
                raise FileError(IS_DIRECTORY)
            if await _remove(process, location, name):
                incomplete.append(name)
            elif process.has("v"):
                await process.out(f"removed '{name}'\n")
        except FileError as error:
            if not force or error.reason not in (NOT_FOUND, NOT_DIRECTORY):
                raise

    status = await for_each_path(process, process.operands, remove, "cannot remove")
    return 1 if incomplete else status


async def _remove(process: Process, location: Location, name: str) -> bool:
    """Remove the content of a directory, then the directory; return whether something could not be removed."""
    failed = False
    if isinstance(location.node, Directory):
        await process.task_loop.tick()
        # A file system in memory lists the newest first.
        for child, node in reversed(list(location.node.look().items())):
            below = f"{name}/{child}"
            try:
                failed |= await _remove(process, Location(location.node, child, node), below)
            except FileError as error:
                failed = True
                await process.fail(f"cannot remove '{below}': {error.reason}")
    if not failed:
        process.fs.remove(location)
    return failed


@program("touch", options="c,no-create a m d! date! r! t! h!", missing="missing file operand")
async def touch(process: Process) -> int:
    """Make files, or renew their times."""
    fs = process.fs

    async def renew(name: str) -> None:
        location = fs.find(name, process.cwd)
        if location.node is not None:
            fs.own(location).mtime = fs.now()
        elif not process.has("c"):
            fs.add(location, File())

    return await for_each_path(process, process.operands, renew, "cannot touch")


@program(
    "cp",
    options="f,force r! recursive! R! a! archive! p! preserve! v! verbose! L! P! d! T! H! n! no-clobber! i! u! t! x! "
    "l! s! b! parents!",
    missing="missing file operand",
)
async def cp(process: Process) -> int:
    """Copy regular files."""
    *sources, target = process.operands
    if not sources:
        raise BadOption(f"missing destination file operand after '{target}'")
    fs = process.fs
    directory = process.is_directory(target)
    if len(sources) > 1 and not directory:
        exists = fs.exists(target, process.cwd)
        reason = NOT_DIRECTORY if exists else NOT_FOUND
        raise Failure(f"target '{target}': {reason}")

    async def copy(source: str) -> None:
        node = process.node(source)
        name = source.rstrip("/").rpartition("/")[2]
        goal = f"{target.rstrip('/')}/{name}" if directory else target
        if isinstance(node, Directory):
            raise Failure(f"-r not specified; omitting directory '{source}'")
        if not isinstance(node, File):
            raise Failure(f"devices{NOT_SIMULATED}")
        if fs.exists(goal, process.cwd) and process.node(goal) is node:
            raise Failure(f"'{source}' and '{goal}' are the same file")
        content = fs.read(source, process.cwd)
        try:
            copied = fs.write(goal, content, process.cwd, mode=node.mode & 0o777)
            copied.program = node.program
        except FileError as error:
            raise Failure(f"cannot create regular file '{goal}': {error.reason}") from None

    return await for_each_path(process, sources, copy, "cannot stat")
