"""Opening the files of a container as streams, and redirections to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit.embedded.container.files.inodes import Device, Directory, File, FileError
from labkit.embedded.container.shell import streams
from labkit.embedded.container.shell.messages import cannot_open
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.syntax import Redirect
from labkit.embedded.container.shell.system import System


class FileStream(streams.Stream):
    """A regular file, read and written at a position; with ``append`` every write goes to the end."""

    def __init__(
        self,
        system: System,
        file: File,
        *,
        append: bool = False,
        writable: bool = False,
        readable: bool = True,
    ) -> None:
        super().__init__()
        self._system = system
        self._file = file
        self._append = append
        self._writable = writable
        self._readable = readable
        self._position = 0
        self._content = file.content() if file.generate is not None else None

    async def _read(self, limit: int) -> bytes:
        if not self._readable:
            raise streams.StreamError("Bad file descriptor")
        content = self._content if self._content is not None else self._file.data
        data = bytes(content[self._position : self._position + limit])
        self._position += len(data)
        return data

    def unread(self, data: bytes) -> None:
        """Move the position back, so that the next reader of this stream sees the bytes again."""
        if data:
            self._position -= len(data)

    async def write(self, data: bytes) -> None:
        """Write at the position; ``StreamError`` if the stream is read-only or the file system full."""
        if not self._writable:
            raise streams.StreamError("Bad file descriptor")
        position = len(self._file.data) if self._append else self._position
        try:
            self._system.fs.splice(self._file, position, data)
        except FileError as error:
            raise streams.StreamError(error.reason) from None
        self._position = position + len(data)


class DeviceStream(streams.Stream):
    """``/dev/zero``, ``/dev/full``, ``/dev/random``."""

    def __init__(self, system: System, kind: str) -> None:
        super().__init__()
        self._system = system
        self._kind = kind

    async def _read(self, limit: int) -> bytes:
        if self._kind == "random":
            return self._system.random(min(limit, streams.CHUNK_BYTES))
        return bytes(min(limit, streams.CHUNK_BYTES))

    async def write(self, data: bytes) -> None:
        """Discard the bytes; ``/dev/full`` has no room for any."""
        if self._kind == "full":
            raise streams.StreamError("No space left on device")


def open_path(
    system: System, path: str, cwd: str, flags: str, fds: Mapping[int, streams.Stream]
) -> streams.Stream:
    """Open a path; ``fds`` are for ``/dev/stdin`` and its like, ``flags`` one of ``r``, ``w``, ``a`` and ``r+``.

    Raises:
        FileError: It cannot be opened so.
    """
    fs = system.fs
    location = fs.find(path, cwd)
    node = location.node
    if isinstance(node, Device):
        if node.kind.isdigit() or node.kind == "tty":
            descriptor = int(node.kind) if node.kind.isdigit() else (0 if flags == "r" else 1)
            if descriptor not in fds:
                raise FileError("No such device or address")
            return fds[descriptor]
        return streams.NullStream() if node.kind == "null" else DeviceStream(system, node.kind)
    if flags == "r":
        if node is None:
            raise FileError("No such file or directory")
        if isinstance(node, Directory):
            return DirectoryStream()
        if not fs.may(node, 4):
            raise FileError("Permission denied")
        assert isinstance(node, File)
        return FileStream(system, node)
    file = fs.open(path, cwd)
    if flags == "w" and file.data:
        fs.set_data(file, b"")
    return FileStream(system, file, append=flags == "a", writable=True, readable=flags == "r+")


class DirectoryStream(streams.Stream):
    """A directory that was opened for reading: every read fails."""

    async def _read(self, limit: int) -> bytes:
        raise streams.StreamError("Is a directory")


def open_input(process: Process, name: str) -> streams.Stream:
    """The stream a filter reads, ``-`` for stdin; ``FileError`` if it cannot be read."""
    if name == "-":
        return process.stdin
    return open_path(process.system, name, process.cwd, "r", process.fds)


async def redirect(shell: Shell, redirects: Sequence[Redirect]) -> bool:
    """Apply redirections to the shell's own descriptors; False if one failed, which has been reported."""
    for one in redirects:
        try:
            problem = await _redirect(shell, one)
        except FileError as error:
            target = await shell.text(one.target)
            problem = cannot_open(target, error.reason, shell.dialect, reading=one.operator == "<")
        if problem:
            await shell.complain(problem)
            return False
    return True


async def _redirect(shell: Shell, one: Redirect) -> str:
    fds = shell.fds
    operator = one.operator
    default = 0 if operator.startswith("<") else 1
    number = one.descriptor if one.descriptor >= 0 else default
    if number > 255 or len(fds) > 64:
        return f"{number}: Bad file descriptor"
    if operator == "<<":
        fds[number] = streams.TextStream(streams.encode(await shell.text(one.target)))
        return ""
    if operator == "<<<":
        fds[number] = streams.TextStream(streams.encode(await shell.text(one.target) + "\n"))
        return ""
    names = await shell.fields([one.target])
    if len(names) != 1:
        return f"{one.target.source}: ambiguous redirect"
    name = names[0]
    if operator in (">&", "<&"):
        if name == "-":
            fds[number] = streams.ClosedStream()
            return ""
        if name.rstrip("-").isdigit():
            source = fds.get(int(name.rstrip("-")[:4]))
            if source is None or isinstance(source, streams.ClosedStream):
                return f"{name}: Bad file descriptor"
            fds[number] = source
            return ""
        if operator == "<&" or one.descriptor >= 0:
            return f"{name}: ambiguous redirect"
        operator = "&>"
    if name.startswith(("/dev/tcp/", "/dev/udp/")) and shell.dialect == "bash":
        return f"{name}: not simulated in this lab's pods"
    flags = {"<": "r", ">>": "a", "&>>": "a", "<>": "r+"}.get(operator, "w")
    stream = open_path(shell.system, name, shell.cwd, flags, fds)
    fds[number] = stream
    if operator in ("&>", "&>>"):
        fds[2] = stream
    return ""
