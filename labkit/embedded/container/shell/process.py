"""A running command: its words, environment, descriptors, and the container around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from labkit.embedded.container.files.filesystem import FileSystem
from labkit.embedded.container.files.inodes import Directory, Node
from labkit.embedded.container.shell.shell import Shell
from labkit.embedded.container.shell.streams import Stream, encode
from labkit.embedded.container.shell.system import System
from labkit.embedded.container.shell.task_loop import TaskLoop


@dataclass(slots=True)
class Process:
    """What a command is given.

    Args:
        argv: Its name and words.
        env: Its environment.
        cwd: Its working directory.
        fds: Its descriptors; 0, 1 and 2 are always there.
        task_loop: Starts processes and keeps the budget.
        system: The container.
        spawn: Runs another command (``xargs``, ``env``, ``find -exec``).
        new_shell: Makes a shell process of descriptors, variables and a dialect (``sh``, ``bash``).
        flags: The names and values of its options, in order.
        operands: The words that are not options.
    """

    argv: list[str]
    env: Mapping[str, str]
    cwd: str
    fds: Mapping[int, Stream]
    task_loop: TaskLoop
    system: System
    spawn: Callable[..., Awaitable[int]] = field(repr=False)
    new_shell: Callable[..., Shell] = field(repr=False)
    flags: list[tuple[str, str]] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Return whether one of the options was given."""
        return any(name in names for name, _ in self.flags)

    def value(self, name: str) -> str | None:
        """Return the last value of an option, or None."""
        return dict(self.flags).get(name)

    @property
    def name(self) -> str:
        """The command's name, without its directory."""
        return self.argv[0].rpartition("/")[2]

    @property
    def args(self) -> list[str]:
        """The words after the name."""
        return self.argv[1:]

    @property
    def fs(self) -> FileSystem:
        """The container's files."""
        return self.system.fs

    @property
    def stdin(self) -> Stream:
        """Descriptor 0."""
        return self.fds[0]

    @property
    def stdout(self) -> Stream:
        """Descriptor 1."""
        return self.fds[1]

    @property
    def stderr(self) -> Stream:
        """Descriptor 2."""
        return self.fds[2]

    async def out(self, text: str) -> int:
        """Write a text to stdout, and return the status 0."""
        await self.fds[1].write(encode(text))
        return 0

    async def err(self, text: str, status: int = 1) -> int:
        """Write a text to stderr, and return the status."""
        await self.fds[2].write(encode(text))
        return status

    async def fail(self, message: str, status: int = 1) -> int:
        """Write ``name: message`` to stderr, and return the status."""
        return await self.err(f"{self.name}: {message}\n", status)

    async def run(self, words: list[str]) -> int:
        """Run another command with the same environment, descriptors and directory, and return its exit status."""
        return await self.spawn(words, dict(self.env), dict(self.fds), self.cwd)

    def node(self, path: str, *, follow: bool = True) -> Node:
        """The node at a path; ``FileError`` if there is none."""
        return self.fs.get(path, self.cwd, follow=follow)

    def is_directory(self, path: str) -> bool:
        """Whether a path leads to a directory."""
        return self.fs.exists(path, self.cwd) and isinstance(self.node(path), Directory)
