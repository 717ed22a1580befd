"""The shell itself: runs the commands of a script in a container."""

from collections.abc import Sequence

from ..files.inodes import FileError
from . import control
from .builtins import BASH_ONLY, BUILTINS, SPECIAL_BUILTINS
from .expand import expand_fields, expand_text
from .parser import parse
from .redirection import redirect
from .run_program import run_program
from .shell import PROBLEMS, ExitShell, ExpansionError, LoopControl, Shell
from .streams import Stream, StreamError
from .syntax import Assignment, Command, Script, Simple, Substitution
from .task_loop import BudgetExceeded


class Interpreter(Shell):
    """A shell that runs commands."""

    _alone = False
    """Whether it runs one command alone, which takes the place of a ``bash -c``: ``SHLVL`` is one less then."""

    async def main(self, script: str | Script) -> int:
        """Run a whole script (a text, or a parsed one) as a process of its own; return its exit status."""
        try:
            if isinstance(script, str):
                script = parse(script, self.dialect)
            await self._run_script(script)
        except ExitShell as leave:
            self.status = leave.status
        except LoopControl:
            pass
        return self.status

    async def run_text(self, text: str) -> int:
        """Parse and run a text in this shell."""
        return await self._run_script(parse(text, self.dialect))

    async def _run_script(self, script: Script) -> int:
        for warning in script.warnings if self.bash else ():
            await self.write(2, f"{self.name}: {warning}\n")
        commands = script.commands
        self._alone = self.from_command and len(commands) == 1 and isinstance(commands[0], Simple)
        await self.run(commands)
        if not script.error:
            return self.status
        lines = script.error.split("\n")
        if self.interactive and self.bash:
            # A line number is of no use to a person who types.
            lines = [lines[0].partition(": ")[2]]
        where = "-c: " if self.from_command and self.bash else ""
        await self.write(2, "".join(f"{self.name}: {where}{line}\n" for line in lines))
        self.status = 2
        if not self.interactive:
            raise ExitShell(2)
        return self.status

    async def run(self, commands: Sequence[Command]) -> int:
        """Run commands one after the other."""
        for command in commands:
            await self._execute(command)
        return self.status

    async def _execute(self, command: Command) -> int:
        """Run one command, with its redirections."""
        await self.task_loop.tick()
        self.line = command.line
        # Each level needs several frames of Python's own stack.
        if self.task_loop.depth > self.task_loop.budget.depth:
            raise BudgetExceeded("the lab's limit of nested commands was reached")
        outer = self.fds
        try:
            words: list[str] = []
            if isinstance(command, Simple):
                words = await self._words(command)
            if command.redirects:
                self.fds = dict(outer)
            if not await redirect(self, command.redirects):
                # dash has the status 2 for a simple command whose redirection fails.
                self.status = 1 if self.bash or not isinstance(command, Simple) else 2
                return await self.check_exit()
            if isinstance(command, Simple):
                return await self._simple(command, words, outer)
            return await control.run_compound(self, command)
        except PROBLEMS as problem:
            return await self._report(problem)
        finally:
            self.fds = outer

    async def _report(self, problem: Exception) -> int:
        """Report why a command could not be run, and end the shell if it must."""
        self.status = 1
        if isinstance(problem, ExpansionError):
            await self.complain(str(problem))
            self.status = problem.status or (1 if self.bash or self.interactive else 2)
            if not self.interactive:
                raise ExitShell(self.status)
            return self.status
        if isinstance(problem, StreamError):
            await self.complain(f"write error: {problem.reason}")
        elif isinstance(problem, FileError):
            await self.complain(problem.reason)
        return await self.check_exit()

    async def _words(self, command: Simple) -> list[str]:
        texts: list[str] = []
        for word in command.words:
            if isinstance(word, Assignment):
                operator = "+=" if word.append else "="
                texts.append(word.name + operator + await expand_text(self, word.value))
            else:
                texts += await expand_fields(self, (word,))
        return texts

    async def _simple(self, command: Simple, words: list[str], outer: dict[int, Stream]) -> int:
        """Run assignments and words; the assignments in front of a command are for it alone."""
        if not words:
            for assignment in command.assignments:
                await self._assign(assignment)
            # `x=$(…)` has the status of the substitution.
            values = [part for assignment in command.assignments for part in assignment.value.parts]
            if not any(isinstance(part, Substitution) for part in values):
                self.status = 0
            return await self.check_exit()
        saved = {
            assignment.name: self.variables.save(assignment.name)
            for assignment in command.assignments
        }
        for assignment in command.assignments:
            await self._assign(assignment)
            self.variables.export(assignment.name)
        try:
            self.status = await self.call(words)
            if words == ["exec"] and self.fds is not outer:
                # The redirections of `exec` alone stay.
                outer.clear()
                outer.update(self.fds)
        finally:
            # POSIX lets the assignments in front of a special builtin stay; only bash does not follow it.
            special = words[0] in SPECIAL_BUILTINS and words[0] not in self.functions
            if self.bash or not special:
                for name, before in saved.items():
                    self.variables.restore(name, before)
        return await self.check_exit()

    async def _assign(self, assignment: Assignment) -> None:
        value = await expand_text(self, assignment.value)
        self.assign(assignment.name, value, append=assignment.append)

    async def call(self, words: list[str], *, functions: bool = True) -> int:
        """Run a function, a builtin or a program by its name."""
        name = words[0]
        if functions and name in self.functions:
            return await self._call_function(self.functions[name], words[1:])
        if name in BUILTINS and (self.bash or name not in BASH_ONLY):
            return await BUILTINS[name](self, words)
        return await run_program(self, words, alone=self._alone)

    async def _call_function(self, body: Command, arguments: list[str]) -> int:
        # `break` within a function does not reach the loops around the call.
        positional = self.positional
        loops = self.loops
        self.positional = arguments
        self.loops = 0
        self.task_loop.depth += 1
        try:
            return await self._execute(body)
        finally:
            self.positional = positional
            self.loops = loops
            self.task_loop.depth -= 1
