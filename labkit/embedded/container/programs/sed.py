"""``sed``: ``s``, ``p``, ``d`` and ``q`` with addresses, and ``-n -e -E``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.embedded.container.programs.common import all_lines
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption, read_options
from labkit.embedded.container.programs.regex import Match, Regex, RegexError, compile_regex
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import decode

MAX_COMMANDS = 500
MAX_SPACE = 1 << 20
_OPTIONS = "n,quiet,silent E,regexp-extended r e,expression= i! in-place! s! u! z! f! file!"
_USAGE = "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n"
_LEFT_OUT = frozenset("{}btT:rwRWnNDPhHgGxlzFeMQaicy=")
"""Commands of the real sed that the lab's does not have."""

_LAST = -1
_Address = int | Regex
"""Which lines a command is for: a number, ``_LAST`` or those that match."""


class SedError(Exception):
    """The script cannot be read; its text is the message of ``sed``."""


@dataclass(slots=True)
class _Command:
    """A command with its addresses and what belongs to it; ``active`` within a range of lines."""

    name: str = ""
    first: _Address | None = None
    second: _Address | None = None
    negated: bool = False
    regex: Regex | None = None
    replacement: list[str | int] = field(default_factory=list)
    flags: str = ""
    number: int = 1
    active: bool = False


class _Reader:
    """Reads a script into commands."""

    def __init__(self, text: str, *, extended: bool) -> None:
        self.text = text
        self.index = 0
        self.extended = extended

    def fail(self, message: str) -> SedError:
        return SedError(f"-e expression #1, char {min(self.index, len(self.text))}: {message}")

    def peek(self) -> str:
        return self.text[self.index : self.index + 1]

    def match(self, pattern: str) -> str:
        """Read the text that a pattern matches here."""
        matched = re.compile(pattern, re.DOTALL).match(self.text, self.index)
        self.index = matched.end() if matched else self.index
        return matched[0] if matched else ""

    def commands(self) -> list[_Command]:
        out: list[_Command] = []
        while True:
            self.match(r"(?:[ \t\n;]|#[^\n]*)*")
            if not self.peek():
                return out
            if len(out) >= MAX_COMMANDS:
                raise self.fail("script too long")
            out.append(self.command())

    def command(self) -> _Command:
        command = _Command(first=self.address())
        if command.first is not None and self.match(","):
            command.second = self.address()
            if command.second is None:
                raise self.fail("unexpected `,'")
        command.negated = "!" in self.match(" *(?:! *)?")
        command.name = self.match(".")
        if not command.name:
            raise self.fail("missing command")
        if command.name in _LEFT_OUT:
            raise SedError(f"command `{command.name}'{NOT_SIMULATED}")
        if command.name not in "spdq":
            raise self.fail(f"unknown command: `{command.name}'")
        if command.name == "s":
            self.substitution(command)
        self.match(" *")
        if self.peek() not in ("", ";", "\n", "#"):
            self.index += 1
            raise self.fail(
                "extra characters after command" if command.name != "s" else "unknown option to `s'"
            )
        return command

    def address(self) -> _Address | None:
        """An address, None where there is none."""
        if number := self.match(r"\d{1,9}"):
            if self.peek() == "~":
                raise SedError(f"address `first~step'{NOT_SIMULATED}")
            return int(number)
        if self.match(r"\$"):
            return _LAST
        opener = self.match(r"/|\\.")
        if not opener:
            return None
        pattern = self.delimited(opener[-1], "unterminated address regex")
        return self.compile(pattern, fold=bool(self.match("I")))

    def delimited(self, delimiter: str, problem: str) -> str:
        """The text up to the next delimiter that is neither escaped nor in brackets."""
        out = ""
        while self.peek() != delimiter:
            piece = self.match(r"\[\^?\]?[^]]*\]|\\.|[^\\]")
            if not piece:
                raise self.fail(problem)
            if piece[0] == "\\":
                piece = {delimiter: delimiter, "n": "\n"}.get(piece[1], piece)
            out += piece
        self.index += 1
        return out

    def compile(self, pattern: str, *, fold: bool = False) -> Regex:
        if not pattern:
            raise SedError(f"empty regular expression{NOT_SIMULATED}")
        try:
            return compile_regex(pattern, extended=self.extended, fold=fold)
        except RegexError as error:
            raise self.fail(str(error)) from None

    def substitution(self, command: _Command) -> None:
        """The rest of ``s``: pattern, replacement, flags."""
        delimiter = self.match(".")
        if not delimiter:
            raise self.fail("unterminated `s' command")
        pattern = self.delimited(delimiter, "unterminated `s' command")
        while (piece := self.match(r"\\.|[^\\]")) != delimiter:
            if not piece:
                raise self.fail("unterminated `s' command")
            if piece == "&":
                command.replacement.append(0)
            elif piece[0] == "\\" and piece[1].isdigit():
                command.replacement.append(int(piece[1]))
            else:
                command.replacement.append({"\\n": "\n", "\\t": "\t"}.get(piece, piece[-1]))
        command.flags = self.match(r"[gpiI0-9]*")
        if self.peek() in ("w", "e", "m", "M"):
            raise SedError(f"flag `{self.peek()}' of `s'{NOT_SIMULATED}")
        digits = re.search(r"\d{1,6}", command.flags)
        command.number = int(digits[0]) if digits else 1
        command.regex = self.compile(pattern, fold="i" in command.flags.lower())
        highest = max((item for item in command.replacement if isinstance(item, int)), default=0)
        if highest > command.regex.groups:
            raise self.fail(f"invalid reference \\{highest} on `s' command's RHS")


