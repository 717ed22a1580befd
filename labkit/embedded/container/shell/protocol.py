"""A shell as its parts see it: expansion, control flow, builtins, programs.

The parts depend on this, and the interpreter, which brings them together, on the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from labkit.embedded.container.shell.patterns import Pattern
from labkit.embedded.container.shell.streams import Stream
from labkit.embedded.container.shell.syntax import Command, Script, Word
from labkit.embedded.container.shell.system import System
from labkit.embedded.container.shell.task_loop import Task, TaskLoop
from labkit.embedded.container.shell.variables import Variables


class Shell(Protocol):
    """The state and the methods of one shell process."""

    system: System
    task_loop: TaskLoop
    fds: dict[int, Stream]
    variables: Variables
    cwd: str
    name: str
    """``$0``."""
    dialect: str
    """The shell whose syntax and messages it has: ``bash`` or ``dash``."""
    pid: int = 7
    positional: list[str]
    functions: dict[str, Command]
    options: set[str]
    """The options of ``set`` that are on, by their long names."""
    status: int = 0
    """``$?``."""
    line: int = 1
    """The line of the command that runs."""
    loops: int = 0
    """The number of loops that run."""
    tested: int = 0
    """The number of conditions that run, within which a failure ends nothing."""
    interactive: bool = False
    from_command: bool = False
    """Whether it runs the text of ``-c``."""
    from_stdin: bool = False
    last_background: Task | None = None
    jobs: list[Task]
    """The commands in the background that have not been waited for."""

    async def fields(self, words: Sequence[Word]) -> list[str]:
        """The texts that a command line's words become."""

    async def text(self, word: Word) -> str:
        """A word as one text, without splitting and file names."""

    async def pattern(self, word: Word) -> Pattern:
        """A word as a pattern."""

    async def arithmetic(self, expression: Word) -> int:
        """The value of an arithmetic expression."""

    def assign(self, name: str, value: str, *, append: bool = False) -> None:
        """Set a variable, or add to it."""

    async def write(self, descriptor: int, text: str) -> None:
        """Write to a descriptor; an error of it is dropped."""

    async def complain(self, message: str, status: int = 1) -> int:
        """Write a message to stderr, with the shell's name and the line in front, and return the status."""

    def fresh(
        self,
        fds: dict[int, Stream],
        environment: dict[str, str],
        *,
        cwd: str = "",
        name: str = "",
        dialect: str = "",
    ) -> Shell:
        """A new shell process in the same container, which knows only what it is given.

        Without a directory, a name (``$0``) or a dialect it has this shell's.
        """

    def subshell(self) -> Shell:
        """A copy of this shell, for ``( … )``, ``$(…)`` and a pipeline's parts."""

    async def main(self, script: str | Script) -> int:
        """Run a whole script (a text, or what the parser made of it), as a process of its own; its exit status."""

    async def run_text(self, text: str) -> int:
        """Parse and run a text in this shell."""

    async def run(self, commands: Sequence[Command]) -> int:
        """Run commands one after the other."""

    async def execute(self, command: Command) -> int:
        """Run one command, with its redirections."""

    async def check_exit(self) -> int:
        """End the shell if the last command failed and ``set -e`` is on."""

    async def call(self, words: list[str], *, functions: bool = True) -> int:
        """Run a function, a builtin or a program by its name."""
