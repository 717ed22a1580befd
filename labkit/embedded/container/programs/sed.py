"""``sed``: addresses, ``s p d q i a c y =``, and ``-n -e -E -i``."""

from __future__ import annotations

from labkit.embedded.container.programs.common import for_each_input, lines
from labkit.embedded.container.programs.options import BadOption, read_options
from labkit.embedded.container.programs.regex import Match
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.programs.sed_parser import Address, Command, Reader, SedError
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import Capture, Stream, decode, encode

MAX_SPACE = 1 << 20


class _Sed:
    def __init__(self, process: Process, commands: list[Command], *, quiet: bool) -> None:
        self.process = process
        self.commands = commands
        self.quiet = quiet
        self.out: Stream = process.stdout
        self.number = 0
        self.space = ""
        self.last = False
        self.append: list[str] = []
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
            for text in self.append:
                await self.write(text)
            self.append.clear()

    async def show(self) -> None:
        """Write the pattern space, without a newline where the input's last line has none."""
        await self.write(self.space, end="" if self.open_end else "\n")

    async def write(self, text: str, *, end: str = "\n") -> None:
        lead = "\n" if self.missing_newline else ""
        self.missing_newline = not end
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
                return self.last
            case "step":
                if not address.step:
                    return self.number == address.number
                return self.number >= address.number and (self.number - address.number) % address.step == 0
            case "regex":
                if address.regex is None:
                    return False
                return address.regex.find(self.process.scheduler.charge, self.space) is not None
        return False

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
                case "=":
                    await self.write(str(self.number))
                case "i":
                    await self.write(command.text)
                case "a":
                    self.append.append(command.text)
                case "y":
                    self.space = self.space.translate(command.table)
                case "c":
                    if command.second is None or not command.active:
                        await self.write(command.text)
                    return False
                case "d":
                    return False
                case "q":
                    self.quit, self.status = True, command.number
                    return True
        return True

    async def substitute(self, command: Command) -> None:
        regex = command.regex
        if regex is None:
            return
        text, out, start, seen = self.space, [], 0, 0
        done = 0
        size = 0
        while start <= len(text):
            await self.process.scheduler.tick(0.1)
            match = regex.find(self.process.scheduler.charge, text, start)
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


_OPTIONS = "n,quiet,silent E,regexp-extended r e,expression= i,in-place s! u! z! f,file!"
_USAGE = "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n"


@program("sed")
async def sed(process: Process) -> int:
    """Edit a stream."""
    args = ["-i" if word.startswith("-i") and word != "-i" else word for word in process.args]
    try:
        options = read_options(args, _OPTIONS)
    except BadOption as error:
        await process.err(f"sed: {error.message}\n{_USAGE}")
        return 1
    scripts = [value for name, value in options.flags if name == "e"]
    names = options.args
    if not scripts:
        if not names:
            await process.err(_USAGE)
            return 1
        scripts, names = [names[0]], names[1:]
    try:
        commands = Reader("\n".join(scripts), extended=options.has("E", "r")).commands()
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
