"""``tar``: what ``kubectl cp`` needs, over the container's own files."""

from __future__ import annotations

import io
import tarfile
import zlib

from labkit.embedded.container.files.inodes import Directory, File, FileError, Link, Node
from labkit.embedded.container.programs.common import everything
from labkit.embedded.container.programs.options import Options, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process

MAX_MEMBERS = 5_000
MAX_INFLATED = 32 << 20


@program("tar", misuse=64)
async def tar(process: Process) -> int:
    """Create, extract or list an archive."""
    args = list(process.args)
    if args and args[0] and not args[0].startswith("-"):
        letters, *args = args
        args = [f"-{letter}{args.pop(0) if letter in 'fC' and args else ''}" for letter in letters] + args
    options = read_options(
        args,
        "c,create x,extract,get t,list f,file= C,directory= z,gzip v,verbose m p o,no-same-owner "
        "no-same-permissions overwrite k P O! h! a! j! J! r! u! strip-components! exclude!",
    )
    if options.has("c"):
        return await _create(process, options)
    if options.has("x", "t"):
        return await _extract(process, options)
    await process.err(
        "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\n"
        "Try 'tar --help' or 'tar --usage' for more information.\n"
    )
    return 2


def _base(process: Process, options: Options) -> str:
    """The directory that ``-C`` names."""
    directory = options.value("C") or ""
    return directory if directory.startswith("/") else f"{process.cwd.rstrip('/')}/{directory}".rstrip("/") or "/"


async def _create(process: Process, options: Options) -> int:
    if not options.args:
        await process.err("tar: Cowardly refusing to create an empty archive\n")
        return 2
    buffer = io.BytesIO()
    status = 0
    warned = False
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in options.args:
            try:
                top = process.fs.get(name, _base(process, options), follow=False)
            except FileError as error:
                status = 2
                await process.fail(f"{name}: Cannot stat: {error.reason}")
                continue
            if name.startswith("/") and not warned:
                warned = True
                await process.err("tar: Removing leading `/' from member names\n")
            for count, (path, node, _) in enumerate(process.fs.walk(top, name), 1):
                await process.scheduler.tick()
                if count > MAX_MEMBERS or buffer.tell() > MAX_INFLATED:
                    return await process.fail("archive too big for the lab", 2)
                _add(archive, path.lstrip("/"), node)
                if options.has("v"):
                    await process.err(path + "\n")
    data = buffer.getvalue()
    if options.has("z"):
        process.scheduler.charge(len(data) / 50_000)
        compressor = zlib.compressobj(wbits=31)
        data = compressor.compress(data) + compressor.flush()
    name = options.value("f") or "-"
    if name == "-":
        await process.stdout.write(data)
    else:
        process.fs.write(name, data, process.cwd)
    if status:
        await process.err("tar: Exiting with failure status due to previous errors\n")
    return status


def _add(archive: tarfile.TarFile, path: str, node: Node) -> None:
    info = tarfile.TarInfo(path or ".")
    info.mode, info.uid, info.gid, info.mtime = node.mode, node.uid, node.gid, int(node.mtime)
    if isinstance(node, Directory):
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    elif isinstance(node, Link):
        info.type = tarfile.SYMTYPE
        info.linkname = node.target
        archive.addfile(info)
    elif isinstance(node, File):
        content = node.content()
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


async def _extract(process: Process, options: Options) -> int:
    name = options.value("f") or "-"
    try:
        data = await everything(process, process.stdin) if name == "-" else process.fs.read(name, process.cwd)
    except FileError as error:
        await process.err(f"tar: {name}: Cannot open: {error.reason}\ntar: Error is not recoverable: exiting now\n")
        return 2
    if data[:2] == b"\x1f\x8b":
        inflated = _inflate(data)
        if inflated is None:
            await process.err("tar: Child returned status 1\ntar: Error is not recoverable: exiting now\n")
            return 2
        data = inflated
    base = _base(process, options)
    if not process.fs.exists(base):
        await process.err(
            f"tar: {options.value('C')}: Cannot open: No such file or directory\n"
            "tar: Error is not recoverable: exiting now\n"
        )
        return 2
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            return await _members(process, options, archive, base)
    except (tarfile.TarError, ValueError, OverflowError):
        await process.err(
            "tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors\n"
        )
        return 2


async def _members(process: Process, options: Options, archive: tarfile.TarFile, base: str) -> int:
    status = 0
    for count, info in enumerate(archive, 1):
        await process.scheduler.tick()
        if count > MAX_MEMBERS:
            return await process.fail("archive too big for the lab", 2)
        parts = [part for part in info.name.split("/") if part not in ("", ".", "..")]
        if not parts or (
            options.args and not any(info.name == name or info.name.startswith(name + "/") for name in options.args)
        ):
            continue
        if options.has("t"):
            await process.out(info.name + ("/" if info.isdir() else "") + "\n")
            continue
        if options.has("v"):
            await process.out(info.name + "\n")
        path = base.rstrip("/") + "/" + "/".join(parts)
        try:
            if info.isdir():
                process.fs.mkdir(path, parents=True, mode=info.mode & 0o777 | 0o700)
                continue
            process.fs.mkdir(path.rpartition("/")[0] or "/", parents=True)
            found = process.fs.find(path, follow=False)
            if found.node is not None:
                process.fs.remove(found)
                found.node = None
            if info.issym():
                process.fs.add(found, Link(mode=0o777, target=info.linkname))
            elif info.isfile():
                source = archive.extractfile(info)
                process.fs.write(path, source.read() if source is not None else b"", mode=info.mode & 0o777)
        except FileError as error:
            status = 2
            await process.err(f"tar: {info.name}: Cannot open: {error.reason}\n")
    if status:
        await process.err("tar: Exiting with failure status due to previous errors\n")
    return status


def _inflate(data: bytes) -> bytes | None:
    """Unpacked bytes, at most so many, or None."""
    try:
        return zlib.decompressobj(wbits=31).decompress(data, MAX_INFLATED)
    except zlib.error:
        return None
