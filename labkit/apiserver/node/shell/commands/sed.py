"""``sed``: addresses, ``s d p q i a c y n N D P h H g G x = { } b t``, and ``-n -e -E -i``."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

from labkit.apiserver.node.filesystem import FileError
from labkit.apiserver.node.shell.commands.common import each_input, lines, read_problem
from labkit.apiserver.node.shell.options import BadOption, read_options
from labkit.apiserver.node.shell.process import Process, program
from labkit.apiserver.node.shell.regex import Match, Regex, RegexError, compile_regex
from labkit.apiserver.node.shell.streams import Capture, Stream, StreamError, decode, encode

MAX_COMMANDS = 500
MAX_SPACE = 1 << 20


class SedError(Exception):
    """The script cannot be read.

    Args:
        message: What ``sed`` says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class _Address:
    kind: str  # line last regex step
    number: int = 0
    step: int = 0
    regex: Regex | None = None


@dataclass(slots=True)
class _Command:
    name: str
    first: _Address | None = None
    second: _Address | None = None
    negated: bool = False
    text: str = ""
    regex: Regex | None = None
    replacement: list[str | int] = field(default_factory=list)
    flags: str = ""
    number: int = 0
    body: list[_Command] = field(default_factory=list)
    table: dict[int, str] = field(default_factory=dict)
    active: bool = False


