"""``sed``: addresses, ``s d p q i a c y n N D P h H g G x = { } b t``, and ``-n -e -E -i``."""

from __future__ import annotations

import contextlib

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.common import each_input, lines, read_problem
from labkit.embedded.container.programs.sed_parser import Address, Command, Reader, SedError
from labkit.embedded.container.shell.options import BadOption, read_options
from labkit.embedded.container.shell.process import Process, program
from labkit.embedded.container.shell.regex import Match
from labkit.embedded.container.shell.streams import Capture, Stream, StreamError, decode, encode

MAX_SPACE = 1 << 20


class _Sed:
    def __init__(self, process: Process, commands: list[Command], *, quiet: bool) -> None:
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
        self.open_end = False
        self.missing = False

    async def file(self, rows: list[str], *, open_end: bool = False) -> None:
        """Run the script over the lines, the last of which may lack its newline."""
        self.rows, self.place = rows, 0
        self.open_end, self.missing = open_end, False
        while self.place < len(self.rows) and not self.quit:
            self.space = self.rows[self.place]
            self.place += 1
            self.number += 1
            action = await self.run(self.commands)
            while action == "restart":
                action = await self.run(self.commands)
            if action not in ("delete", "silent") and not self.quiet:
                await self.show()
            for text in self.append:
                await self.write(text)
            self.append.clear()

    async def show(self) -> None:
        """Write the pattern space, without a newline where the input's last line has none."""
        await self.write(self.space, end="" if self.open_end and self.place >= len(self.rows) else "\n")

    async def write(self, text: str, *, end: str = "\n") -> None:
        lead = "\n" if self.missing else ""
        self.missing = not end
        await self.out.write(encode(lead + text + end))

    def selected(self, command: Command) -> bool:
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

    def at(self, address: Address) -> bool:
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

    async def run(self, commands: list[Command]) -> str:
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

    async def one(self, command: Command) -> str:
        """Run one command; what it returns is as for ``run``."""
        if len(self.space) > MAX_SPACE or len(self.hold) > MAX_SPACE:
            raise SedError("pattern space too long")
        if command.name in "hHgGxzy":
            self.exchange(command)
        elif command.name in "pP=ialr":
            await self.put(command)
        elif command.name in "btT":
            return self.branch(command)
        else:
            return await self.flow(command)
        return ""

    def exchange(self, command: Command) -> None:
        """Commands that change the pattern space and the hold space, and write nothing."""
        match command.name:
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
            case "y":
                self.space = self.space.translate(command.table)

    async def put(self, command: Command) -> None:
        """Commands that write, now or when the cycle ends."""
        match command.name:
            case "p":
                await self.show()
            case "P":
                await self.write(self.space.partition("\n")[0])
            case "=":
                await self.write(str(self.number))
            case "i":
                await self.write(command.text)
            case "a":
                self.append.append(command.text)
            case "l":
                await self.write(self.space.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") + "$")
            case "r":
                with contextlib.suppress(FileError):
                    self.append.append(decode(self.process.fs.read(command.text, self.process.cwd)).removesuffix("\n"))

    def branch(self, command: Command) -> str:
        """``b``, ``t`` and ``T``: where to go on, or nothing."""
        goes = command.name == "b" or self.substituted == (command.name == "t")
        if command.name != "b":
            self.substituted = False
        return ":" + command.text if goes else ""

    async def flow(self, command: Command) -> str:
        """Commands that hold others, substitute, take lines, or end the cycle."""
        match command.name:
            case "{":
                return await self.run(command.body)
            case "s":
                await self.substitute(command)
            case "d":
                return "delete"
            case "D":
                _head, newline, rest = self.space.partition("\n")
                if not newline:
                    return "delete"
                self.space = rest
                return "restart"
            case "c":
                if command.second is None or not command.active:
                    await self.write(command.text)
                return "delete"
            case "q" | "Q":
                self.quit = True
                self.status = command.number
                return "silent" if command.name == "Q" else "end"
            case "n":
                if not self.quiet:
                    await self.show()
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
        return ""

    def advance(self) -> None:
        self.space = self.rows[self.place]
        self.place += 1
        self.number += 1

    async def substitute(self, command: Command) -> None:
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
        commands = Reader("\n".join(scripts), extended=options.has("E", "r")).commands()
        runner = _Sed(process, commands, quiet=options.has("n"))
        return await _run(process, runner, names, in_place=options.has("i"))
    except SedError as error:
        return await process.fail(error.message)


async def _run(process: Process, runner: _Sed, names: list[str], *, in_place: bool) -> int:
    rows: list[str] = []
    status = 0
    size = 0
    open_end = False
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
                open_end = not line.endswith(b"\n")
                if stream is process.stdin and not in_place and not runner.commands:
                    break
        except StreamError as error:
            await read_problem(process, name, error)
            status = 2
            continue
        if in_place:
            capture = Capture(process.kernel.budget.memory_bytes)
            runner.out, runner.number, runner.quit = capture, 0, False
            await runner.file(own, open_end=open_end)
            process.fs.write(name, bytes(capture.data), process.cwd)
        else:
            rows += own
    if not in_place:
        await runner.file(rows, open_end=open_end)
    return runner.status or status
