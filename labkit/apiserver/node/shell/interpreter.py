"""The shell itself: runs the commands of a script in a container."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence

from labkit.apiserver.node.filesystem import Directory, File, FileError
from labkit.apiserver.node.shell import control, syntax
from labkit.apiserver.node.shell.commands import find_program
from labkit.apiserver.node.shell.expand import Expander, ExpansionError
from labkit.apiserver.node.shell.files import open_path
from labkit.apiserver.node.shell.kernel import BudgetExceeded, Interrupted, Kernel, Killed, Task
from labkit.apiserver.node.shell.parser import parse
from labkit.apiserver.node.shell.process import Process, System
from labkit.apiserver.node.shell.streams import (
    Capture,
    ClosedStream,
    Pipe,
    Stream,
    StreamError,
    TextStream,
    decode,
    encode,
)
from labkit.apiserver.node.shell.syntax import Assignment, Command, Redirect, Script, Simple, Word
from labkit.apiserver.node.shell.variables import ReadOnly, TooMuch, Variables

FLAGS = {
    "a": "allexport", "e": "errexit", "f": "noglob", "n": "noexec", "u": "nounset", "v": "verbose", "x": "xtrace",
    "C": "noclobber", "b": "notify", "h": "hashall", "m": "monitor", "B": "braceexpand",
}  # fmt: skip


PROBLEMS = (ExpansionError, ReadOnly, TooMuch, StreamError, FileError)
"""What may go wrong with a command before or while it runs."""


class Leave(Exception):
    """``exit``: the shell ends.

    Args:
        status: Its exit status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class ReturnFrom(Exception):
    """``return`` from a function or a sourced script."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class LoopControl(Exception):
    """``break`` or ``continue``.

    Args:
        levels: How many loops.
        again: It was ``continue``.
    """

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again


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
        self.pipe_status: list[int] = [0]
        self.line = 1
        self.loops = 0
        self.sourcing = 0
        self.tested = 0
        self.interactive = False
        self.from_command = False
        self.last_background: Task | None = None
        self.jobs: list[tuple[int, Task, str]] = []
        self.history: list[str] = []
        self.pid = 7
        self.errors_where = ""
        self.expander = Expander(self)
        self.open_options = 1
        self.calls: list[str] = []

    # Facts for expansion.

    def special(self, name: str) -> str | None:
        """The value of ``$?``, ``$#`` and their like, or None if the name is no such."""
        match name:
            case "?":
                return str(self.status)
            case "#":
                return str(len(self.positional))
            case "$":
                return str(self.pid)
            case "!":
                return str(self.last_background.pid) if self.last_background is not None else ""
            case "-":
                letters = "".join(letter for letter, option in FLAGS.items() if option in self.options)
                return letters + ("i" if self.interactive else "") + ("c" if self.from_command else "")
        if self.variables.get(name) is not None or self.dialect != "bash":
            return str(self.line) if name == "LINENO" else None
        match name:
            case "RANDOM":
                return str(int.from_bytes(self.system.random(2), "big") & 0x7FFF)
            case "SECONDS":
                return str(int(self.kernel.elapsed_seconds))
            case "LINENO":
                return str(self.line)
            case "BASH_VERSION":
                return "5.2.37(1)-release"
            case "HOSTNAME":
                return self.system.hostname
            case "EPOCHSECONDS":
                return str(int(self.system.now()))
            case "UID" | "EUID":
                return str(self.system.fs.uid)
            case "PPID":
                return "0"
            case "BASHPID":
                return str(self.pid)
            case "OSTYPE":
                return "linux-gnu"
            case "HOSTTYPE":
                return "x86_64"
            case "MACHTYPE":
                return "x86_64-pc-linux-gnu"
            case "SHELL":
                return "/bin/bash"
            case "BASH":
                return "/usr/bin/bash"
            case "FUNCNAME":
                return self.calls[-1] if self.calls else None
            case "SHLVL":
                return "1"
        return None

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

    async def assign(self, name: str, value: str, index: str = "", *, append: bool = False) -> None:
        """Set a variable or an element, perhaps adding to it.

        Raises:
            ReadOnly: It must not change.
        """
        found = self.variables.get(name)
        if found is not None and found.integer:
            value = str(await self.expander.arithmetic(value or "0"))
        if not index:
            if append:
                before = (found.scalar() if found is not None else None) or ""
                if found is not None and found.integer:
                    value = str(await self.expander.arithmetic(f"{before or 0}+{value}"))
                else:
                    value = before + value
            self.assign_text(name, value)
            return
        key: int | str
        if found is not None and found.associative:
            key = await self.expander.operand(index, quoted=True)
        else:
            key = await self.expander.arithmetic(index)
            if key < 0 and found is not None and found.array:
                key += max(int(item) for item in found.array) + 1
        if append and found is not None and found.array is not None:
            value = found.array.get(key, "") + value
        self.variables.set_element(name, key, value)

    async def apply_assignment(self, assignment: Assignment) -> None:
        """Do ``name=value`` in any of its forms."""
        if assignment.array is None:
            value = await self.expander.text(assignment.value) if assignment.value is not None else ""
            await self.assign(assignment.name, value, assignment.index, append=assignment.append)
            if "xtrace" in self.options:
                await self.trace([f"{assignment.name}={_trace_quote(value) if value else ''}"])
            return
        found = self.variables.get(assignment.name)
        associative = found is not None and found.associative
        values: dict[int | str, str] = {}
        if assignment.append and found is not None and found.array is not None:
            self.kernel.charge(len(found.array) / 25)
            values.update(found.array)
        following = max((key for key in values if isinstance(key, int)), default=-1) + 1
        for word in assignment.array:
            source = word.source
            if source.startswith("[") and "]=" in source:
                raw, _, rest = source[1:].partition("]=")
                from labkit.apiserver.node.shell.words import parse_word

                value = await self.expander.text(parse_word(rest))
                if associative:
                    values[await self.expander.text(parse_word(raw))] = value
                else:
                    following = await self.expander.arithmetic(raw)
                    values[following] = value
                    following += 1
                continue
            for text in await self.expander.fields([word]):
                values[following] = text
                following += 1
        self.variables.set_array(assignment.name, values)

    # Talking.

    async def write(self, descriptor: int, text: str) -> None:
        """Write to a descriptor; an error of it is dropped."""
        stream = self.fds.get(descriptor)
        if stream is not None:
            with contextlib.suppress(StreamError):
                await stream.write(encode(text))

    async def complain(self, message: str, *, where: bool = True) -> None:
        """Say something on stderr, with the shell's name and line in front as it does."""
        if self.dialect == "bash":
            if self.interactive or not where:
                lead = f"{self.name}: "
            elif self.errors_where:
                lead = f"{self.errors_where}: line {self.line}: "
            else:
                lead = f"{self.name}: line {self.line}: "
        elif self.dialect == "dash":
            lead = f"{self.name}: {self.line}: "
        else:
            lead = f"{self.name}: " if self.line == 1 or self.interactive else f"{self.name}: line {self.line}: "
        await self.write(2, lead + message + "\n")

    def worded(self, message: str) -> str:
        """Bash's words for a bad expansion, in this shell's."""
        if self.dialect == "bash":
            return message
        if message.endswith("bad substitution"):
            return "Bad substitution" if self.dialect == "dash" else "syntax error: bad substitution"
        match = re.fullmatch(r"(.*?): (.*?)(?: \(error token is .*)", message, re.DOTALL)
        if match is None:
            return message
        if "division by 0" in match[2]:
            what = "division by zero"
        elif "operand expected" in match[2]:
            what = "expecting primary"
        else:
            what = "expecting EOF"
        if self.dialect == "dash":
            return f'arithmetic expression: {what}: "{match[1]}"'
        return "divide by zero" if what == "division by zero" else "arithmetic syntax error"

    async def trace(self, words: Sequence[str]) -> None:
        """``set -x``."""
        await self.write(2, "+ " + " ".join(words) + "\n")

    # Running.

    def subshell(self) -> Shell:
        """A copy of this shell, for ``( … )``, ``$(…)`` and a pipeline's parts."""
        self.kernel.charge(2 + self.variables.weight() / 500)
        other = Shell(self.system, self.kernel, dict(self.fds), {}, cwd=self.cwd, name=self.name, dialect=self.dialect)
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
                if not await self.redirect(command.redirects):
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
            await self.complain(self.worded(problem.message))
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
        """``set -e``: a failure that nobody tested ends the shell."""
        if self.status and "errexit" in self.options and not self.tested:
            raise Leave(self.status)
        return self.status

    async def simple(self, command: Simple) -> int:
        """Run a simple command: assignments, words, redirections."""
        saved = self.fds
        try:
            words = await self._words(command)
            self.fds = dict(saved)
            if command.redirects and not await self.redirect(command.redirects):
                self.status = 2 if self.dialect == "dash" else 1
                return await self.check_exit()
            if not words:
                for assignment in command.assignments:
                    await self.apply_assignment(assignment)
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
                out.append(await self._declaration(word, associative=associative))
            else:
                out.extend(await self.expander.fields([word]))
        return out

    async def _declaration(self, assignment: Assignment, *, associative: bool) -> str:
        """``export name=value``: the value is not split. An array is set at once."""
        if assignment.array is not None:
            if self.variables.in_function:
                self.variables.local(assignment.name)
            if associative:
                found = self.variables.declare(assignment.name)
                found.array, found.associative = found.array or {}, True
            await self.apply_assignment(assignment)
            return assignment.name
        value = await self.expander.text(assignment.value) if assignment.value is not None else ""
        index = f"[{assignment.index}]" if assignment.index else ""
        return f"{assignment.name}{index}{'+' if assignment.append else ''}={value}"

    async def _call(self, command: Simple, words: list[str], outer: dict[int, Stream]) -> int:
        from labkit.apiserver.node.shell.builtins import BUILTINS, SPECIAL_BUILTINS

        if "xtrace" in self.options:
            await self.trace([_trace_quote(word) for word in words])
        name = words[0]
        function = self.functions.get(name)
        builtin = BUILTINS.get(name) if self._has_builtin(name) else None
        kept = {one.name: self.variables.save(one.name) for one in command.assignments}
        for assignment in command.assignments:
            await self.apply_assignment(assignment)
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
                self.status = await self.run_program(words)
        finally:
            if not (builtin is not None and name in SPECIAL_BUILTINS and self.dialect != "bash"):
                for kept_name, before in kept.items():
                    self.variables.restore(kept_name, before)
        return await self.check_exit()

    def _has_builtin(self, name: str) -> bool:
        from labkit.apiserver.node.shell.builtins import BASH_ONLY

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

    # Programs.

    def look_up(self, name: str) -> str | None:
        """The path of a program, searched along ``$PATH`` unless it has a slash."""
        fs = self.system.fs
        if "/" in name:
            return name if fs.exists(name, self.cwd) else None
        search = self.variables.text("PATH")
        for directory in (self.system.image.path if search is None else search).split(":"):
            path = f"{directory or '.'}/{name}"
            try:
                node = fs.get(path, self.cwd)
            except FileError:
                continue
            if isinstance(node, File) and node.mode & 0o111:
                return path
        return None

    async def run_program(self, words: list[str], environment: dict[str, str] | None = None) -> int:
        """Run a command that is neither a function nor a builtin.

        Args:
            words: Its name and arguments.
            environment: What it sees, the exported variables by default.

        Returns:
            Its exit status: 127 if there is none, 126 if it cannot be run.
        """
        name = words[0]
        path = self.look_up(name) if name else None
        if path is None:
            if "/" in name:
                await self.complain(f"{name}: {'not found' if self.dialect != 'bash' else 'No such file or directory'}")
            else:
                what = "command not found" if self.dialect == "bash" else "not found"
                await self.complain(f"{name}: {what}")
            return 127
        try:
            node = self.system.fs.get(path, self.cwd)
        except FileError as error:
            await self.complain(f"{name}: {error.reason}")
            return 126
        if isinstance(node, Directory):
            await self.complain(f"{name}: {'Is a directory' if self.dialect == 'bash' else 'Permission denied'}")
            return 126
        if not isinstance(node, File) or not node.mode & 0o111:
            await self.complain(f"{name}: Permission denied")
            return 126
        env = self.variables.environment() if environment is None else environment
        if not node.program:
            return await self._run_file(words, path, node, env)
        function = find_program(node.program)
        if function is None:
            await self.complain(f"{name}: the lab's shell has no such program")
            return 126
        self.kernel.charge(2)
        self.kernel.depth += 1
        process = Process(words, env, self.cwd, self.fds, self.kernel, self.system, self._spawn)
        try:
            return await function(process) & 0xFF
        except FileError as error:
            return await process.fail(error.reason)
        except StreamError as error:
            await self.write(2, f"{process.name}: write error: {error.reason}\n")
            return 1
        except Interrupted:
            raise
        except BudgetExceeded:
            raise
        except Killed as end:
            return end.status
        finally:
            self.kernel.depth -= 1

    async def _run_file(self, words: list[str], path: str, node: File, env: dict[str, str]) -> int:
        """Run a script: by its ``#!`` line, or by the shell itself."""
        text = decode(node.content())
        if "\0" in text[:80]:
            await self.complain(f"{words[0]}: cannot execute binary file: Exec format error")
            return 126
        first = text.split("\n", 1)[0]
        if first.startswith("#!") and first[2:].split():
            interpreter = first[2:].split(None, 1)
            if not self.system.fs.exists(interpreter[0]):
                await self.complain(f"{words[0]}: {interpreter[0]}: bad interpreter: No such file or directory")
                return 126
            return await self.run_program([*interpreter, path, *words[1:]], env)
        shell = Shell(self.system, self.kernel, dict(self.fds), env, cwd=self.cwd, name=path, dialect=self.dialect)
        shell.positional = words[1:]
        self.kernel.depth += 1
        try:
            return await shell.main(text)
        finally:
            self.kernel.depth -= 1

    async def _spawn(
        self,
        words: list[str],
        env: dict[str, str] | None = None,
        fds: dict[int, Stream] | None = None,
        cwd: str | None = None,
    ) -> int:
        """What a program calls to run another one."""
        other = Shell(
            self.system,
            self.kernel,
            dict(fds if fds is not None else self.fds),
            env if env is not None else self.variables.environment(),
            cwd=cwd or self.cwd,
            name=self.name,
            dialect=self.dialect,
        )
        if self.kernel.depth > self.kernel.budget.depth:
            raise BudgetExceeded("the lab's limit of nested commands was reached")
        await self.kernel.tick()
        return await other.run_program(words)

    # Substitutions.

    async def substitute(self, script: str) -> str:
        """``$(…)``: what a script prints, without its last newlines."""
        capture = Capture(self.kernel.budget.memory_bytes)
        shell = self.subshell()
        shell.fds[1] = capture
        shell.traps = {}
        text = script.strip()
        if text.startswith("<") and not text.startswith(("<(", "<<")):
            shell.fds[0] = self.fds[0]
            script = "cat " + text
        self.kernel.depth += 1
        try:
            if "errexit" in shell.options and self.dialect == "bash":
                shell.options.discard("errexit")
            self.status = await shell.main(script)
        finally:
            self.kernel.depth -= 1
        return decode(bytes(capture.data)).rstrip("\n").replace("\0", "")

    async def process_substitution(self, script: str, direction: str) -> str:
        """``<(…)``: a path under ``/dev/fd`` from which the script's output is read."""
        number = 63
        while number in self.fds:
            number -= 1
        if number < 10:
            raise ExpansionError("cannot make pipe for process substitution: Too many open files")
        shell = self.subshell()
        pipe = Pipe(self.kernel)
        inner, outer = (1, pipe.reader) if direction == "<" else (0, pipe.writer)
        shell.fds[inner] = pipe.writer if direction == "<" else pipe.reader
        self.fds[number] = outer

        async def body() -> int:
            try:
                return await shell.main(script)
            finally:
                shell.fds[inner].close()

        self.kernel.spawn(body())
        return f"/dev/fd/{number}"

    # Redirections.

    async def redirect(self, redirects: Sequence[Redirect]) -> bool:
        """Apply redirections to the shell's own descriptors.

        Returns:
            False if one failed; that was said already.
        """
        for one in redirects:
            try:
                problem = await self._redirect(one)
            except FileError as error:
                target = await self.expander.text(one.target)
                problem = f"{target}: {error.reason}"
                if self.dialect != "bash":
                    reason = "nonexistent directory" if error.reason.startswith("No such") else error.reason
                    if one.operator == "<":
                        problem = (
                            f"cannot open {target}: {error.reason.replace('No such file or directory', 'No such file')}"
                        )
                    else:
                        reason = reason.replace("nonexistent directory", "Directory nonexistent")
                        problem = f"cannot create {target}: {reason}"
                    if self.dialect == "ash":
                        verb = "open" if one.operator == "<" else "create"
                        text = "no such file" if one.operator == "<" else "nonexistent directory"
                        problem = (
                            f"can't {verb} {target}: {text if error.reason.startswith('No such') else error.reason}"
                        )
            if problem:
                await self.complain(problem)
                return False
        return True

    async def _redirect(self, one: Redirect) -> str:
        fds = self.fds
        operator = one.operator
        default = 0 if operator.startswith("<") else 1
        number = one.descriptor if one.descriptor >= 0 else default
        if number > 255 or len(fds) > 64:
            return f"{number}: Bad file descriptor"
        if operator == "<<":
            fds[number] = TextStream(encode(await self.expander.text(one.target)))
            return ""
        if operator == "<<<":
            fds[number] = TextStream(encode(await self.expander.text(one.target) + "\n"))
            return ""
        names = await self.expander.fields([one.target])
        if len(names) != 1:
            return f"{one.target.source}: ambiguous redirect"
        name = names[0]
        if operator in (">&", "<&"):
            if name == "-":
                fds[number] = ClosedStream()
                return ""
            if name.rstrip("-").isdigit():
                source = fds.get(int(name.rstrip("-")[:4]))
                if source is None or isinstance(source, ClosedStream):
                    return f"{name}: Bad file descriptor"
                fds[number] = source
                return ""
            if operator == "<&" or one.descriptor >= 0:
                return f"{name}: ambiguous redirect"
            operator = "&>"
        if name.startswith(("/dev/tcp/", "/dev/udp/")):
            host, _, port = name[9:].partition("/")
            return await self._dev_tcp(host, port, number, name)
        flags = {"<": "r", ">>": "a", "&>>": "a", "<>": "r+"}.get(operator, "w")
        if flags == "w" and "noclobber" in self.options and operator != ">|":
            found = self.system.fs.find(name, self.cwd).node
            if isinstance(found, File):
                return f"{name}: cannot overwrite existing file"
        stream = open_path(self.system, name, self.cwd, flags, fds)
        if flags == "r" and self.system.fs.exists(name, self.cwd):
            pass
        fds[number] = stream
        if operator in ("&>", "&>>"):
            fds[2] = stream
        return ""

    async def _dev_tcp(self, host: str, port: str, number: int, name: str) -> str:
        """``/dev/tcp``: says whether something listens; what it would answer is not kept."""
        problem = self.system.network.probe(host, int(port) if port.isdigit() and len(port) < 6 else 0)
        if problem is None:
            self.fds[number] = TextStream(b"")
            return ""
        if problem == "unknown":
            await self.complain(f"{host}: Name or service not known")
            return f"{name}: Invalid argument"
        await self.complain("connect: Connection refused")
        return f"{name}: Connection refused"


def _substitutes(assignment: Assignment) -> bool:
    value = assignment.value
    return value is not None and any(isinstance(part, syntax.Substitution) for part in value.parts)


def _trace_quote(word: str) -> str:
    from labkit.apiserver.node.shell.parameters import quote

    if word and all(char.isalnum() or char in "-_./:=,+@%" for char in word):
        return word
    return quote(word)
