"""Opening the files of a container as streams, and redirections to them."""

from collections.abc import Sequence

from ..files.inodes import DENIED, NOT_FOUND, Device, Directory, File, FileError
from . import streams
from .expand import expand_fields, expand_text
from .process import Process
from .shell import Shell
from .syntax import Redirect

MAX_DESCRIPTOR = 255
MAX_OPEN = 64
_FLAGS = {"<": "r", ">>": "a", "&>>": "a", "<>": "r+"}
"""How a redirection opens its file; all others write it anew."""


class FileStream(streams.Stream):
    """A regular file, opened with flags as :func:`open_path` has them, and read and written at a position."""

    def __init__(self, shell: Shell, file: File, flags: str = "r") -> None:
        self._fs = shell.system.fs
        self._file = file
        self._flags = flags
        self._position = 0
        # A file of /proc is made when it is opened, so that a reader sees one state of it.
        self._content = file.content() if file.generate is not None else None

    async def _read(self, limit: int) -> bytes:
        if "r" not in self._flags:
            raise streams.StreamError("Bad file descriptor")
        content = self._content if self._content is not None else self._file.data
        data = bytes(content[self._position : self._position + limit])
        self._position += len(data)
        return data

    def unread(self, data: bytes) -> None:
        """Move the position back, so that the next reader of this stream sees the bytes again."""
        self._position -= len(data)

    async def write(self, data: bytes) -> None:
        """Write at the position; ``StreamError`` if the stream is read-only or the file system full."""
        if self._flags == "r":
            raise streams.StreamError("Bad file descriptor")
        position = len(self._file.data) if self._flags == "a" else self._position
        try:
            self._fs.splice(self._file, position, data)
        except FileError as error:
            raise streams.StreamError(error.reason) from None
        self._position = position + len(data)


class DeviceStream(streams.Stream):
    """``/dev/zero``, ``/dev/full``, ``/dev/random``."""

    def __init__(self, shell: Shell, kind: str) -> None:
        self._random = shell.system.random
        self._kind = kind

    async def _read(self, limit: int) -> bytes:
        size = min(limit, streams.CHUNK_BYTES)
        return self._random(size) if self._kind == "random" else bytes(size)

    async def write(self, data: bytes) -> None:
        """Discard the bytes; ``/dev/full`` has no room for any."""
        if self._kind == "full":
            raise streams.StreamError("No space left on device")


class DirectoryStream(streams.Stream):
    """A directory that was opened for reading: opening it works, every read fails."""

    async def _read(self, limit: int) -> bytes:
        raise streams.StreamError("Is a directory")


def open_path(shell: Shell, path: str, flags: str) -> streams.Stream:
    """Open a path for a shell process; ``flags`` are one of ``r``, ``w``, ``a`` and ``r+``.

    Raises:
        FileError: It cannot be opened so.
    """
    fs = shell.system.fs
    node = fs.find(path, shell.cwd).node
    match node:
        case Device(kind="null"):
            return streams.NullStream()
        case Device(kind="zero" | "full" | "random"):
            return DeviceStream(shell, node.kind)
        case Device():
            number = int(flags != "r") if node.kind == "tty" else int(node.kind)
            if number not in shell.fds:
                raise FileError("No such device or address")
            return shell.fds[number]
    if flags == "r":
        match node:
            case Directory():
                return DirectoryStream()
            case File():
                if not fs.may(node, 4):
                    raise FileError(DENIED)
                return FileStream(shell, node)
        raise FileError(NOT_FOUND)
    file = fs.open(path, shell.cwd)
    if flags == "w" and file.data:
        fs.set_data(file, b"")
    return FileStream(shell, file, flags)


def open_input(process: Process, name: str) -> streams.Stream:
    """Return the stream a filter reads, ``-`` for stdin; ``FileError`` if it cannot be read."""
    if name == "-":
        return process.stdin
    return open_path(process.shell, name, "r")


async def redirect(shell: Shell, redirects: Sequence[Redirect]) -> bool:
    """Apply redirections to the shell's own descriptors; False if one failed, which has been reported."""
    for redirection in redirects:
        try:
            await _redirect(shell, redirection)
        except FileError as error:
            await shell.complain(error.reason)
            return False
    return True


async def _redirect(shell: Shell, redirection: Redirect) -> None:
    """Apply a redirection; the reason of its ``FileError`` is the whole message."""
    fds = shell.fds
    operator = redirection.operator
    number = redirection.descriptor
    if number < 0:
        number = 0 if operator[0] == "<" else 1
    # Linux allows 1,024 of them; a script that opens more than 64 is a mistake or an attack.
    if number > MAX_DESCRIPTOR or len(fds) > MAX_OPEN:
        raise FileError(f"{number}: Bad file descriptor")
    if operator in ("<<", "<<<"):
        text = await expand_text(shell, redirection.target) + "\n" * (operator == "<<<")
        fds[number] = streams.TextStream(streams.encode(text))
        return
    names = await expand_fields(shell, [redirection.target])
    if len(names) != 1:
        raise FileError(f"{redirection.target.source}: ambiguous redirect")
    name = names[0]
    if operator in (">&", "<&"):
        source = name.rstrip("-")
        if name == "-":
            fds[number] = streams.Stream()
            return
        if source.isdigit():
            stream = fds.get(int(source[:4]))
            if stream is None or type(stream) is streams.Stream:
                raise FileError(f"{name}: Bad file descriptor")
            fds[number] = stream
            return
        # `>&file` without a number is the C shell's spelling of `&>file`, which bash accepts.
        if operator == "<&" or redirection.descriptor >= 0:
            raise FileError(f"{name}: ambiguous redirect")
        operator = "&>"
    # Bash opens sockets for these names, which are in no file system.
    if shell.bash and name.startswith(("/dev/tcp/", "/dev/udp/")):
        raise FileError(f"{name}: not simulated in this lab's pods")
    flags = _FLAGS.get(operator, "w")
    try:
        fds[number] = open_path(shell, name, flags)
    except FileError as error:
        raise FileError(_cannot_open(shell, name, flags, error.reason)) from None
    if operator[0] == "&":
        fds[2] = fds[number]


def _cannot_open(shell: Shell, name: str, flags: str, reason: str) -> str:
    """Return the message about a file that cannot be opened."""
    if shell.bash:
        return f"{name}: {reason}"
    verb, missing = "create", "Directory nonexistent"
    if flags == "r":
        verb, missing = "open", "No such file"
    return f"cannot {verb} {name}: {missing if reason == NOT_FOUND else reason}"
