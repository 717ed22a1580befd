"""Runs awk programs: patterns and actions, statements, output."""

from __future__ import annotations

import math

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.awk_expressions import Expressions
from labkit.embedded.container.programs.awk_grammar import Node
from labkit.embedded.container.programs.awk_lexer import AwkError
from labkit.embedded.container.programs.awk_parser import Program
from labkit.embedded.container.programs.awk_values import MAX_CALLS, MAX_TEXT, Exit, Numeric, Return, Value, number
from labkit.embedded.container.shell.files import open_path
from labkit.embedded.container.shell.kernel import BudgetExceeded
from labkit.embedded.container.shell.printf import format_printf
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import Capture, Stream, TextStream, encode


class _Next(Exception):
    """``next``."""


class _Break(Exception):
    """``break``."""


class _Continue(Exception):
    """``continue``."""


class Awk(Expressions):
    """A program at work.

    Args:
        process: Its process.
        program: The program.
    """

    def __init__(self, process: Process, program: Program) -> None:
        super().__init__(process)
        self.program = program
        self.ranges = [False] * len(program.rules)
        self.streams: dict[str, Stream] = {}
        self.pipes: dict[str, Capture] = {}
        self.ending = False

    @property
    def reads_input(self) -> bool:
        """Whether there is anything to do with the input."""
        return bool(self.program.rules or self.program.end)

    async def begin(self) -> None:
        """The BEGIN actions."""
        for action in self.program.begin:
            await self.run(action)

    async def end(self) -> None:
        """The END actions."""
        self.ending = True
        for action in self.program.end:
            await self.run(action)

    async def flush(self) -> None:
        """Write what was kept, and run what was piped into."""
        await self.output.flush()
        for command, capture in self.pipes.items():
            fds = dict(self.process.fds)
            fds[0] = TextStream(bytes(capture.data))
            await self.process.spawn(["sh", "-c", command], dict(self.process.env), fds, self.process.cwd)

    async def record(self, line: str) -> None:
        """One record of the input."""
        self.variables["NR"] = number(self.variables["NR"]) + 1
        self.variables["FNR"] = number(self.variables["FNR"]) + 1
        self.set_record(line)
        await self.process.kernel.tick(0.3)
        try:
            for place, (first, second, body) in enumerate(self.program.rules):
                if second is not None and first is not None:
                    if not self.ranges[place]:
                        if not self.truth(await self.value(first)):
                            continue
                        self.ranges[place] = True
                    if self.truth(await self.value(second)):
                        self.ranges[place] = False
                elif first is not None and not self.truth(await self.value(first)):
                    continue
                if body is None:
                    await self.output.write(encode(self.text(self.fields[0]) + self.text(self.variables["ORS"])))
                else:
                    await self.run(body)
        except _Next:
            pass

    async def run(self, node: Node) -> None:
        """Run a statement."""
        await self.process.kernel.tick(0.2)
        match node[0]:
            case "block":
                for statement in node[1]:
                    await self.run(statement)
            case "expression":
                await self.value(node[1])
            case "print" | "printf":
                await self.print(node)
            case "if":
                if self.truth(await self.value(node[1])):
                    await self.run(node[2])
                elif node[3] is not None:
                    await self.run(node[3])
            case "while" | "do" | "for" | "forin":
                await self.loop(node)
            case "break":
                raise _Break
            case "continue":
                raise _Continue
            case "next":
                raise _Next
            case "exit":
                status = number(await self.value(node[1])) if node[1] is not None else 0.0
                raise Exit(int(status) if math.isfinite(status) else 0, in_end=self.ending)
            case "return":
                raise Return(await self.value(node[1]) if node[1] is not None else "")
            case "delete":
                array = self.array(node[1])
                if node[2] is None:
                    array.clear()
                else:
                    array.pop(await self.key(node[2]), None)

    async def _round(self, body: Node) -> bool:
        try:
            await self.run(body)
        except _Continue:
            return True
        except _Break:
            return False
        return True

    async def loop(self, node: Node) -> None:
        """``while``, ``do``, ``for`` and ``for … in``."""
        if node[0] == "while":
            while self.truth(await self.value(node[1])) and await self._round(node[2]):
                pass
        elif node[0] == "do":
            while await self._round(node[1]) and self.truth(await self.value(node[2])):
                pass
        elif node[0] == "forin":
            for key in list(self.array(node[2])):
                self.put(node[1], self.from_input(key))
                if not await self._round(node[3]):
                    break
        else:
            if node[1] is not None:
                await self.run(node[1])
            while node[2] is None or self.truth(await self.value(node[2])):
                if not await self._round(node[4]):
                    break
                if node[3] is not None:
                    await self.run(node[3])

    async def own(self, name: str, args: list[Node]) -> Value:
        """Call one of the program's own functions."""
        function = self.program.functions.get(name)
        if function is None:
            raise AwkError(f"function {name} not defined")
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise BudgetExceeded("the lab's limit of nested commands was reached")
        frame: dict[str, Value | dict[str, Value]] = {}
        for place, parameter in enumerate(function[0]):
            if place >= len(args):
                frame[parameter] = Numeric("")
            elif args[place][0] == "variable" and args[place][1] in self.arrays:
                frame[parameter] = self.arrays[args[place][1]]
            else:
                frame[parameter] = await self.value(args[place])
        self.locals.append(frame)
        try:
            await self.run(function[1])
        except Return as end:
            return end.value
        finally:
            self.locals.pop()
            self.calls -= 1
        return ""

    async def print(self, node: Node) -> None:
        """``print`` and ``printf``, perhaps into a file or a command."""
        values = [await self.value(item) for item in node[1]]
        if node[0] == "printf":
            if not values:
                raise AwkError("printf: no format")
            text = format_printf(self.text(values[0]), [self.text(value) for value in values[1:]] or [""])[0]
        else:
            shown = [self.text(value) for value in values] or [self.text(self.fields[0])]
            text = self.text(self.variables["OFS"]).join(shown) + self.text(self.variables["ORS"])
        if len(text) > MAX_TEXT:
            raise BudgetExceeded("the lab's limit of memory for one command was reached")
        if not node[2]:
            await self.output.write(encode(text))
            return
        name = self.text(await self.value(node[3]))
        if node[2] == "|":
            capture = self.pipes.get(name)
            if capture is None:
                if len(self.pipes) > 20:
                    raise AwkError("too many output streams")
                capture = self.pipes[name] = Capture(self.process.kernel.budget.memory_bytes)
            await capture.write(encode(text))
            return
        stream = self.streams.get(name)
        if stream is None:
            if len(self.streams) > 50:
                raise AwkError("too many output streams")
            process = self.process
            if name == "/dev/stderr":
                await self.output.flush()
            try:
                stream = open_path(process.system, name, process.cwd, "w" if node[2] == ">" else "a", dict(process.fds))
            except FileError as error:
                raise AwkError(f'can\'t redirect to "{name}" ({error.reason})') from None
            self.streams[name] = stream
        await stream.write(encode(text))
