"""A shell process as its parts see it: expansion, control flow, builtins, programs.

The parts depend on this, and the interpreter, which brings them together, on the parts.
"""

from __future__ import annotations

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from ..files.inodes import FileError
from .streams import Stream, StreamError, encode
from .syntax import Command, Script
from .task_loop import Task, TaskLoop
from .variables import Variables

if TYPE_CHECKING:
    from ..container import Container

FLAGS = {"e": "errexit", "u": "nounset"}
"""The options of ``set`` by their letters."""


class ExpansionError(Exception):
    """A word cannot be expanded; the command is not run. A ``status`` of its own is the shell's last."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


PROBLEMS = (ExpansionError, StreamError, FileError)
"""The problems of a command before or while it runs."""


class ExitShell(Exception):
    """``exit``: the shell ends with an exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class LoopControl(Exception):
    """``break``, or ``continue`` (``again``), of so many loops."""

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again


class Shell(ABC):
    """The state of one shell process.

    Args:
        system: The container.
        task_loop: Runs the processes of the exec.
        fds: Its open descriptors.
        environment: Its exported variables.
        cwd: Its working directory.
        name: ``$0``.
        dialect: The shell whose syntax and messages it has: ``bash`` or ``dash``.
    """

    pid = 7
    status = 0
    """``$?``."""
    line = 1
    """The line of the command that runs."""
    loops = 0
    """The number of loops that run."""
    tested = 0
    """The number of conditions that run, within which a failure ends nothing."""
    interactive = False
    from_command = False
    """Whether it runs the text of ``-c``."""
    as_program = False
    """Whether it only runs a builtin that was called as a program (``/bin/echo``)."""
    last_background: Task | None = None

    def __init__(
        self,
        system: Container,
        task_loop: TaskLoop,
        fds: dict[int, Stream],
        environment: Mapping[str, str],
        *,
        cwd: str,
        name: str,
        dialect: str,
    ) -> None:
        self.system = system
        self.task_loop = task_loop
        self.fds = fds
        self.variables = Variables(environment)
        self.cwd = cwd
        self.name = name
        self.dialect = dialect
        self.positional: list[str] = []
        self.functions: dict[str, Command] = {}
        self.options: set[str] = set()
        self.jobs: list[Task] = []
        """The commands in the background that have not been waited for."""

    @property
    def bash(self) -> bool:
        """True for bash; busybox' shell has the messages of dash here."""
        return self.dialect == "bash"

    def fresh(self, environment: Mapping[str, str], name: str, dialect: str = "") -> Self:
        """Return a new shell process with the same descriptors and directory, and by default the same dialect."""
        return type(self)(
            self.system,
            self.task_loop,
            dict(self.fds),
            environment,
            cwd=self.cwd,
            name=name,
            dialect=dialect or self.dialect,
        )

    def subshell(self) -> Self:
        """Return a copy of this shell, for ``( … )``, ``$(…)`` and a pipeline's parts."""
        # Copying many variables is slow, and not covered by the ticks.
        self.task_loop.charge(2 + len(self.variables) / 500)
        other = copy.copy(self)
        other.fds = dict(self.fds)
        other.variables = self.variables.copy()
        other.positional = list(self.positional)
        other.functions = dict(self.functions)
        other.options = set(self.options)
        other.jobs = []
        return other

    def assign(self, name: str, value: str, *, append: bool = False) -> None:
        """Set a variable, or add to it."""
        if append:
            value = (self.variables.text(name) or "") + value
        self.task_loop.charge(len(value) / 20_000)
        self.variables.set(name, value)

    async def write(self, descriptor: int, text: str) -> None:
        """Write to a descriptor; an error of it is dropped."""
        with contextlib.suppress(StreamError):
            await self.fds[descriptor].write(encode(text))

    async def complain(self, message: str, status: int = 1) -> int:
        """Write a message to stderr, with the shell's name and the line in front, and return the status."""
        line = f"line {self.line}: " if self.bash else f"{self.line}: "
        if self.interactive and self.bash:
            line = ""
        lead = "" if self.as_program else f"{self.name}: {line}"
        await self.write(2, f"{lead}{message}\n")
        return status

    async def check_exit(self) -> int:
        """End the shell if the last command failed and ``set -e`` is on."""
        if self.status and "errexit" in self.options and not self.tested:
            raise ExitShell(self.status)
        return self.status

    @abstractmethod
    async def main(self, script: str | Script) -> int:
        """Run a whole script (a text, or a parsed one) as a process of its own; return its exit status."""

    @abstractmethod
    async def run_text(self, text: str) -> int:
        """Parse and run a text in this shell."""

    @abstractmethod
    async def run(self, commands: Sequence[Command]) -> int:
        """Run commands one after the other."""

    @abstractmethod
    async def call(self, words: list[str], *, functions: bool = True) -> int:
        """Run a function, a builtin or a program by its name."""
