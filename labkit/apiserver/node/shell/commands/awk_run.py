"""Runs awk programs: values, fields, arrays, control flow."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from labkit.apiserver.node.filesystem import FileError
from labkit.apiserver.node.shell.commands.awk_parser import AwkError, Node, Program
from labkit.apiserver.node.shell.commands.common import Buffered
from labkit.apiserver.node.shell.files import open_path
from labkit.apiserver.node.shell.kernel import BudgetExceeded
from labkit.apiserver.node.shell.printf import format_printf
from labkit.apiserver.node.shell.process import Process
from labkit.apiserver.node.shell.regex import Regex, RegexError, compile_regex
from labkit.apiserver.node.shell.streams import Capture, Stream, TextStream, encode

MAX_TEXT = 1 << 20
MAX_ELEMENTS = 50_000
MAX_CALLS = 40


class Numeric(str):
    """A text from the input that looks like a number: it compares as one."""

    __slots__ = ()


Value = float | str


class Exit(Exception):
    """``exit``.

    Args:
        status: The exit status.
        in_end: It stood in an END action.
    """

    def __init__(self, status: int, *, in_end: bool = False) -> None:
        super().__init__(status)
        self.status = status & 0xFF
        self.in_end = in_end


class _Next(Exception):
    """``next``."""


class _Break(Exception):
    """``break``."""


class _Continue(Exception):
    """``continue``."""


class _Return(Exception):
    """``return``."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d{1,3})?|\.\d+(?:[eE][-+]?\d{1,3})?)")


def number(value: Value) -> float:
    """A value as a number."""
    if isinstance(value, float):
        return value
    match = _NUMBER.match(value[:200])
    return float(match[0]) if match else 0.0


