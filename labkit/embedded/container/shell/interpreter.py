"""The shell itself: runs the commands of a script in a container."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell import control, syntax
from labkit.embedded.container.shell.builtins import BASH_ONLY, BUILTINS, SPECIAL_BUILTINS
from labkit.embedded.container.shell.errors import PROBLEMS, ExitShell, ExpansionError, LoopControl
from labkit.embedded.container.shell.expand import Expander
from labkit.embedded.container.shell.messages import prefix, translated
from labkit.embedded.container.shell.parser import parse
from labkit.embedded.container.shell.quoting import traced
from labkit.embedded.container.shell.redirection import redirect
from labkit.embedded.container.shell.run_program import run_program
from labkit.embedded.container.shell.streams import Stream, StreamError, encode
from labkit.embedded.container.shell.syntax import Assignment, Command, Script, Simple
from labkit.embedded.container.shell.system import System
from labkit.embedded.container.shell.task_loop import BudgetExceeded, Task, TaskLoop
from labkit.embedded.container.shell.variables import Variables


class Interpreter(Expander):
    """One shell process; :class:`.protocol.Shell` describes its attributes."""

    def __init__(
        self,
        system: System,
        task_loop: TaskLoop,
        fds: dict[int, Stream],
        environment: dict[str, str],
        *,
        cwd: str = "/",
        name: str = "bash",
        dialect: str = "bash",
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
        self._alone = False

    def assign(self, name: str, value: str, *, append: bool = False) -> None:
        """Set a variable, or add to it."""
        if append:
            value = (self.variables.text(name) or "") + value
        self.task_loop.charge(len(value) / 20_000)
        self.variables.set(name, value)

    # Output.

    async def write(self, descriptor: int, text: str) -> None:
        """Write to a descriptor; an error of it is dropped."""
        stream = self.fds.get(descriptor)
        if stream is not None:
            with contextlib.suppress(StreamError):
                await stream.write(encode(text))

    async def complain(self, message: str, status: int = 1) -> int:
        """Write a message to stderr, with the shell's name and the line in front, and return the status."""
        await self.write(2, prefix(self) + message + "\n")
        return status

    # Processes.

    def fresh(
        self,
        fds: dict[int, Stream],
        environment: dict[str, str],
        *,
        cwd: str = "",
        name: str = "",
        dialect: str = "",
    ) -> Interpreter:
        """A new shell process in the same container, which knows only what it is given."""
        return Interpreter(
            self.system,
            self.task_loop,
            fds,
            environment,
            cwd=cwd or self.cwd,
            name=name or self.name,
            dialect=dialect or self.dialect,
        )

    def subshell(self) -> Interpreter:
        """A copy of this shell, for ``( … )``, ``$(…)`` and a pipeline's parts."""
        self.task_loop.charge(2 + len(self.variables) / 500)
        other = self.fresh(dict(self.fds), {})
        other.variables = self.variables.copy()
        other.positional = list(self.positional)
        other.functions = dict(self.functions)
        other.options = set(self.options)
        for name in ("status", "line", "loops", "tested", "interactive", "from_command", "from_stdin",
                     "pid", "last_background"):  # fmt: skip
            setattr(other, name, getattr(self, name))
        return other

    async def main(self, script: str | Script) -> int:
        """Run a whole script, as a process of its own."""
        try:
            await self._run_script(
                parse(script, self.dialect) if isinstance(script, str) else script
            )
        except ExitShell as leave:
            self.status = leave.status
        except LoopControl:
            pass
        return self.status

    async def run_text(self, text: str) -> int:
        """Parse and run a text in this shell."""
        return await self._run_script(parse(text, self.dialect))

    async def _run_script(self, script: Script) -> int:
        """Run a parsed text in this shell."""
        for warning in script.warnings if self.dialect == "bash" else ():
            await self.write(2, f"{self.name}: {warning}\n")
        # One command alone takes the place of a `bash -c`, which counts as one shell less then.
        self._alone = (
            self.from_command
            and len(script.commands) == 1
            and isinstance(script.commands[0], Simple)
        )
        await self.run(script.commands)
        if script.error:
            for line in script.error.split("\n"):
                if self.interactive and self.dialect == "bash":
                    line = line.partition(": ")[2] if line.startswith("line ") else line
                    await self.write(2, f"{self.name}: {line}\n")
                    break
                where = "-c: " if self.from_command and self.dialect == "bash" else ""
                await self.write(2, f"{self.name}: {where}{line}\n")
            self.status = 2
            if not self.interactive:
                raise ExitShell(2)
        return self.status

    # Commands.

    async def run(self, commands: Sequence[Command]) -> int:
        """Run commands one after the other."""
        for command in commands:
            await self.execute(command)
        return self.status

    async def execute(self, command: Command) -> int:
        """Run one command, with its redirections."""
        await self.task_loop.tick()
        self.line = command.line
        if self.task_loop.depth > self.task_loop.budget.depth:
            raise BudgetExceeded("the lab's limit of nested commands was reached")
        saved = self.fds
        try:
            if isinstance(command, Simple):
                return await self._simple(command)
            if command.redirects:
                self.fds = dict(saved)
                if not await redirect(self, command.redirects):
                    self.status = 1
                    return await self.check_exit()
            return await control.run_compound(self, command)
        except PROBLEMS as problem:
            return await self._problem(problem)
        finally:
            self.fds = saved

    async def _problem(self, problem: Exception) -> int:
        """Report why a command could not be run, and end the shell if it must."""
        leave = False
        if isinstance(problem, ExpansionError):
            message = translated(problem.message, self.dialect)
            self.status = (
                problem.status
                if problem.fatal
                else 1
                if self.dialect == "bash" or self.interactive
                else 2
            )
            leave = True
        else:
            reason = (
                problem.reason if isinstance(problem, FileError | StreamError) else str(problem)
            )
            message = f"write error: {reason}" if isinstance(problem, StreamError) else reason
            self.status = 1
        await self.complain(message)
        if not leave:
            return await self.check_exit()
        if not self.interactive:
            raise ExitShell(self.status)
        return self.status

    async def check_exit(self) -> int:
        """End the shell if the last command failed and ``set -e`` is on."""
        if self.status and "errexit" in self.options and not self.tested:
            raise ExitShell(self.status)
        return self.status

    async def _simple(self, command: Simple) -> int:
        """Run a simple command: assignments, words, redirections."""
        outer = self.fds
        words = await self._words(command)
        self.fds = dict(outer)
        if command.redirects and not await redirect(self, command.redirects):
            self.status = 2 if self.dialect == "dash" else 1
            return await self.check_exit()
        if words:
            return await self._call(command, words, outer)
        substituted = any(
            isinstance(part, syntax.Substitution)
            for one in command.assignments
            for part in one.value.parts
        )
        for assignment in command.assignments:
            await self._assign(assignment)
        if not substituted:
            self.status = 0
        return await self.check_exit()

    async def _words(self, command: Simple) -> list[str]:
        out: list[str] = []
        for word in command.words:
            if isinstance(word, Assignment):
                out.append(f"{word.name}{'+' if word.append else ''}={await self.text(word.value)}")
            else:
                out.extend(await self.fields([word]))
        return out

    async def _assign(self, assignment: Assignment) -> None:
        value = await self.text(assignment.value)
        self.assign(assignment.name, value, append=assignment.append)
        if "xtrace" in self.options:
            text = traced(value) if value and self.dialect == "bash" else value
            await self.write(2, f"+ {assignment.name}={text}\n")

    async def _call(self, command: Simple, words: list[str], outer: dict[int, Stream]) -> int:
        """Run a command by its name, with the variables that are set for it alone."""
        if "xtrace" in self.options:
            text = [traced(word) for word in words] if self.dialect == "bash" else words
            await self.write(2, "+ " + " ".join(text) + "\n")
        saved = {one.name: self.variables.save(one.name) for one in command.assignments}
        for assignment in command.assignments:
            await self._assign(assignment)
            self.variables.declare(assignment.name).exported = True
        try:
            self.status = await self.call(words)
            if words == ["exec"]:
                outer.clear()
                outer.update(self.fds)
        finally:
            special = words[0] in SPECIAL_BUILTINS and words[0] not in self.functions
            if self.dialect == "bash" or not special:
                for name, before in saved.items():
                    self.variables.restore(name, before)
        return await self.check_exit()

    async def call(self, words: list[str], *, functions: bool = True) -> int:
        """Run a function, a builtin or a program by its name."""
        name = words[0]
        if functions and name in self.functions:
            return await self._call_function(self.functions[name], words)
        builtin = BUILTINS.get(name) if self.dialect == "bash" or name not in BASH_ONLY else None
        if builtin is not None:
            return await builtin(self, words)
        return await run_program(self, words, alone=self._alone)

    async def _call_function(self, body: Command, words: list[str]) -> int:
        positional, self.positional = self.positional, words[1:]
        loops, self.loops = self.loops, 0
        self.task_loop.depth += 1
        try:
            return await self.execute(body)
        finally:
            self.positional, self.loops = positional, loops
            self.task_loop.depth -= 1
