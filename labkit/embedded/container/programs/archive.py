"""``tar``: what ``kubectl cp`` needs, over the container's own files."""

from __future__ import annotations

import io
import tarfile

from labkit.embedded.container.files.inodes import Directory, File, FileError, Link, Node
from labkit.embedded.container.programs.common import everything, for_each_path
from labkit.embedded.container.programs.options import NOT_SIMULATED, Options, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process

MAX_MEMBERS = 5_000
MAX_BYTES = 32 << 20
_OPTIONS = (
    "c,create x,extract,get t! list! f,file= C,directory= v! verbose! m p o,no-same-owner no-same-permissions "
    "overwrite z! gzip! k! P! O! h! a! j! J! r! u! strip-components! exclude!"
)
_NO_MODE = "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options"
_PREVIOUS = "tar: Exiting with failure status due to previous errors\n"


@program("tar", misuse=64)
async def tar(process: Process) -> int:
    """Create or extract an archive on stdout or stdin."""
    args = list(process.args)
    if args and args[0] and not args[0].startswith("-"):
        letters, *args = args
        args = [
            f"-{letter}{args.pop(0) if letter in 'fC' and args else ''}" for letter in letters
        ] + args
    options = read_options(args, _OPTIONS)
    directory = options.value("C") or ""
    base = (
        directory
        if directory.startswith("/")
        else f"{process.cwd.rstrip('/')}/{directory}".rstrip("/") or "/"
    )
    if (options.value("f") or "-") != "-":
        return await process.fail(f"archives in files{NOT_SIMULATED}", 127)
    if options.has("c"):
        return await _create(process, options, base)
    if not options.has("x"):
        return await process.err(
            f"tar: {_NO_MODE}\nTry 'tar --help' or 'tar --usage' for more information.\n", 2
        )
    if not process.fs.exists(base, process.cwd):
        await process.fail(f"{directory}: Cannot open: No such file or directory")
        return await process.fail("Error is not recoverable: exiting now", 2)
    data = await everything(process, process.stdin)
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            return await _members(process, options, archive, base)
    except (tarfile.TarError, ValueError, OverflowError):
        return await process.err(f"tar: This does not look like a tar archive\n{_PREVIOUS}", 2)


async def _create(process: Process, options: Options, base: str) -> int:
    if not options.args:
        return await process.fail("Cowardly refusing to create an empty archive", 2)
    buffer = io.BytesIO()
    if any(name.startswith("/") for name in options.args):
        await process.err("tar: Removing leading `/' from member names\n")
    status = 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in options.args:
            try:
                top = process.fs.get(name, base, follow=False)
            except FileError as error:
                status = await process.fail(f"{name}: Cannot stat: {error.reason}", 2)
                continue
            for count, (path, node, _) in enumerate(process.fs.walk(top, name), 1):
                await process.task_loop.tick()
                if count > MAX_MEMBERS or buffer.tell() > MAX_BYTES:
                    return await process.fail("archive too big for the lab", 2)
                _add(archive, path.lstrip("/"), node)
    await process.stdout.write(buffer.getvalue())
    await process.err(_PREVIOUS if status else "")
    return status


def _add(archive: tarfile.TarFile, path: str, node: Node) -> None:
    info = tarfile.TarInfo(path or ".")
    info.mode, info.uid, info.gid, info.mtime = node.mode, node.uid, node.gid, int(node.mtime)
    content = b""
    if isinstance(node, Directory):
        info.type = tarfile.DIRTYPE
    elif isinstance(node, Link):
        info.type, info.linkname = tarfile.SYMTYPE, node.target
    elif isinstance(node, File):
        content = node.content()
        info.size = len(content)
    else:
        return
    archive.addfile(info, io.BytesIO(content))


async def _members(process: Process, options: Options, archive: tarfile.TarFile, base: str) -> int:
    fs = process.fs
    members = {info.name: info for info in archive}
    if len(members) > MAX_MEMBERS:
        return await process.fail("archive too big for the lab", 2)

    async def extract(name: str) -> None:
        info = members[name]
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        if not parts:
            return
        path = "/".join([base.rstrip("/"), *parts])
        fs.mkdir(path if info.isdir() else path.rpartition("/")[0] or "/", parents=True)
        if info.isdir():
            return
        location = fs.find(path, follow=False)
        if location.node is not None:
            fs.remove(location)
            location.node = None
        if info.issym():
            fs.add(location, Link(mode=0o777, target=info.linkname))
        elif info.isfile():
            source = archive.extractfile(info)
            fs.write(path, source.read() if source is not None else b"", mode=info.mode & 0o777)

    wanted = [
        name
        for name in members
        if not options.args
        or any(name == one or name.startswith(one + "/") for one in options.args)
    ]
    status = 2 * await for_each_path(process, wanted, extract, "cannot extract")
    await process.err(_PREVIOUS if status else "")
    return status
