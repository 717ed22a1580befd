"""``tar`` and ``gzip``: what ``kubectl cp`` needs, over the container's own files."""

from __future__ import annotations

import io
import tarfile
import zlib

from labkit.embedded.container.files.inodes import Directory, File, FileError, Link, Node
from labkit.embedded.container.programs.common import chunks, everything
from labkit.embedded.container.shell.process import Process, program

MAX_MEMBERS = 5_000
MAX_INFLATED = 32 << 20


class _Plan:
    """tar's words."""

    def __init__(self, args: list[str]) -> None:
        self.mode = ""
        self.file = "-"
        self.directory = ""
        self.gzip = False
        self.verbose = False
        self.strip = 0
        self.problem = ""
        self.names: list[str] = []
        self.changes: list[tuple[str, str]] = []
        index = 0
        first = True
        while index < len(args):
            word = args[index]
            index += 1
            if word.startswith("--"):
                name, _, value = word[2:].partition("=")
                if name in ("file", "directory", "strip-components", "exclude") and not value and index < len(args):
                    value = args[index]
                    index += 1
                self._long(name, value)
            elif (word.startswith("-") and len(word) > 1) or (first and word):
                for letter in word.lstrip("-"):
                    if letter in "fC":
                        if index >= len(args):
                            self.problem = f"option requires an argument -- '{letter}'"
                            return
                        value = args[index]
                        index += 1
                        if letter == "f":
                            self.file = value
                        else:
                            self.directory = value
                    else:
                        self._letter(letter)
            else:
                self.names.append(word)
                self.changes.append((self.directory, word))
            first = False

    def _letter(self, letter: str) -> None:
        if letter in "cxt":
            self.mode = letter
        elif letter == "z":
            self.gzip = True
        elif letter == "v":
            self.verbose = True
        elif letter not in "mopkPhOSwajJ":
            self.problem = f"invalid option -- '{letter}'"

    def _long(self, name: str, value: str) -> None:
        if name == "file":
            self.file = value
        elif name == "directory":
            self.directory = value
        elif name == "strip-components":
            self.strip = int(value) if value.isdigit() and len(value) < 4 else 0
        elif name in ("create", "extract", "get", "list"):
            self.mode = {"create": "c", "extract": "x", "get": "x", "list": "t"}[name]
        elif name in ("gzip", "verbose"):
            self.gzip = self.gzip or name == "gzip"
            self.verbose = self.verbose or name == "verbose"


@program("tar")
async def tar(process: Process) -> int:
    """Create, extract or list an archive."""
    plan = _Plan(process.args)
    if plan.problem:
        await process.err(f"tar: {plan.problem}\nTry 'tar --help' or 'tar --usage' for more information.\n")
        return 64
    if not plan.mode:
        await process.err(
            "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\n"
            "Try 'tar --help' or 'tar --usage' for more information.\n"
        )
        return 2
    if plan.mode == "c":
        return await _create(process, plan)
    return await _extract(process, plan)


async def _create(process: Process, plan: _Plan) -> int:
    if not plan.names:
        await process.err("tar: Cowardly refusing to create an empty archive\n")
        return 2
    buffer = io.BytesIO()
    status = 0
    warned = False
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for directory, name in plan.changes:
            base = process.cwd if not directory else f"{process.cwd}/{directory}" if directory[0] != "/" else directory
            try:
                top = process.fs.get(name, base, follow=False)
            except FileError as error:
                status = 2
                await process.fail(f"{name}: Cannot stat: {error.reason}")
                continue
            if name.startswith("/") and not warned:
                warned = True
                await process.err("tar: Removing leading `/' from member names\n")
            for count, (path, node, _) in enumerate(process.fs.walk(top, name), 1):
                await process.kernel.tick()
                if count > MAX_MEMBERS or buffer.tell() > MAX_INFLATED:
                    return await process.fail("archive too big for the lab", 2)
                _add(archive, path.lstrip("/"), node)
                if plan.verbose:
                    await process.err(path + "\n")
    data = buffer.getvalue()
    if plan.gzip:
        process.kernel.charge(len(data) / 50_000)
        compressor = zlib.compressobj(wbits=31)
        data = compressor.compress(data) + compressor.flush()
    if plan.file == "-":
        await process.stdout.write(data)
    else:
        process.fs.write(plan.file, data, process.cwd)
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


async def _extract(process: Process, plan: _Plan) -> int:
    try:
        data = await everything(process, process.stdin) if plan.file == "-" else process.fs.read(plan.file, process.cwd)
    except FileError as error:
        await process.err(
            f"tar: {plan.file}: Cannot open: {error.reason}\ntar: Error is not recoverable: exiting now\n"
        )
        return 2
    if data[:2] == b"\x1f\x8b":
        inflated = _inflate(data)
        if inflated is None:
            await process.err("tar: Child returned status 1\ntar: Error is not recoverable: exiting now\n")
            return 2
        data = inflated
    base = process.cwd
    if plan.directory:
        base = plan.directory if plan.directory[0] == "/" else f"{process.cwd}/{plan.directory}"
        if not process.fs.exists(base):
            await process.err(
                f"tar: {plan.directory}: Cannot open: No such file or directory\n"
                "tar: Error is not recoverable: exiting now\n"
            )
            return 2
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            return await _members(process, plan, archive, base)
    except (tarfile.TarError, ValueError, OverflowError):
        await process.err(
            "tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors\n"
        )
        return 2


async def _members(process: Process, plan: _Plan, archive: tarfile.TarFile, base: str) -> int:
    status = 0
    for count, info in enumerate(archive, 1):
        await process.kernel.tick()
        if count > MAX_MEMBERS:
            return await process.fail("archive too big for the lab", 2)
        parts = [part for part in info.name.split("/") if part not in ("", ".", "..")][plan.strip :]
        if not parts or (
            plan.names and not any(info.name == name or info.name.startswith(name + "/") for name in plan.names)
        ):
            continue
        if plan.mode == "t":
            await process.out(info.name + ("/" if info.isdir() else "") + "\n")
            continue
        if plan.verbose:
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


@program("gzip", "gunzip", "zcat")
async def gzip(process: Process) -> int:
    """Pack or unpack stdin or files."""
    unpack = process.name != "gzip" or any(word.startswith("-") and "d" in word for word in process.args)
    to_stdout = process.name == "zcat" or any(word.startswith("-") and "c" in word for word in process.args)
    names = [word for word in process.args if not word.startswith("-")]
    if not names:
        data = b"".join([piece async for piece in chunks(process, process.stdin)])
        return await _pack(process, data, "", unpack=unpack, to_stdout=True)
    status = 0
    for name in names:
        try:
            data = process.fs.read(name, process.cwd)
        except FileError as error:
            status = await process.fail(f"{name}: {error.reason}")
            continue
        status = max(status, await _pack(process, data, name, unpack=unpack, to_stdout=to_stdout))
    return status


async def _pack(process: Process, data: bytes, name: str, *, unpack: bool, to_stdout: bool) -> int:
    process.kernel.charge(len(data) / 50_000)
    if unpack:
        out = _inflate(data)
        if out is None:
            return await process.fail(f"{name or 'stdin'}: not in gzip format")
        target = name.removesuffix(".gz")
    else:
        compressor = zlib.compressobj(wbits=31)
        out = compressor.compress(data) + compressor.flush()
        target = name + ".gz"
    if to_stdout:
        await process.stdout.write(out)
        return 0
    if target == name:
        return await process.fail(f"{name}: unknown suffix -- ignored", 2)
    process.fs.write(target, out, process.cwd)
    process.fs.remove(process.fs.find(name, process.cwd))
    return 0
