"""A container's files: a tree in memory, apart from the host's files.

The tree has all that the shell's commands look at: regular files, directories, symbolic
links, a few devices, modes, owners, times, mounts that are read-only, and a bound on its
size. Nodes of an image are shared between containers and copied when written.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from .inodes import (
    BUSY,
    DENIED,
    EXISTS,
    IS_DIRECTORY,
    LOOP,
    NO_SPACE,
    NOT_DIRECTORY,
    NOT_FOUND,
    READ_ONLY,
    TOO_LONG,
    Device,
    Directory,
    File,
    FileError,
    Link,
    Location,
    Node,
)

# The first three are bounds of ours, so that a loop in a pod cannot fill the server's memory.
# The others are Linux's own (linux/limits.h, and MAXSYMLINKS in namei.h).
MAX_BYTES = 16 << 20
MAX_NODES = 20_000
MAX_DEPTH = 100
MAX_NAME = 255
MAX_PATH = 4096
MAX_LINKS = 40


class FileSystem:
    """The file tree of one container. Its methods raise ``FileError``.

    Args:
        root: The root directory.
        now: Returns seconds since 1970.
    """

    def __init__(self, root: Directory, now: Callable[[], float]) -> None:
        root.parent = root
        self.root = root
        self.now = now
        self.uid = 0
        self.gid = 0
        self.groups: frozenset[int] = frozenset()
        self.used_bytes = 0
        self.used_nodes = 0

    # Look-ups

    def find(self, path: str, cwd: str = "/", *, follow: bool = True) -> Location:
        """Walk a path, absolute or relative to ``cwd``; a link in its last place is followed if ``follow``.

        Returns:
            The last directory, the last name and its node.

        Raises:
            FileError: A part before the last is missing or no directory.
        """
        if not path:
            raise FileError(NOT_FOUND)
        full = path if path.startswith("/") else f"{cwd}/{path}"
        if len(full) > MAX_PATH:
            raise FileError(TOO_LONG)
        # A stack, whose top is the next part: a link's target comes on top of what remains.
        todo = [part for part in full.split("/") if part and part != "."][::-1]
        must_be_directory = full.endswith(("/", "/."))
        here = self.root
        above: list[Directory] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                # Not by ``parent``: a directory of a shared volume is in several trees.
                here = above.pop() if above else self.root
                continue
            if len(part.encode("utf-8", "surrogatepass")) > MAX_NAME:
                raise FileError(TOO_LONG)
            self._may(here, 1)
            node = here.look().get(part)
            if isinstance(node, Link) and (todo or follow or must_be_directory):
                links += 1
                if links > MAX_LINKS:
                    raise FileError(LOOP)
                todo.extend(
                    piece for piece in reversed(node.target.split("/")) if piece not in ("", ".")
                )
                if node.target.startswith("/"):
                    here = self.root
                    above.clear()
                continue
            if not todo:
                if must_be_directory and node is not None and not isinstance(node, Directory):
                    raise FileError(NOT_DIRECTORY)
                return Location(here, part, node)
            if node is None:
                raise FileError(NOT_FOUND)
            if not isinstance(node, Directory):
                raise FileError(NOT_DIRECTORY)
            above.append(here)
            here = node
        return Location(above[-1] if above else self.root, self.name_of(here), here)

    def get(self, path: str, cwd: str = "/", *, follow: bool = True) -> Node:
        """The node at a path."""
        node = self.find(path, cwd, follow=follow).node
        if node is None:
            raise FileError(NOT_FOUND)
        return node

    def directory(self, path: str, cwd: str = "/") -> Directory:
        """The directory at a path."""
        node = self.get(path, cwd)
        if not isinstance(node, Directory):
            raise FileError(NOT_DIRECTORY)
        return node

    def exists(self, path: str, cwd: str = "/", *, follow: bool = True) -> bool:
        """Return whether a path leads to something."""
        try:
            self.get(path, cwd, follow=follow)
        except FileError:
            return False
        return True

    def program(self, name: str, search: str, cwd: str) -> str | None:
        """The path of a program: its name if that has a slash, else the first executable file along ``search``."""
        if "/" in name:
            return name if self.exists(name, cwd) else None
        for directory in search.split(":"):
            path = f"{directory or '.'}/{name}"
            node = self.get(path, cwd) if self.exists(path, cwd) else None
            if isinstance(node, File) and node.mode & 0o111:
                return path
        return None

    def name_of(self, directory: Directory) -> str:
        """A directory's name in its parent, empty for the root."""
        parent = directory.parent
        if parent is None or parent is directory:
            return ""
        return next((name for name, node in parent.entries.items() if node is directory), "")

    def path_of(self, directory: Directory) -> str:
        """A directory's absolute path."""
        parts: list[str] = []
        while directory is not self.root and directory.parent is not None:
            parts.append(self.name_of(directory))
            directory = directory.parent
        return "/" + "/".join(reversed(parts))

    def names(self, directory: Directory) -> list[str]:
        """The sorted names in a directory."""
        self._may(directory, 4)
        return sorted(directory.look())

    def walk(self, top: Node, path: str) -> Iterator[tuple[str, Node]]:
        """Yield the path and the node of everything below and including ``top``, parents first."""
        stack = [(path, top)]
        while stack:
            here, node = stack.pop()
            yield here, node
            if isinstance(node, Directory):
                base = here if here.endswith("/") else here + "/"
                entries = node.look()
                stack.extend((base + name, entries[name]) for name in sorted(entries, reverse=True))

    # Contents and changes

    def read(self, path: str, cwd: str = "/") -> bytes:
        """A regular file's content."""
        node = self.get(path, cwd)
        if isinstance(node, Directory):
            raise FileError(IS_DIRECTORY)
        if not isinstance(node, File):
            return b""
        self._may(node, 4)
        return node.content()

    def write(self, path: str, data: bytes, cwd: str = "/", *, mode: int = 0o644) -> File:
        """Make or replace a regular file."""
        node = self.open(path, cwd, mode=mode)
        self.set_data(node, data)
        return node

    def open(self, path: str, cwd: str = "/", *, mode: int = 0o644) -> File:
        """Return the regular file at a path for writing, creating it if it is missing."""
        location = self.find(path, cwd)
        if isinstance(location.node, Directory) or path.endswith("/"):
            raise FileError(IS_DIRECTORY)
        if location.node is None:
            file = File(mode=mode, memory=location.parent.memory)
            self.add(location, file)
            return file
        node = self.own(location)
        if not isinstance(node, File) or node.generate is not None:
            raise FileError(DENIED)
        self._may(node, 2)
        return node

    def own(self, location: Location) -> Node:
        """Return a node for writing; a node of the image is copied first."""
        node = location.node
        if node is None:
            raise FileError(NOT_FOUND)
        if self.is_read_only(node if isinstance(node, Directory) else location.parent):
            raise FileError(READ_ONLY)
        # Copy on write: all containers of an image share its nodes.
        if node.shared and isinstance(node, File | Device):
            self._charge(len(node.data) if isinstance(node, File) else 0)
            node = location.parent.entries[location.name] = replace(node, shared=False)
        return node

    def set_data(self, file: File, data: bytes) -> None:
        """Replace a file's content."""
        self._charge(len(data) - len(file.data))
        file.data = data
        self._written(file)

    def splice(self, file: File, position: int, data: bytes) -> None:
        """Write into a file at a position; a gap behind its end is filled with zeros."""
        grown = max(0, position + len(data) - len(file.data))
        self._charge(grown)
        if not isinstance(file.data, bytearray):
            file.data = bytearray(file.data)
        file.data += bytes(grown)
        file.data[position : position + len(data)] = data
        self._written(file)

    def add(self, location: Location, node: Node) -> None:
        """Add a node at a free location."""
        if location.node is not None:
            raise FileError(EXISTS)
        if self.is_read_only(location.parent):
            raise FileError(READ_ONLY)
        self._may(location.parent, 2)
        self._charge(len(node.data) if isinstance(node, File) else 0, 1)
        if isinstance(node, Directory):
            # Programs walk a tree by recursion.
            if self.path_of(location.parent).count("/") > MAX_DEPTH:
                raise FileError(TOO_LONG)
            node.parent = location.parent
            node.memory = location.parent.memory
        node.mtime = node.mtime or self.now()
        node.uid = self.uid
        node.gid = self.gid
        location.parent.entries[location.name] = node
        location.parent.mtime = self.now()

    def mkdir(self, path: str, cwd: str = "/", *, parents: bool = False) -> None:
        """Create a directory; with ``parents`` also missing parents, and no error if it exists."""
        path = path.rstrip("/") or "/"
        if not parents:
            self.add(self.find(path, cwd), Directory(mode=0o755))
            return
        for match in re.finditer(r"/?[^/]+(?=/|$)", path):
            location = self.find(path[: match.end()], cwd)
            if location.node is None:
                self.add(location, Directory(mode=0o755))
            elif not isinstance(location.node, Directory):
                raise FileError(EXISTS if match.end() == len(path) else NOT_DIRECTORY)

    def remove(self, location: Location) -> None:
        """Remove a node from its directory, with all below it."""
        node = location.node
        if node is None:
            raise FileError(NOT_FOUND)
        if self.is_read_only(location.parent):
            raise FileError(READ_ONLY)
        if isinstance(node, Directory) and (node.mount or node is self.root):
            raise FileError(BUSY)
        self._may(location.parent, 2)
        for _, below in self.walk(node, ""):
            if not below.shared:
                self.used_nodes -= 1
                self.used_bytes -= len(below.data) if isinstance(below, File) else 0
        location.parent.entries.pop(location.name, None)
        location.parent.mtime = self.now()

    def is_read_only(self, directory: Directory) -> bool:
        """Return whether a directory is on a read-only mount."""
        here: Directory | None = directory
        while here is not None and not here.read_only:
            if here.mount or here is self.root:
                return False
            here = here.parent
        return here is not None

    def may(self, node: Node, want: int) -> bool:
        """Return whether the container's user can read (4), write (2) or enter (1) a node."""
        if self.uid == 0:
            # Root can do everything, except run a file without any execute bit.
            return want != 1 or isinstance(node, Directory) or bool(node.mode & 0o111)
        shift = 3 if node.gid in (self.gid, *self.groups) else 0
        if node.uid == self.uid:
            shift = 6
        return bool(node.mode >> shift & want)

    def _may(self, node: Node, want: int) -> None:
        if not self.may(node, want):
            raise FileError(DENIED)

    def _charge(self, size: int, nodes: int = 0) -> None:
        if (size > 0 and self.used_bytes + size > MAX_BYTES) or self.used_nodes + nodes > MAX_NODES:
            raise FileError(NO_SPACE)
        self.used_bytes += size
        self.used_nodes += nodes

    def _written(self, file: File) -> None:
        """Note that a file's content has changed: it is no longer a program of the image."""
        file.program = ""
        file.mtime = self.now()