class _Sed:
    """Runs commands over lines."""

    def __init__(self, process: Process, commands: list[_Command], *, quiet: bool) -> None:
        self.process = process
        self.commands = commands
        self.quiet = quiet
        self.number = 0
        self.space = ""
        self.last = False
        self.quit = False

    async def run(self, rows: list[bytes]) -> None:
        """Run the script over lines."""
        for row in rows:
            if self.quit:
                break
            self.number += 1
            self.space, self.last = decode(row), self.number == len(rows)
            if await self.cycle() and not self.quiet:
                await self.show()

    async def show(self) -> None:
        await self.process.out(self.space + "\n")

    def selected(self, command: _Command) -> bool:
        first, second = command.first, command.second
        if first is None or second is None:
            return (first is None or self.at(first)) != command.negated
        end = second if isinstance(second, int) and second > 0 else 0
        if command.active:
            command.active = not (self.at(second) or 0 < end <= self.number)
            inside = not 0 < end < self.number
        else:
            inside = self.at(first)
            command.active = inside and not 0 < end <= self.number
        return inside != command.negated

    def at(self, address: _Address) -> bool:
        if isinstance(address, Regex):
            return address.find(self.process.task_loop.charge, self.space) is not None
        return self.last if address == _LAST else self.number == address

    async def cycle(self) -> bool:
        """Run the commands on a line, and return whether it is printed at the end."""
        for command in self.commands:
            await self.process.task_loop.tick(0.5)
            if not self.selected(command):
                continue
            match command.name:
                case "s":
                    await self.substitute(command)
                case "p":
                    await self.show()
                case "d":
                    return False
                case "q":
                    self.quit = True
                    return True
        return True

    async def substitute(self, command: _Command) -> None:
        regex, text = command.regex, self.space
        out: list[str] = []
        start = done = seen = size = 0
        while regex is not None and start <= len(text):
            await self.process.task_loop.tick(0.1)
            match = regex.find(self.process.task_loop.charge, text, start)
            if match is None:
                break
            seen += 1
            if seen >= command.number:
                out.append(text[done : match.start()] + _filled(command.replacement, match))
                size += len(out[-1])
                if size > MAX_SPACE:
                    raise SedError("pattern space too long")
                done = match.end()
                if "g" not in command.flags:
                    break
            start = match.end() if match.end() > match.start() else match.end() + 1
        if out:
            self.space = "".join(out) + text[done:]
            if "p" in command.flags:
                await self.show()


def _filled(replacement: list[str | int], match: Match) -> str:
    return "".join(
        match.group(item) or "" if isinstance(item, int) else item for item in replacement
    )


@program("sed")
async def sed(process: Process) -> int:
    """Edit a stream."""
    try:
        options = read_options(process.args, _OPTIONS)
    except BadOption as error:
        return await process.err(f"sed: {error}\n{'' if error.left_out else _USAGE}")
    scripts, names = [value for name, value in options.flags if name == "e"], options.args
    if not scripts:
        if not names:
            return await process.err(_USAGE)
        scripts, names = names[:1], names[1:]
    try:
        commands = _Reader("\n".join(scripts), extended=options.has("E", "r")).commands()
        rows, status = await all_lines(process, names, failed=2)
        await _Sed(process, commands, quiet=options.has("n")).run(rows)
    except SedError as error:
        return await process.fail(str(error))
    return status