class _Reader:
    """Reads a script into commands."""

    def __init__(self, text: str, *, extended: bool) -> None:
        self.text = text
        self.index = 0
        self.extended = extended
        self.count = 0
        self.regex: Regex | None = None

    def fail(self, message: str) -> SedError:
        return SedError(f"-e expression #1, char {min(self.index, len(self.text))}: {message}")

    def commands(self, depth: int = 0) -> list[_Command]:
        out: list[_Command] = []
        while True:
            while self.index < len(self.text) and self.text[self.index] in " \t\n;":
                self.index += 1
            if self.index >= len(self.text):
                if depth:
                    raise SedError("-e expression #1, char 0: unmatched `{'")
                return out
            if self.text[self.index] == "}":
                self.index += 1
                if not depth:
                    raise self.fail("unexpected `}'")
                return out
            if self.text[self.index] == "#":
                end = self.text.find("\n", self.index)
                self.index = len(self.text) if end < 0 else end
                continue
            self.count += 1
            if self.count > MAX_COMMANDS or depth > 20:
                raise self.fail("script too long")
            out.append(self.command(depth))

    def peek(self) -> str:
        return self.text[self.index] if self.index < len(self.text) else ""

    def command(self, depth: int) -> _Command:
        first = self.address()
        second = None
        if first is not None and self.peek() == ",":
            self.index += 1
            second = self.address()
            if second is None:
                raise self.fail("unexpected `,'")
        while self.peek() == " ":
            self.index += 1
        negated = False
        while self.peek() in ("!", " "):
            if self.peek() == "!":
                negated = True
            self.index += 1
        name = self.peek()
        self.index += 1
        if not name:
            raise self.fail("missing command")
        made = _Command(name, first, second, negated)
        if name == "{":
            made.body = self.commands(depth + 1)
        elif name == "s":
            self.substitution(made)
        elif name == "y":
            self.transliteration(made)
        elif name in "aic":
            made.text = self.appended()
        elif name in "btT:":
            found = re.compile(r"[;\n}]" if name != ":" else r"[;\n]").search(self.text, self.index)
            stop = found.start() if found else len(self.text)
            made.text = self.text[self.index : stop].strip()
            self.index = stop
        elif name in "rwRW":
            end = self.text.find("\n", self.index)
            stop = len(self.text) if end < 0 else end
            made.text = self.text[self.index : stop].strip()
            self.index = stop
        elif name in "qQ":
            match = re.compile(r"\s*(\d{0,3})").match(self.text, self.index)
            if match:
                made.number = int(match[1] or 0)
                self.index = match.end()
        elif name not in "dpPnNDhHgGx=lz":
            raise self.fail(f"unknown command: `{name}'")
        while self.peek() == " ":
            self.index += 1
        if name not in "{aicrwRWbtT:" and self.peek() not in ("", ";", "\n", "}", "#"):
            self.index += 1
            raise self.fail("extra characters after command")
        return made

    def address(self) -> _Address | None:
        char = self.peek()
        if char.isdigit():
            match = re.compile(r"(\d{1,9})(?:~(\d{1,9}))?").match(self.text, self.index)
            if match is None:
                raise self.fail("invalid number")
            self.index = match.end()
            if match[2] is not None:
                return _Address("step", int(match[1]), int(match[2]))
            return _Address("line", int(match[1]))
        if char == "$":
            self.index += 1
            return _Address("last")
        if char == "+":
            match = re.compile(r"\+(\d{1,9})").match(self.text, self.index)
            if match:
                self.index = match.end()
                return _Address("more", int(match[1]))
        if char in ("/", "\\") and char:
            self.index += 1
            if char == "\\":
                char = self.peek()
                self.index += 1
            pattern = self.delimited(char, "unterminated address regex")
            fold = self.peek() == "I"
            self.index += fold
            return _Address("regex", regex=self.compile(pattern, fold=fold))
        return None

    def delimited(self, delimiter: str, problem: str) -> str:
        out: list[str] = []
        bracket = False
        while self.index < len(self.text):
            char = self.text[self.index]
            if char == "\\" and self.index + 1 < len(self.text):
                following = self.text[self.index + 1]
                out.append(following if following == delimiter else "\n" if following == "n" else char + following)
                self.index += 2
                continue
            if char == delimiter and not bracket:
                self.index += 1
                return "".join(out)
            if char == "[":
                bracket = True
                if self.text[self.index + 1 : self.index + 2] in ("]", "^"):
                    out.append(char)
                    self.index += 1
                    char = self.text[self.index]
            elif char == "]":
                bracket = False
            out.append(char)
            self.index += 1
        raise self.fail(problem)

    def compile(self, pattern: str, *, fold: bool = False) -> Regex:
        if not pattern:
            if self.regex is None:
                raise self.fail("no previous regular expression")
            return self.regex
        try:
            self.regex = compile_regex(pattern, extended=self.extended, fold=fold)
        except RegexError as error:
            raise self.fail(error.message) from None
        return self.regex

    def substitution(self, made: _Command) -> None:
        delimiter = self.peek()
        self.index += 1
        pattern = self.delimited(delimiter, "unterminated `s' command")
        replacement: list[str | int] = []
        literal: list[str] = []
        while True:
            if self.index >= len(self.text):
                raise self.fail("unterminated `s' command")
            char = self.text[self.index]
            self.index += 1
            if char == delimiter:
                break
            if char == "\\" and self.index < len(self.text):
                following = self.text[self.index]
                self.index += 1
                if following.isdigit():
                    replacement += ["".join(literal), int(following)]
                    literal = []
                else:
                    literal.append({"n": "\n", "t": "\t", "r": "\r"}.get(following, following))
            elif char == "&":
                replacement += ["".join(literal), 0]
                literal = []
            else:
                literal.append(char)
        made.replacement = [*replacement, "".join(literal)]
        match = re.compile(r"[gpiIemM0-9]*").match(self.text, self.index)
        made.flags = match[0] if match else ""
        self.index += len(made.flags)
        if self.peek() == "w":
            raise self.fail("the lab's sed leaves the flag w out")
        digits = re.search(r"\d{1,6}", made.flags)
        made.number = int(digits[0]) if digits else 1
        made.regex = self.compile(pattern, fold="i" in made.flags.lower())
        highest = max((item for item in made.replacement if isinstance(item, int)), default=0)
        if highest > made.regex.groups:
            raise self.fail(f"invalid reference \\{highest} on `s' command's RHS")
        if self.peek() not in ("", ";", "\n", "}", " ", "#"):
            self.index += 1
            raise self.fail("unknown option to `s'")

    def transliteration(self, made: _Command) -> None:
        delimiter = self.peek()
        self.index += 1
        first = self.delimited(delimiter, "unterminated `y' command")
        second = self.delimited(delimiter, "unterminated `y' command")
        if len(first) != len(second):
            raise self.fail("strings for `y' command are different lengths")
        made.table = dict(zip((ord(char) for char in first), second, strict=True))

    def appended(self) -> str:
        match = re.compile(r"[ \t]*(?:\\\n?)?[ \t]*").match(self.text, self.index)
        if match:
            self.index = match.end()
        out: list[str] = []
        while self.index < len(self.text) and self.text[self.index] != "\n":
            if self.text[self.index] == "\\" and self.index + 1 < len(self.text):
                self.index += 1
            out.append(self.text[self.index])
            self.index += 1
        return "".join(out)


