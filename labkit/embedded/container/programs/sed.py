"""``sed``: ``s``, ``p``, ``d`` and ``q`` with addresses, and ``-n -e -E -i``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.embedded.container.programs.common import for_each_input, lines
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption, read_options
from labkit.embedded.container.programs.regex import Match, Regex, compile_regex
from labkit.embedded.container.programs.regex_parser import RegexError
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import Capture, Stream, decode, encode

MAX_COMMANDS = 500
MAX_SPACE = 1 << 20
_OPTIONS = "n,quiet,silent E,regexp-extended r e,expression= i,in-place s! u! z! f! file!"
_USAGE = "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n"
_LEFT_OUT = frozenset("{}btT:rwRWnNDPhHgGxlzFeMQaicy=")
"""Commands of the real sed that the lab's does not have."""


class SedError(Exception):
    """The script cannot be read.

    Args:
        message: What ``sed`` says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True, frozen=True)
class _Address:
    """Which lines a command is for: a number, the last one (-1), or those that match."""

    number: int = 0
    regex: Regex | None = None


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
        self.regex: Regex | None = None

    def fail(self, message: str) -> SedError:
        return SedError(f"-e expression #1, char {min(self.index, len(self.text))}: {message}")

    def peek(self) -> str:
        return self.text[self.index : self.index + 1]

    def match(self, pattern: str) -> str:
        """Step over what a pattern matches here."""
        found = re.compile(pattern, re.DOTALL).match(self.text, self.index)
        self.index = found.end() if found else self.index
        return found[0] if found else ""

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
        made = _Command(first=self.address())
        if made.first is not None and self.match(","):
            made.second = self.address()
            if made.second is None:
                raise self.fail("unexpected `,'")
        made.negated = "!" in self.match(" *(?:! *)?")
        made.name = self.match(".")
        if not made.name:
            raise self.fail("missing command")
        if made.name in _LEFT_OUT:
            raise SedError(f"command `{made.name}'{NOT_SIMULATED}")
        if made.name not in "spdq":
            raise self.fail(f"unknown command: `{made.name}'")
        if made.name == "s":
            self.substitution(made)
        elif made.name == "q":
            made.number = int(self.match(r" *\d{0,3}").strip() or 0)
        self.match(" *")
        if self.peek() not in ("", ";", "\n", "#"):
            self.index += 1
            raise self.fail("extra characters after command" if made.name != "s" else "unknown option to `s'")
        return made

    def address(self) -> _Address | None:
        """An address, None where there is none."""
        if number := self.match(r"\d{1,9}"):
            if self.peek() == "~":
                raise SedError(f"address `first~step'{NOT_SIMULATED}")
            return _Address(int(number))
        if self.match(r"\$"):
            return _Address(-1)
        opener = self.match(r"/|\\.")
        if not opener:
            return None
        pattern = self.delimited(opener[-1], "unterminated address regex")
        return _Address(regex=self.compile(pattern, fold=bool(self.match("I"))))

    def delimited(self, delimiter: str, problem: str) -> str:
        """What stands up to the next delimiter that is neither escaped nor in brackets."""
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
        """A regular expression; an empty one is the last one again."""
        if pattern:
            try:
                self.regex = compile_regex(pattern, extended=self.extended, fold=fold)
            except RegexError as error:
                raise self.fail(error.message) from None
        if self.regex is None:
            raise self.fail("no previous regular expression")
        return self.regex

    def substitution(self, made: _Command) -> None:
        """The rest of ``s``: pattern, replacement, flags."""
        delimiter = self.match(".")
        if not delimiter:
            raise self.fail("unterminated `s' command")
        pattern = self.delimited(delimiter, "unterminated `s' command")
        while (piece := self.match(r"\\.|[^\\]")) != delimiter:
            if not piece:
                raise self.fail("unterminated `s' command")
            if piece == "&":
                made.replacement.append(0)
            elif piece[0] == "\\" and piece[1].isdigit():
                made.replacement.append(int(piece[1]))
            else:
                made.replacement.append({"\\n": "\n", "\\t": "\t", "\\r": "\r"}.get(piece, piece[-1]))
        made.flags = self.match(r"[gpiI0-9]*")
        if self.peek() in ("w", "e", "m", "M"):
            raise SedError(f"flag `{self.peek()}' of `s'{NOT_SIMULATED}")
        digits = re.search(r"\d{1,6}", made.flags)
        made.number = int(digits[0]) if digits else 1
        made.regex = self.compile(pattern, fold="i" in made.flags.lower())
        highest = max((item for item in made.replacement if isinstance(item, int)), default=0)
        if highest > made.regex.groups:
            raise self.fail(f"invalid reference \\{highest} on `s' command's RHS")


class _Sed:
    """Runs commands over lines."""

    def __init__(self, process: Process, commands: list[_Command], *, quiet: bool) -> None:
        self.process = process
        self.commands = commands
        self.quiet = quiet
        self.out: Stream = process.stdout
        self.number = 0
        self.space = ""
        self.last = False
        self.status = 0
        self.quit = False
        self.open_end = False
        self.missing_newline = False

    async def file(self, rows: list[str], *, open_end: bool = False) -> None:
        """Run the script over the lines, the last of which may lack its newline."""
        self.missing_newline = False
        for place, row in enumerate(rows, 1):
            if self.quit:
                break
            self.space, self.last = row, place == len(rows)
            self.open_end = open_end and self.last
            self.number += 1
            if await self.cycle() and not self.quiet:
                await self.show()

    async def show(self) -> None:
        """Write the pattern space, without a newline where the input's last line has none."""
        lead = "\n" if self.missing_newline else ""
        self.missing_newline = self.open_end
        await self.out.write(encode(lead + self.space + ("" if self.open_end else "\n")))

    def selected(self, command: _Command) -> bool:
        first, second = command.first, command.second
        if first is None or second is None:
            return (first is None or self.at(first)) != command.negated
        if command.active:
            command.active = not (self.at(second) or 0 < second.number <= self.number)
            inside = not 0 < second.number < self.number
        else:
            inside = self.at(first)
            command.active = inside and not 0 < second.number <= self.number
        return inside != command.negated

    def at(self, address: _Address) -> bool:
        if address.regex is not None:
            return address.regex.find(self.process.scheduler.charge, self.space) is not None
        return self.last if address.number < 0 else self.number == address.number

    async def cycle(self) -> bool:
        """Run the commands on a line; whether it is printed at the end."""
        for command in self.commands:
            await self.process.scheduler.tick(0.5)
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
                    self.quit, self.status = True, command.number
                    return True
        return True

    async def substitute(self, command: _Command) -> None:
        regex, text = command.regex, self.space
        out: list[str] = []
        start = done = seen = size = 0
        while regex is not None and start <= len(text):
            await self.process.scheduler.tick(0.1)
            match = regex.find(self.process.scheduler.charge, text, start)
            if match is None:
                break
            seen += 1
            if seen >= command.number:
                out.append(text[done : match.start] + _filled(command.replacement, match))
                size += len(out[-1])
                if size > MAX_SPACE:
                    raise SedError("pattern space too long")
                done = match.end
                if "g" not in command.flags:
                    break
            start = match.end if match.end > match.start else match.end + 1
        if out:
            self.space = "".join(out) + text[done:]
            if "p" in command.flags:
                await self.show()


