"""``sed``: ``s``, ``p``, ``d`` and ``q`` with addresses, and ``-n -e -E``."""

import re
from dataclasses import dataclass, field

from ..shell.process import Process
from ..shell.streams import decode
from .common import all_lines
from .regex import Regex, RegexError, compile_regex
from .registry import NOT_SIMULATED, Failure, program

# Each `s/x/xx/g` of a script doubles the line.
MAX_SPACE = 1 << 20
_USAGE = "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n"
_LEFT_OUT = frozenset("{}btT:rwRWnNDPhHgGxlzFeMQaicy=")
"""Commands of the real sed that the lab's does not have."""

_LAST = -1
_Address = int | Regex
"""The lines that a command is for: a number, ``_LAST`` or those that match."""


@dataclass(slots=True)
class _Command:
    """A command with its addresses and its arguments; ``active`` within a range of lines."""

    name: str
    addresses: list[_Address]
    negated: bool
    regex: Regex | None = None
    replacement: list[str | int] = field(default_factory=list)
    flags: str = ""
    active: bool = False


class _Reader:
    """Reads a script into commands."""

    def __init__(self, text: str, *, extended: bool) -> None:
        self.text = text
        self.index = 0
        self.extended = extended

    def fail(self, message: str) -> Failure:
        return Failure(f"-e expression #1, char {min(self.index, len(self.text))}: {message}")

    def match(self, pattern: str) -> str:
        """Read the text that a pattern matches here."""
        match = re.compile(pattern, re.DOTALL).match(self.text, self.index)
        self.index = match.end() if match else self.index
        return match[0] if match else ""

    def commands(self) -> list[_Command]:
        commands: list[_Command] = []
        while True:
            self.match(r"(?:[ \t\n;]|#[^\n]*)*")
            if self.index >= len(self.text):
                return commands
            commands.append(self.command())

    def command(self) -> _Command:
        addresses = self.address()
        if addresses and self.match(","):
            second = self.address()
            if not second:
                raise self.fail("unexpected `,'")
            addresses += second
        negated = "!" in self.match(" *(?:! *)?")
        command = _Command(self.match("."), addresses, negated)
        if not command.name:
            raise self.fail("missing command")
        if command.name in _LEFT_OUT:
            raise Failure(f"command `{command.name}'{NOT_SIMULATED}")
        if command.name not in "spdq":
            raise self.fail(f"unknown command: `{command.name}'")
        if command.name == "s":
            self.substitution(command)
        self.match(" *")
        if self.text[self.index : self.index + 1] not in ("", ";", "\n", "#"):
            self.index += 1
            option = command.name == "s"
            raise self.fail("unknown option to `s'" if option else "extra characters after command")
        return command

    def address(self) -> list[_Address]:
        """Read one address, or none."""
        if number := self.match(r"\d{1,9}"):
            if self.match("~"):
                raise Failure(f"address `first~step'{NOT_SIMULATED}")
            return [int(number)]
        if self.match(r"\$"):
            return [_LAST]
        if self.match(r"\\"):
            raise Failure(f"address `\\cREGEXPc'{NOT_SIMULATED}")
        if not self.match("/"):
            return []
        pattern = self.delimited("/", "unterminated address regex")
        return [self.compile(pattern, fold=bool(self.match("I")))]

    def delimited(self, delimiter: str, problem: str) -> str:
        """Read up to the next delimiter that is neither escaped nor in brackets."""
        text = ""
        while (piece := self.match(r"\[\^?\]?[^]]*\]|\\.|[^\\]")) != delimiter:
            if not piece:
                raise self.fail(problem)
            escapes = {"\\" + delimiter: delimiter, "\\n": "\n"}
            text += escapes.get(piece, piece)
        return text

    def compile(self, pattern: str, *, fold: bool) -> Regex:
        if not pattern:
            raise Failure(f"empty regular expression{NOT_SIMULATED}")
        try:
            return compile_regex(pattern, extended=self.extended, fold=fold)
        except RegexError as error:
            raise self.fail(str(error)) from None

    def substitution(self, command: _Command) -> None:
        """Read the rest of ``s``: pattern, replacement, flags."""
        delimiter = self.match(".")
        problem = "unterminated `s' command"
        if not delimiter:
            raise self.fail(problem)
        pattern = self.delimited(delimiter, problem)
        while (piece := self.match(r"\\.|[^\\]")) != delimiter:
            if not piece:
                raise self.fail(problem)
            if piece == "&":
                command.replacement.append(0)
            elif piece[0] == "\\" and piece[1].isdigit():
                command.replacement.append(int(piece[1]))
            else:
                command.replacement.append({"\\n": "\n", "\\t": "\t"}.get(piece, piece[-1]))
        command.flags = self.match(r"[gpiI0-9]*")
        if flag := self.match("[wemM]"):
            raise Failure(f"flag `{flag}' of `s'{NOT_SIMULATED}")
        command.regex = self.compile(pattern, fold="i" in command.flags.lower())
        highest = max((item for item in command.replacement if isinstance(item, int)), default=0)
        if highest > command.regex.groups:
            raise self.fail(f"invalid reference \\{highest} on `s' command's RHS")