class _Sed:
    def __init__(self, process: Process, commands: list[_Command], *, quiet: bool) -> None:
        self.process = process
        self.commands = commands
        self.quiet = quiet
        self.out: Stream = process.stdout
        self.number = 0
        self.hold = ""
        self.space = ""
        self.append: list[str] = []
        self.substituted = False
        self.status = 0
        self.quit = False
        self.rows: list[str] = []
        self.place = 0

    async def file(self, rows: list[str]) -> None:
        """Run the script over the lines."""
        self.rows, self.place = rows, 0
        while self.place < len(self.rows) and not self.quit:
            self.space = self.rows[self.place]
            self.place += 1
            self.number += 1
            action = await self.run(self.commands)
            while action == "restart":
                action = await self.run(self.commands)
            if action not in ("delete", "silent") and not self.quiet:
                await self.write(self.space)
            for text in self.append:
                await self.write(text)
            self.append.clear()

    async def write(self, text: str) -> None:
        await self.out.write(encode(text + "\n"))

    def selected(self, command: _Command) -> bool:
        first, second = command.first, command.second
        if first is None:
            return not command.negated
        if second is None:
            return self.at(first) != command.negated
        if command.active:
            if second.kind == "line" and self.number >= second.number:
                command.active = False
                return (self.number == second.number) != command.negated
            if self.at(second) or (second.kind == "more" and self.number >= command.number):
                command.active = False
            return not command.negated
        if self.at(first):
            command.active = not (second.kind == "line" and second.number <= self.number)
            if second.kind == "more":
                command.number = self.number + second.number
                command.active = second.number > 0
            return not command.negated
        return command.negated

    def at(self, address: _Address) -> bool:
        match address.kind:
            case "line":
                return self.number == address.number
            case "last":
                return self.place >= len(self.rows)
            case "step":
                if not address.step:
                    return self.number == address.number
                return self.number >= address.number and (self.number - address.number) % address.step == 0
            case "regex":
                if address.regex is None:
                    return False
                return address.regex.find(self.process.kernel.charge, self.space) is not None
        return False

    async def run(self, commands: list[_Command]) -> str:
        """Run commands on the pattern space.

        Returns:
            How the cycle ends: ``""``, ``delete``, ``silent``, ``restart``, or ``:label``.
        """
        index = 0
        while index < len(commands):
            command = commands[index]
            index += 1
            await self.process.kernel.tick(0.5)
            if not self.selected(command):
                continue
            action = await self.one(command)
            if action.startswith(":"):
                label = action[1:]
                if not label:
                    return "end"
                places = [place for place, one in enumerate(commands) if one.name == ":" and one.text == label]
                if not places:
                    return action
                index = places[0]
            elif action:
                return action
        return ""

    async def one(self, command: _Command) -> str:
        if len(self.space) > MAX_SPACE or len(self.hold) > MAX_SPACE:
            raise SedError("pattern space too long")
        match command.name:
            case "{":
                return await self.run(command.body)
            case "s":
                await self.substitute(command)
            case "y":
                self.space = self.space.translate(command.table)
            case "d":
                return "delete"
            case "D":
                _head, newline, rest = self.space.partition("\n")
                if not newline:
                    return "delete"
                self.space = rest
                return "restart"
            case "p":
                await self.write(self.space)
            case "P":
                await self.write(self.space.partition("\n")[0])
            case "=":
                await self.write(str(self.number))
            case "q" | "Q":
                self.quit = True
                self.status = command.number
                return "silent" if command.name == "Q" else "end"
            case "n":
                if not self.quiet:
                    await self.write(self.space)
                if self.place >= len(self.rows):
                    self.quit = True
                    return "silent"
                self.advance()
            case "N":
                if self.place >= len(self.rows):
                    return "end"
                before = self.space
                self.advance()
                self.space = before + "\n" + self.space
            case "h":
                self.hold = self.space
            case "H":
                self.hold += "\n" + self.space
            case "g":
                self.space = self.hold
            case "G":
                self.space += "\n" + self.hold
            case "x":
                self.space, self.hold = self.hold, self.space
            case "z":
                self.space = ""
            case "i":
                await self.write(command.text)
            case "a":
                self.append.append(command.text)
            case "c":
                if command.second is None or not command.active:
                    await self.write(command.text)
                return "delete"
            case "l":
                await self.write(self.space.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") + "$")
            case "r":
                with contextlib.suppress(FileError):
                    self.append.append(decode(self.process.fs.read(command.text, self.process.cwd)).removesuffix("\n"))
            case "b":
                return ":" + command.text
            case "t":
                if self.substituted:
                    self.substituted = False
                    return ":" + command.text
            case "T":
                if not self.substituted:
                    return ":" + command.text
                self.substituted = False
        return ""

    def advance(self) -> None:
        self.space = self.rows[self.place]
        self.place += 1
        self.number += 1

    async def substitute(self, command: _Command) -> None:
        regex = command.regex
        if regex is None:
            return
        text, out, start, seen = self.space, [], 0, 0
        done = 0
        size = 0
        while start <= len(text):
            await self.process.kernel.tick(0.1)
            match = regex.find(self.process.kernel.charge, text, start)
            if match is None:
                break
            seen += 1
            if seen >= command.number:
                piece = text[done : match.start] + _filled(command.replacement, match)
                size += len(piece)
                if size > MAX_SPACE:
                    raise SedError("pattern space too long")
                out.append(piece)
                done = match.end
                self.substituted = True
            if seen >= command.number and "g" not in command.flags:
                break
            start = match.end if match.end > match.start else match.end + 1
        if not out:
            return
        self.space = "".join(out) + text[done:]
        if "p" in command.flags:
            await self.write(self.space)


def _filled(replacement: list[str | int], match: Match) -> str:
    return "".join(match.group(item) if isinstance(item, int) else item for item in replacement)


@program("sed")
async def sed(process: Process) -> int:
    """Edit a stream."""
    args = ["-i" if word.startswith("-i") and word != "-i" else word for word in process.args]
    try:
        options = read_options(
            args,
            "nErsiuz",
            "ef",
            {"quiet": "n", "silent": "n", "expression=": "e", "regexp-extended": "E", "in-place": "i", "file=": "f"},
        )
    except BadOption as error:
        await process.err(
            f"sed: {error.message}\nUsage: sed [OPTION]... {{script-only-if-no-other-script}} [input-file]...\n"
        )
        return 1
    scripts = [value for name, value in options.flags if name == "e"]
    for name, value in options.flags:
        if name == "f":
            scripts.append(decode(process.fs.read(value, process.cwd)))
    names = options.args
    if not scripts:
        if not names:
            await process.err("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n")
            return 1
        scripts, names = [names[0]], names[1:]
    try:
        commands = _Reader("\n".join(scripts), extended=options.has("E", "r")).commands()
        runner = _Sed(process, commands, quiet=options.has("n"))
        return await _run(process, runner, names, in_place=options.has("i"))
    except SedError as error:
        return await process.fail(error.message)


async def _run(process: Process, runner: _Sed, names: list[str], *, in_place: bool) -> int:
    rows: list[str] = []
    status = 0
    size = 0
    if in_place and not names:
        return await process.fail("no input files")
    async for name, stream in each_input(process, names):
        if stream is None:
            status = 2
            continue
        own: list[str] = []
        try:
            async for line in lines(process, stream):
                size += len(line) + 60
                if size > 4 * process.kernel.budget.memory_bytes:
                    raise SedError("couldn't allocate memory")
                own.append(decode(line.removesuffix(b"\n")))
                if stream is process.stdin and not in_place and not runner.commands:
                    break
        except StreamError as error:
            await read_problem(process, name, error)
            status = 2
            continue
        if in_place:
            capture = Capture(process.kernel.budget.memory_bytes)
            runner.out, runner.number, runner.quit = capture, 0, False
            await runner.file(own)
            process.fs.write(name, bytes(capture.data), process.cwd)
        else:
            rows += own
    if not in_place:
        await runner.file(rows)
    return runner.status or status