def _filled(replacement: list[str | int], match: Match) -> str:
    return "".join(match.group(item) if isinstance(item, int) else item for item in replacement)


@program("sed")
async def sed(process: Process) -> int:
    """Edit a stream."""
    args = ["-i" if word.startswith("-i") else word for word in process.args]
    try:
        options = read_options(args, _OPTIONS)
    except BadOption as error:
        await process.err(f"sed: {error.message}\n{'' if error.left_out else _USAGE}")
        return 1
    scripts, names = [value for name, value in options.flags if name == "e"], options.args
    if not scripts:
        if not names:
            await process.err(_USAGE)
            return 1
        scripts, names = names[:1], names[1:]
    try:
        commands = _Reader("\n".join(scripts), extended=options.has("E", "r")).commands()
        return await _run(process, _Sed(process, commands, quiet=options.has("n")), names, in_place=options.has("i"))
    except SedError as error:
        return await process.fail(error.message)


async def _run(process: Process, runner: _Sed, names: list[str], *, in_place: bool) -> int:
    if in_place and not names:
        return await process.fail("no input files")
    rows: list[str] = []
    size = 0
    open_end = False

    async def take(name: str, stream: Stream) -> None:
        nonlocal size, open_end
        own: list[str] = []
        async for line in lines(process, stream):
            size += len(line) + 60
            if size > 4 * process.scheduler.budget.memory_bytes:
                raise SedError("couldn't allocate memory")
            own.append(decode(line.removesuffix(b"\n")))
            open_end = not line.endswith(b"\n")
        if not in_place:
            rows.extend(own)
            return
        capture = Capture(process.scheduler.budget.memory_bytes)
        runner.out, runner.number, runner.quit = capture, 0, False
        await runner.file(own, open_end=open_end)
        process.fs.write(name, bytes(capture.data), process.cwd)

    status = await for_each_input(process, names, take, failed=2)
    if not in_place:
        await runner.file(rows, open_end=open_end)
    return runner.status or status
