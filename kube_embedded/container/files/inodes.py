"""The nodes of a file system (files, directories, links, devices), and its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

# The messages of strerror(3), which programs print behind a path.
NOT_FOUND = "No such file or directory"
NOT_DIRECTORY = "Not a directory"
IS_DIRECTORY = "Is a directory"
EXISTS = "File exists"
READ_ONLY = "Read-only file system"
NO_SPACE = "No space left on device"
TOO_LONG = "File name too long"
LOOP = "Too many levels of symbolic links"
BUSY = "Device or resource busy"
DENIED = "Permission denied"


class FileError(Exception):
    """An operation on a path failed; the reason is ``strerror``'s, such as ``No such file or directory``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Node:
    """An entry of a directory.

    Args:
        mode: Permission bits.
        uid: The owner.
        gid: The group.
        mtime: Last change, in seconds since 1970.
        shared: It belongs to an image and must be copied before it changes.
    """

    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: float = 0.0
    shared: bool = False


@dataclass(slots=True)
class File(Node):
    """A regular file.

    Args:
        data: Its content.
        program: The name of its command, if it is a program of the image.
        generate: Gives the content at every reading (``/proc``, a mounted token).
        memory: It is on a memory file system (a mounted volume).
    """

    data: bytes | bytearray = b""
    program: str = ""
    generate: Callable[[], bytes] | None = None
    memory: bool = False

    def content(self) -> bytes:
        """The present content."""
        return self.generate() if self.generate is not None else bytes(self.data)


@dataclass(slots=True)
class Link(Node):
    """A symbolic link."""

    target: str = ""


@dataclass(slots=True)
class Device(Node):
    """A character device: ``null``, ``zero``, ``full``, ``random``, ``tty`` or a descriptor's number."""

    kind: str = "null"


@dataclass(slots=True)
class Directory(Node):
    """A directory; the root is its own parent.

    Args:
        entries: Name to node.
        parent: The directory above.
        mount: Something is mounted here.
        memory: It is on a memory file system.
        read_only: Its content cannot be changed.
        refresh: Brings a mounted volume up to date before it is looked at.
    """

    entries: dict[str, Node] = field(default_factory=dict)
    parent: Directory | None = None
    mount: bool = False
    memory: bool = False
    read_only: bool = False
    refresh: Callable[[Directory], None] | None = None

    def look(self) -> dict[str, Node]:
        """The entries, brought up to date."""
        if self.refresh is not None:
            self.refresh(self)
        return self.entries


@dataclass(slots=True)
class Location:
    """The end of a path.

    Args:
        parent: The directory that holds the last name.
        name: The last name, empty for the root.
        node: The node with that name, if it exists.
    """

    parent: Directory
    name: str
    node: Node | None
