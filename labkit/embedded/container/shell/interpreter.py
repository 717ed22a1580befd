"""The shell itself: runs the commands of a script in a container."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell import control, syntax
from labkit.embedded.container.shell.assigning import apply_assignment, declaration
from labkit.embedded.container.shell.expand import Expander
from labkit.embedded.container.shell.kernel import BudgetExceeded, Kernel, Task
from labkit.embedded.container.shell.leaving import Leave, LoopControl, ReturnFrom
from labkit.embedded.container.shell.messages import lead, worded
from labkit.embedded.container.shell.parser import parse
from labkit.embedded.container.shell.problems import PROBLEMS, ExpansionError
from labkit.embedded.container.shell.process import System
from labkit.embedded.container.shell.programs import run_program
from labkit.embedded.container.shell.quoting import traced
from labkit.embedded.container.shell.redirection import redirect
from labkit.embedded.container.shell.streams import Stream, StreamError, encode
from labkit.embedded.container.shell.syntax import Assignment, Command, Script, Simple, Word
from labkit.embedded.container.shell.variables import ReadOnly, TooMuch, Variables


class Shell:
    """One shell process.

    Args:
        system: The container.
        kernel: Runs its processes.
        fds: Its descriptors.
        environment: Its exported variables.
        cwd: Where it starts.
        name: ``$0``.
        dialect: Whose messages it speaks: ``bash``, ``dash`` or ``ash``.
    """

    def __init__(
        self,
        system: System,
        kernel: Kernel,
        fds: dict[int, Stream],
        environment: dict[str, str],
        *,
        cwd: str = "/",
        name: str = "bash",
        dialect: str = "bash",
    ) -> None:
        self.system = system
        self.kernel = kernel
        self.fds = fds
        self.variables = Variables(environment)
        self.cwd = cwd
        self.name = name
        self.dialect = dialect
        self.positional: list[str] = []
        self.functions: dict[str, Command] = {}
        self.aliases: dict[str, str] = {}
        self.options: set[str] = {"hashall", "braceexpand"}
        self.traps: dict[str, str] = {}
        self.status = 0
        self.line = 1
        self.loops = 0
        self.sourcing = 0
        self.tested = 0
        self.interactive = False
        self.from_command = False
        self.from_stdin = False
        self.trapping = False
        self.alone = False
        self.last_background: Task | None = None
        self.jobs: list[tuple[int, Task, str]] = []
        self.history: list[str] = []
        self.pid = 7
        self.errors_where = ""
        self.expander = Expander(self)
        self.open_options = 1
        self.calls: list[str] = []

    # Facts for expansion.

    def separators(self) -> str:
        """``$IFS``."""
        value = self.variables.text("IFS")
        return " \t\n" if value is None else value

    def fatal_status(self) -> int:
        """The status with which an unset variable ends a script."""
        return 127 if self.dialect == "bash" else 2

    def assign_text(self, name: str, value: str) -> None:
        """Set a variable from an expression."""
        if name == "PIPESTATUS":
            return
        self.kernel.charge(len(value) / 20_000)
        exported = True if "allexport" in self.options else None
        self.variables.set(name, value, exported=exported)

    # Talking.

    async def write(self, descriptor: int, text: str) -> None:
        """Write to a descriptor; an error of it is dropped."""
        stream = self.fds.get(descriptor)
        if stream is not None:
            with contextlib.suppress(StreamError):
                await stream.write(encode(text))

    async def complain(self, message: str, *, where: bool = True) -> None:
        """Say something on stderr, with the shell's name and line in front as it does."""
        await self.write(2, lead(self, where=where) + message + "\n")

    async def trace(self, words: Sequence[str]) -> None:
        """``set -x``."""
        await self.write(2, "+ " + " ".join(words) + "\n")

    # Running.

    def fresh(self, fds: dict[int, Stream], environment: dict[str, str], *, cwd: str = "", name: str = "") -> Shell:
        """A new shell process in the same container, which knows only what it is given.

        Args:
            fds: Its descriptors.
            environment: Its exported variables.
            cwd: Where it starts; here if empty.
            name: ``$0``; the same if empty.
        """
        return Shell(
            self.system,
            self.kernel,
            fds,
            environment,
            cwd=cwd or self.cwd,
            name=name or self.name,
            dialect=self.dialect,
        )

    def subshell(self) -> Shell:
        """A copy of this shell, for ``( … )``, ``$(…)`` and a pipeline's parts."""
        self.kernel.charge(2 + self.variables.weight() / 500)
        other = self.fresh(dict(self.fds), {})
        other.variables = self.variables.copy()
        other.positional = list(self.positional)
        other.functions = dict(self.functions)
        other.aliases = dict(self.aliases)
        other.options = set(self.options)
        other.status = self.status
        other.line = self.line
        other.loops = self.loops
        other.tested = self.tested
        other.interactive = self.interactive
        other.from_command = self.from_command
        other.from_stdin = self.from_stdin
        other.sourcing = self.sourcing
        other.errors_where = self.errors_where
        other.pid = self.pid
        other.calls = list(self.calls)
        other.last_background = self.last_background
        return other

    async def main(self, text: str) -> int:
        """Run a whole script, as a process of its own.

        Returns:
            Its exit status.
        """
        try:
            await self.run_text(text)
        except Leave as leave:
            self.status = leave.status
        except (ReturnFrom, LoopControl):
            pass
        return await self.finish()

    async def finish(self) -> int:
        """The end of the shell: its EXIT trap runs."""
        script = self.traps.pop("EXIT", "")
        if script:
            status = self.status
            try:
                await self.run_text(script)
            except Leave as leave:
                status = leave.status
            except (ReturnFrom, LoopControl):
                pass
            self.status = status
        return self.status

    async def run_text(self, text: str, *, where: str = "") -> int:
        """Parse and run a text.

        Args:
            text: The script.
            where: Before the line of a syntax error: ``-c``, ``eval``.

        Returns:
            The last status.
        """
        script: Script = parse(text, self.dialect)
        for warning in script.warnings if self.dialect == "bash" else ():
            await self.write(2, f"{self.name}: {warning}\n")
        # One command alone takes the place of a `bash -c`, which counts as one shell less then.
        self.alone = self.from_command and len(script.commands) == 1 and isinstance(script.commands[0], Simple)
        await self.run(script.commands)
        if script.error:
            lead = where if where else "-c" if self.from_command and self.dialect == "bash" else ""
            for line in script.error.split("\n"):
                if self.interactive and self.dialect == "bash":
                    line = line.partition(": ")[2] if line.startswith("line ") else line
                    await self.write(2, f"{self.name}: {line}\n")
                    break
                await self.write(2, f"{self.name}: {lead + ': ' if lead else ''}{line}\n")
            self.status = 2
            if not self.interactive:
                raise Leave(2)
        return self.status

    async def run(self, commands: Sequence[Command]) -> int:
        """Run commands one after the other.

        Returns:
            The last status.
        """
        for command in commands:
            await self.execute(command)
        return self.status

    async def execute(self, command: Command) -> int:
        """Run one command, with its redirections.

        Returns:
            Its status, which is ``$?`` from then on.
        """
        await self.kernel.tick()
        self.line = command.line
        if self.kernel.depth > self.kernel.budget.depth:
            raise BudgetExceeded("the lab's limit of nested commands was reached")
        if isinstance(command, Simple):
            return await self.simple(command)
        saved = self.fds
        try:
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
        """A command could not be run: say why, and end the shell if it must.

        Returns:
            Its status.
        """
        if isinstance(problem, TooMuch):
            raise BudgetExceeded("the lab's limit of memory for one command was reached") from None
        if isinstance(problem, ReadOnly):
            what = "readonly variable" if self.dialect == "bash" else "is read only"
            await self.complain(f"{problem.name}: {what}")
            self.status = 1 if self.dialect == "bash" else 2
            if not self.interactive:
                raise Leave(self.status)
            return self.status
        if isinstance(problem, ExpansionError):
            await self.complain(worded(self, problem.message))
            self.status = problem.status if problem.fatal else 1
            if self.interactive:
                return self.status
            if problem.fatal:
                raise Leave(self.status)
            if self.dialect != "bash":
                raise Leave(2)
            if "bad substitution" not in problem.message:
                raise Leave(1)
            return await self.check_exit()
        reason = problem.reason if isinstance(problem, FileError | StreamError) else str(problem)
        await self.complain(f"write error: {reason}" if isinstance(problem, StreamError) else reason)
        self.status = 1
        return await self.check_exit()

    async def check_exit(self) -> int:
        """A failure that nobody tested runs the ``ERR`` trap, and ends the shell under ``set -e``."""
        script = self.traps.get("ERR", "")
        if self.status and script and not (self.tested or self.trapping or self.calls):
            status, self.trapping = self.status, True
            try:
                await self.run_text(script)
            finally:
                self.status, self.trapping = status, False
        if self.status and "errexit" in self.options and not self.tested:
            raise Leave(self.status)
        return self.status

    async def simple(self, command: Simple) -> int:
        """Run a simple command: assignments, words, redirections."""
        saved = self.fds
        try:
            words = await self._words(command)
            self.fds = dict(saved)
            if command.redirects and not await redirect(self, command.redirects):
                self.status = 2 if self.dialect == "dash" else 1
                return await self.check_exit()
            if not words:
                for assignment in command.assignments:
                    await apply_assignment(self, assignment)
                if not any(_substitutes(assignment) for assignment in command.assignments):
                    self.status = 0
                return await self.check_exit()
            return await self._call(command, words, saved)
        except PROBLEMS as problem:
            return await self._problem(problem)
        finally:
            self.fds = saved

    async def _words(self, command: Simple) -> list[str]:
        if not command.words:
            return []
        plain = [word for word in command.words if isinstance(word, Word)]
        words = command.words
        if self.aliases and plain and plain[0].source in self.aliases and self.interactive:
            script = parse(self.aliases[plain[0].source], self.dialect)
            if len(script.commands) == 1 and isinstance(script.commands[0], Simple):
                words = script.commands[0].words + words[1:]
        if len(plain) == len(words):
            return await self.expander.fields(plain)
        out: list[str] = []
        for word in words:
            if isinstance(word, Assignment):
                associative = any(flag.startswith("-") and "A" in flag for flag in out)
                out.append(await declaration(self, word, associative=associative))
            else:
                out.extend(await self.expander.fields([word]))
        return out

    async def _call(self, command: Simple, words: list[str], outer: dict[int, Stream]) -> int:
        from labkit.embedded.container.shell.builtins import BUILTINS, SPECIAL_BUILTINS

        if "xtrace" in self.options:
            await self.trace([traced(word) for word in words])
        name = words[0]
        function = self.functions.get(name)
        builtin = BUILTINS.get(name) if self._has_builtin(name) else None
        kept = {one.name: self.variables.save(one.name) for one in command.assignments}
        for assignment in command.assignments:
            await apply_assignment(self, assignment)
            found = self.variables.get(assignment.name)
            if found is not None:
                found.exported = True
        try:
            if function is not None:
                self.status = await self.call_function(function, words)
            elif builtin is not None:
                if name == "exec":
                    self.status = await builtin(self, words)
                    if len(words) == 1:
                        outer.clear()
                        outer.update(self.fds)
                else:
                    self.status = await builtin(self, words)
            else:
                self.status = await run_program(self, words)
        finally:
            if not (builtin is not None and name in SPECIAL_BUILTINS and self.dialect != "bash"):
                for kept_name, before in kept.items():
                    self.variables.restore(kept_name, before)
        return await self.check_exit()

    def _has_builtin(self, name: str) -> bool:
        from labkit.embedded.container.shell.builtins import BASH_ONLY

        return self.dialect == "bash" or name not in BASH_ONLY

    async def call_function(self, body: Command, words: list[str]) -> int:
        """Call a function with its arguments."""
        kept, self.positional = self.positional, words[1:]
        self.kernel.depth += 1
        self.variables.push()
        self.calls.append(words[0])
        loops, self.loops = self.loops, 0
        try:
            await self.execute(body)
        except ReturnFrom as end:
            self.status = end.status
        finally:
            self.calls.pop()
            self.positional = kept
            self.loops = loops
            self.kernel.depth -= 1
            self.variables.pop()
        return self.status


def _substitutes(assignment: Assignment) -> bool:
    value = assignment.value
    return value is not None and any(isinstance(part, syntax.Substitution) for part in value.parts)
