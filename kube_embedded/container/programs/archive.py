"""``tar``: only as far as ``kubectl cp`` needs it, over the container's own files."""

import io
import posixpath
import tarfile

from ..files.inodes import Directory, File, FileError, Link, Node
from ..shell.process import Process
from .common import everything, for_each_path
from .registry import NOT_SIMULATED, Failure, program, read_options

MAX_MEMBERS = 5_000
MAX_BYTES = 32 << 20
_OPTIONS = (
    "c,create x,extract,get t! list! f,file= C,directory= v! verbose! m p o,no-same-owner no-same-permissions "
    "overwrite z! gzip! k! P! O! h! a! j! J! r! u! strip-components! exclude!"
)
_NO_MODE = (
    "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\n"
    "Try 'tar --help' or 'tar --usage' for more information.\n"
)
_NOT_TAR = (
    "This does not look like a tar archive\ntar: Exiting with failure status due to previous errors"
)


@program("tar", misuse=64)
async def tar(process: Process) -> int:
    """Create or extract an archive on stdout or stdin."""
    letters, *words = process.args or [""]
    process.operands.clear()
    if letters and not letters.startswith("-"):
        # The old style, which `kubectl cp` uses: values follow the letters in their order.
        values = [
            f"-{letter}{words.pop(0) if letter in 'fC' and words else ''}" for letter in letters
        ]
        process.argv = [process.name, *values, *words]
    read_options(process, _OPTIONS)
    directory = posixpath.join(process.cwd, process.value("C") or "")
    if (process.value("f") or "-") != "-":
        raise Failure(f"archives in files{NOT_SIMULATED}", 127)
    if process.has("c"):
        status = await _create(process, directory)
    elif not process.has("x"):
        return await process.err(_NO_MODE, 2)
    elif not process.is_directory(directory):
        await process.fail(f"{process.value('C')}: Cannot open: No such file or directory")
        raise Failure("Error is not recoverable: exiting now", 2)
    else:
        data = await everything(process, process.stdin)
        try:
            with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
                status = await _extract(process, archive, directory)
        except (tarfile.TarError, ValueError, OverflowError):
            raise Failure(_NOT_TAR, 2) from None
    if status:
        raise Failure("Exiting with failure status due to previous errors", 2)
    return 0


async def _create(process: Process, directory: str) -> int:
    if not process.operands:
        raise Failure("Cowardly refusing to create an empty archive", 2)
    if any(name.startswith("/") for name in process.operands):
        await process.fail("Removing leading `/' from member names")
    buffer = io.BytesIO()
    # GNU's format, because GNU tar writes it by default; Python's default is PAX.
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:

        async def add(name: str) -> None:
            try:
                top = process.fs.get(name, directory, follow=False)
            except FileError as error:
                raise Failure(f"{name}: Cannot stat: {error.reason}") from None
            for count, (path, node) in enumerate(process.fs.walk(top, name), 1):
                await process.task_loop.tick()
                if count > MAX_MEMBERS or buffer.tell() > MAX_BYTES:
                    raise Failure("archive too big for the lab")
                _add(archive, path.lstrip("/"), node)

        status = await for_each_path(process, process.operands, add, "")
    await process.stdout.write(buffer.getvalue())
    return status


def _add(archive: tarfile.TarFile, path: str, node: Node) -> None:
    info = tarfile.TarInfo(path or ".")
    info.mode, info.uid, info.gid, info.mtime = node.mode, node.uid, node.gid, int(node.mtime)
    content = b""
    match node:
        case Directory():
            info.type = tarfile.DIRTYPE
        case Link():
            info.type = tarfile.SYMTYPE
            info.linkname = node.target
        case File():
            content = node.content()
            info.size = len(content)
        case _:
            return
    archive.addfile(info, io.BytesIO(content))


async def _extract(process: Process, archive: tarfile.TarFile, directory: str) -> int:
    fs = process.fs
    members = {info.name: info for info in archive}
    if len(members) > MAX_MEMBERS:
        raise Failure("archive too big for the lab", 2)

    async def extract(name: str) -> None:
        info = members[name]
        # A name like `../x` must not lead out of the directory, as in GNU tar.
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        path = "/".join([directory.rstrip("/"), *parts])
        if info.isdir() or not parts:
            fs.mkdir(path or "/", parents=True)
            return
        fs.mkdir(path.rpartition("/")[0] or "/", parents=True)
        # Members replace files and links that exist, as in GNU tar.
        location = fs.find(path, follow=False)
        if location.node is not None:
            fs.remove(location)
            location.node = None
        if info.issym():
            fs.add(location, Link(mode=0o777, target=info.linkname))
        elif info.isfile():
            source = archive.extractfile(info)
            fs.write(path, source.read() if source is not None else b"", mode=info.mode & 0o777)

    chosen = tuple(f"{name}/" for name in process.operands) or ("",)
    names = [name for name in members if f"{name}/".startswith(chosen)]
    return await for_each_path(process, names, extract, "cannot extract")