class _Sed:
    """Runs commands over lines."""

    def __init__(self, process: Process, commands: list[_Command]) -> None:
        self.process = process
        self.commands = commands
        self.number = 0
        self.space = ""
        self.last = False

    async def run(self, rows: list[bytes]) -> None:
        """Run the script over lines."""
        for self.number, row in enumerate(rows, 1):
            self.space = decode(row)
            self.last = self.number == len(rows)
            end = await self.cycle()
            if end != "d" and not self.process.has("n"):
                await self.show()
            if end == "q":
                return

    async def show(self) -> None:
        await self.process.out(self.space + "\n")

    def selected(self, command: _Command) -> bool:
        if not command.addresses:
            return not command.negated
        first = command.addresses[0]
        second = command.addresses[-1]
        inside = command.active or self.at(first)
        # A range that ends at a number ends at once if that line has passed; only a pattern is looked for further on.
        passed = isinstance(second, int) and 0 <= second <= self.number
        if command.active:
            command.active = not passed and not self.at(second)
        else:
            command.active = inside and len(command.addresses) > 1 and not passed
        return inside != command.negated

    def at(self, address: _Address) -> bool:
        if isinstance(address, Regex):
            return address.find(self.process.task_loop.charge, self.space) is not None
        return self.last if address == _LAST else self.number == address

    async def cycle(self) -> str:
        """Run the commands on a line, and return the one that ended it: ``d``, ``q`` or none."""
        for command in self.commands:
            await self.process.task_loop.tick(0.5)
            if not self.selected(command):
                continue
            match command.name:
                case "s" if command.regex is not None:
                    await self.substitute(command, command.regex)
                case "p":
                    await self.show()
                case name:
                    return name
        return ""

    async def substitute(self, command: _Command, regex: Regex) -> None:
        text = self.space
        digits = re.search(r"\d{1,6}", command.flags)
        number = int(digits[0]) if digits else 1
        pieces: list[str] = []
        done = size = 0
        for count, match in enumerate(regex.matches(self.process.task_loop.charge, text), 1):
            await self.process.task_loop.tick(0.1)
            if count < number:
                continue
            filled = (
                match.group(item) or "" if isinstance(item, int) else item
                for item in command.replacement
            )
            pieces.append(text[done : match.start()] + "".join(filled))
            size += len(pieces[-1])
            if size > MAX_SPACE:
                raise Failure("pattern space too long")
            done = match.end()
            if "g" not in command.flags:
                break
        if pieces:
            self.space = "".join(pieces) + text[done:]
            if "p" in command.flags:
                await self.show()


@program("sed", options="n,quiet,silent E,regexp-extended r e,expression= i! in-place! s! u! z! f! file!",
    usage=_USAGE.replace("{", "{{").replace("}", "}}"))  # fmt: skip
async def sed(process: Process) -> int:
    """Edit a stream."""
    scripts = [value for name, value in process.flags if name == "e"]
    if not scripts:
        if not process.operands:
            return await process.err(_USAGE)
        scripts.append(process.operands.pop(0))
    extended = process.has("E", "r")
    commands = _Reader("\n".join(scripts), extended=extended).commands()
    rows, status = await all_lines(process, failed=2)
    await _Sed(process, commands).run(rows)
    return status