class Awk:
    """A program at work.

    Args:
        process: Its process.
        program: The program.
    """

    def __init__(self, process: Process, program: Program) -> None:
        self.process = process
        self.program = program
        self.variables: dict[str, Value] = {
            "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "NR": 0.0, "NF": 0.0, "FNR": 0.0, "SUBSEP": "\x1c",
            "CONVFMT": "%.6g", "OFMT": "%.6g", "RSTART": 0.0, "RLENGTH": -1.0, "FILENAME": "",
        }  # fmt: skip
        self.arrays: dict[str, dict[str, Value]] = {"ENVIRON": dict(process.env.items())}
        self.fields: list[Value] = [""]
        self.ranges = [False] * len(program.rules)
        self.output = Buffered(process)
        self.streams: dict[str, Stream] = {}
        self.pipes: dict[str, Capture] = {}
        self.calls = 0
        self.ending = False
        self.locals: list[dict[str, Value | dict[str, Value]]] = []

    @property
    def reads_input(self) -> bool:
        """Whether there is anything to do with the input."""
        return bool(self.program.rules or self.program.end)

    def from_input(self, text: str) -> Value:
        """A text from the input, which may count as a number."""
        match = _NUMBER.match(text[:200])
        if match and not text[match.end() :].strip():
            return Numeric(text)
        return text

    def text(self, value: Value) -> str:
        """A value as a text."""
        if isinstance(value, str):
            return value
        if value == int(value) if math.isfinite(value) and abs(value) < 1e16 else False:
            return str(int(value))
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        if math.isnan(value):
            return "nan"
        return format_printf(str(self.variables.get("CONVFMT", "%.6g")), [repr(value)])[0]

    # Records.

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

    def set_record(self, line: str) -> None:
        """Split a record into fields."""
        pieces = self.split(line, self.text(self.variables["FS"]))
        self.fields = [self.from_input(line), *(self.from_input(piece) for piece in pieces)]
        self.variables["NF"] = float(len(pieces))

    def split(self, text: str, separator: str) -> list[str]:
        """The pieces of a text."""
        if separator == " ":
            return text.split()
        if not text:
            return []
        if not separator:
            return list(text)
        if len(separator) == 1 and separator != "\\":
            return text.split(separator)
        regex = self.regex(separator)
        out, start = [], 0
        while start <= len(text):
            match = regex.find(self.process.kernel.charge, text, start)
            if match is None or match.end == match.start:
                break
            out.append(text[start : match.start])
            start = match.end
        out.append(text[start:])
        return out

    def regex(self, pattern: str) -> Regex:
        """A compiled expression.

        Raises:
            AwkError: It cannot be compiled.
        """
        try:
            return compile_regex(pattern, extended=True)
        except RegexError as error:
            raise AwkError(f"regular expression compile failed ({error.message})\n{pattern}") from None

    def truth(self, value: Value) -> bool:
        """Whether a value counts as true."""
        if isinstance(value, Numeric):
            return number(value) != 0
        return bool(value)

    # Statements.

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
                raise _Return(await self.value(node[1]) if node[1] is not None else "")
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

    # Variables.

    def get(self, name: str) -> Value:
        """A variable's value."""
        if self.locals and name in self.locals[-1]:
            found = self.locals[-1][name]
            return found if not isinstance(found, dict) else ""
        if name == "NF":
            return float(len(self.fields) - 1)
        return self.variables.get(name, Numeric(""))

    def put(self, name: str, value: Value) -> None:
        """Set a variable."""
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise BudgetExceeded("the lab's limit of memory for one command was reached")
        if self.locals and name in self.locals[-1]:
            self.locals[-1][name] = value
            return
        if name == "NF":
            count = max(0, min(int(number(value)), 10_000))
            self.fields = (self.fields + [""] * (count + 1))[: count + 1]
            self.rebuild()
        self.variables[name] = value

    def array(self, name: str) -> dict[str, Value]:
        """An array, made when it is first named."""
        if self.locals and name in self.locals[-1]:
            found = self.locals[-1][name]
            if not isinstance(found, dict):
                found = self.locals[-1][name] = {}
            return found
        return self.arrays.setdefault(name, {})

    async def key(self, keys: list[Node]) -> str:
        """A subscript."""
        return self.text(self.variables["SUBSEP"]).join([self.text(await self.value(one)) for one in keys])

    def rebuild(self) -> None:
        """Make ``$0`` anew from the fields."""
        self.fields[0] = self.text(self.variables["OFS"]).join(self.text(item) for item in self.fields[1:])

    async def assign(self, target: Node, value: Value) -> None:
        """Set a variable, a field or an element."""
        if target[0] == "variable":
            self.put(target[1], value)
        elif target[0] == "field":
            place = int(number(await self.value(target[1])))
            if not 0 <= place <= 10_000:
                raise AwkError(f"bad field index ${place}")
            if place == 0:
                self.set_record(self.text(value))
                return
            while len(self.fields) <= place:
                self.fields.append("")
            self.fields[place] = value
            self.variables["NF"] = float(len(self.fields) - 1)
            self.rebuild()
        else:
            array = self.array(target[1])
            if len(array) >= MAX_ELEMENTS:
                raise BudgetExceeded("the lab's limit of memory for one command was reached")
            array[await self.key(target[2])] = value

    # Expressions.

    async def value(self, node: Node) -> Value:
        """The value of an expression."""
        self.process.kernel.charge(0.05)
        match node[0]:
            case "number" | "string":
                result: Value = node[1]
                return result
            case "variable":
                return self.get(node[1])
            case "field":
                place = number(await self.value(node[1]))
                if place < 0 or not math.isfinite(place):
                    raise AwkError(f"bad field index ${place:g}")
                return self.fields[int(place)] if place < len(self.fields) else Numeric("")
            case "index":
                array, key = self.array(node[1]), await self.key(node[2])
                if key not in array and len(array) < MAX_ELEMENTS:
                    array[key] = Numeric("")
                return array.get(key, Numeric(""))
            case "group":
                return await self.value(node[1])
            case "grouping":
                return self.text(await self.value(node[1][-1]))
            case "assign":
                value = await self.value(node[3])
                if node[2]:
                    value = self.binary(node[2], number(await self.value(node[1])), number(value))
                await self.assign(node[1], value)
                return value
            case "ternary":
                return await self.value(node[2] if self.truth(await self.value(node[1])) else node[3])
            case "or":
                return float(self.truth(await self.value(node[1])) or self.truth(await self.value(node[2])))
            case "and":
                return float(self.truth(await self.value(node[1])) and self.truth(await self.value(node[2])))
            case "in":
                return float(await self.key(node[1]) in self.array(node[2]))
            case "regex":
                return float(self.matches(self.text(self.fields[0]), node[1]))
            case "match" | "nomatch":
                return float(
                    self.matches(self.text(await self.value(node[1])), await self.pattern(node[2]))
                    == (node[0] == "match")
                )
            case "compare":
                return float(self.compare(node[1], await self.value(node[2]), await self.value(node[3])))
            case "concat":
                text = self.text(await self.value(node[1])) + self.text(await self.value(node[2]))
                self.process.kernel.charge(len(text) / 2000)
                if len(text) > MAX_TEXT:
                    raise BudgetExceeded("the lab's limit of memory for one command was reached")
                return text
            case "binary":
                return self.binary(node[1], number(await self.value(node[2])), number(await self.value(node[3])))
            case "unary":
                inner = await self.value(node[2])
                if node[1] == "!":
                    return float(not self.truth(inner))
                return -number(inner) if node[1] == "-" else number(inner)
            case "before" | "after":
                old = number(await self.value(node[2]))
                new = old + (1 if node[1] == "++" else -1)
                await self.assign(node[2], new)
                return new if node[0] == "before" else old
            case "call":
                return await self.call(node[1], node[2])
            case "own":
                return await self.own(node[1], node[2])
        raise AwkError(f"unexpected {node[0]}")

    async def pattern(self, node: Node) -> str:
        """The text of an expression that stands where a regular expression is wanted."""
        return str(node[1]) if node[0] == "regex" else self.text(await self.value(node))

    def matches(self, text: str, pattern: str) -> bool:
        """Whether a regular expression matches somewhere."""
        regex = self.regex(pattern)
        return regex.find(self.process.kernel.charge, text) is not None

    def compare(self, operator: str, left: Value, right: Value) -> bool:
        """Compare as numbers if both are, else as texts."""
        numeric = all(isinstance(one, float | Numeric) for one in (left, right))
        pair: tuple[float, float] | tuple[str, str] = (
            (number(left), number(right)) if numeric else (self.text(left), self.text(right))
        )
        order = (pair[0] > pair[1]) - (pair[0] < pair[1])  # type: ignore[operator]
        return {"<": order < 0, "<=": order <= 0, "==": order == 0, "!=": order != 0, ">": order > 0, ">=": order >= 0}[
            operator
        ]

    def binary(self, operator: str, left: float, right: float) -> float:
        """Arithmetic.

        Raises:
            AwkError: A division by zero.
        """
        try:
            match operator:
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "*":
                    return left * right
                case "/":
                    return left / right
                case "%":
                    return math.fmod(left, right)
            return float(left**right) if abs(right) < 1000 else math.inf
        except ZeroDivisionError:
            raise AwkError("division by zero" if operator == "/" else "division by zero in %") from None
        except (OverflowError, ValueError, TypeError):
            return math.inf

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
        except _Return as end:
            return end.value
        finally:
            self.locals.pop()
            self.calls -= 1
        return ""

    async def call(self, name: str, args: list[Node]) -> Value:
        """Call a built-in function."""
        if name in ("sub", "gsub"):
            return await self.substitute(name, args)
        if name == "split":
            return await self.split_into(args)
        if name == "length" and args and args[0][0] == "variable" and args[0][1] in self.arrays:
            return float(len(self.arrays[args[0][1]]))
        if name == "match":
            regex = self.regex(await self.pattern(args[1])) if len(args) > 1 else self.regex("")
            text = self.text(await self.value(args[0]))
            found = regex.find(self.process.kernel.charge, text)
            self.variables["RSTART"] = float(found.start + 1) if found else 0.0
            self.variables["RLENGTH"] = float(found.end - found.start) if found else -1.0
            return self.variables["RSTART"]
        values = [await self.value(arg) for arg in args]
        texts = [self.text(value) for value in values]
        first = number(values[0]) if values else 0.0
        match name:
            case "length":
                return float(len(texts[0] if texts else self.text(self.fields[0])))
            case "substr":
                return _substr(texts[0], number(values[1]), number(values[2]) if len(values) > 2 else None)
            case "index":
                return float(texts[0].find(texts[1]) + 1)
            case "tolower":
                return texts[0].lower()
            case "toupper":
                return texts[0].upper()
            case "sprintf":
                return format_printf(texts[0], texts[1:] or [""])[0]
            case "int":
                return float(int(first)) if math.isfinite(first) else first
            case "rand":
                return int.from_bytes(self.process.system.random(4), "big") / (1 << 32)
            case "srand":
                return 0.0
            case "system":
                await self.output.flush()
                process = self.process
                return float(
                    await process.spawn(["sh", "-c", texts[0]], dict(process.env), dict(process.fds), process.cwd)
                )
        try:
            return {
                "sin": math.sin, "cos": math.cos, "exp": math.exp, "log": math.log, "sqrt": math.sqrt,
            }[name](first) if name != "atan2" else math.atan2(first, number(values[1]))  # fmt: skip
        except (ValueError, OverflowError, KeyError):
            return math.nan

    async def split_into(self, args: list[Node]) -> Value:
        """``split(text, array, separator)``."""
        if len(args) < 2 or args[1][0] != "variable":
            raise AwkError("split: wrong arguments")
        text = self.text(await self.value(args[0]))
        separator = await self.pattern(args[2]) if len(args) > 2 else self.text(self.variables["FS"])
        if len(args) > 2 and args[2][0] == "regex" and len(separator) == 1:
            separator = f"[{separator}]" if separator not in "^\\" else f"\\{separator}"
        pieces = self.split(text, separator)
        array = self.array(args[1][1])
        array.clear()
        for place, piece in enumerate(pieces[:MAX_ELEMENTS], 1):
            array[str(place)] = self.from_input(piece)
        return float(len(pieces))

    async def substitute(self, name: str, args: list[Node]) -> Value:
        """``sub`` and ``gsub``."""
        if len(args) < 2:
            raise AwkError(f"{name}: wrong arguments")
        regex = self.regex(await self.pattern(args[0]))
        replacement = self.text(await self.value(args[1]))
        target: Node = args[2] if len(args) > 2 else ("field", ("number", 0.0))
        text = self.text(await self.value(target))
        out: list[str] = []
        done = start = count = size = 0
        while start <= len(text):
            await self.process.kernel.tick(0.1)
            match = regex.find(self.process.kernel.charge, text, start)
            if match is None:
                break
            count += 1
            found = match.group(0)
            piece = text[done : match.start] + re.sub(
                r"\\\\|\\&|&",
                _replacing(found),
                replacement,
            )
            size += len(piece)
            if size > MAX_TEXT:
                raise BudgetExceeded("the lab's limit of memory for one command was reached")
            out.append(piece)
            done = match.end
            if name == "sub":
                break
            start = match.end if match.end > match.start else match.end + 1
        if count and target[0] in ("variable", "field", "index"):
            await self.assign(target, "".join(out) + text[done:])
        return float(count)


def _replacing(found: str) -> Callable[[re.Match[str]], str]:
    """What ``&`` and its escapes in a replacement stand for."""

    def one(match: re.Match[str]) -> str:
        return {"\\\\": "\\", "\\&": "&"}.get(match[0], found)

    return one


def _substr(text: str, start: float, length: float | None) -> str:
    if not math.isfinite(start):
        return ""
    first = round(start)
    last = len(text) + 1 if length is None or not math.isfinite(length) else first + round(length)
    return text[max(first, 1) - 1 : max(last, 1) - 1]
