"""A running command: its words, environment, descriptors, and the container around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..files.filesystem import FileSystem
from ..files.inodes import Directory, Node
from .shell import Shell
from .streams import Stream, encode
from .task_loop import TaskLoop

if TYPE_CHECKING:
    from ..container import Container


@dataclass(slots=True)
class Process:
    """A command that runs.

    Args:
        shell: The shell process that became it; its descriptors 0, 1 and 2 are always there.
        argv: Its name and words.
        env: Its environment.
        flags: The names and values of its options, in order.
        operands: The words that are not options.
    """

    shell: Shell
    argv: list[str]
    env: Mapping[str, str]
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
    def system(self) -> Container:
        """The container around it."""
        return self.shell.system

    @property
    def task_loop(self) -> TaskLoop:
        """Starts processes and holds the budget."""
        return self.shell.task_loop

    @property
    def cwd(self) -> str:
        """Its working directory."""
        return self.shell.cwd

    @property
    def fs(self) -> FileSystem:
        """The container's files."""
        return self.system.fs

    @property
    def stdin(self) -> Stream:
        """Descriptor 0."""
        return self.shell.fds[0]

    @property
    def stdout(self) -> Stream:
        """Descriptor 1."""
        return self.shell.fds[1]

    @property
    def stderr(self) -> Stream:
        """Descriptor 2."""
        return self.shell.fds[2]

    async def out(self, text: str) -> int:
        """Write a text to stdout, and return the status 0."""
        await self.stdout.write(encode(text))
        return 0

    async def err(self, text: str, status: int = 1) -> int:
        """Write a text to stderr, and return the status."""
        await self.stderr.write(encode(text))
        return status

    async def fail(self, message: str, status: int = 1) -> int:
        """Write ``name: message`` to stderr, and return the status."""
        return await self.err(f"{self.name}: {message}\n", status)

    def new_shell(self, environment: Mapping[str, str], *, dialect: str = "") -> Shell:
        """Return a shell process with the same descriptors."""
        return self.shell.fresh(environment, self.argv[0], dialect)

    async def run(self, words: list[str], environment: Mapping[str, str] | None = None) -> int:
        """Run another command with the same descriptors, by default in the same environment, and return its status."""
        shell = self.new_shell(self.env if environment is None else environment)
        shell.as_program = True
        await self.task_loop.tick()
        return await shell.call(words)

    def node(self, path: str, *, follow: bool = True) -> Node:
        """Return the node at a path; ``FileError`` if it does not exist."""
        return self.fs.get(path, self.cwd, follow=follow)

    def is_directory(self, path: str) -> bool:
        """Return whether a path leads to a directory."""
        return self.fs.exists(path, self.cwd) and isinstance(self.node(path), Directory)
