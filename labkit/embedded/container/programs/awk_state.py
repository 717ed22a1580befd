"""What an awk program works on: fields, variables and arrays."""

from __future__ import annotations

import math

from labkit.embedded.container.programs.awk_lexer import AwkError
from labkit.embedded.container.programs.awk_values import MAX_TEXT, NUMBER, Numeric, Value, number
from labkit.embedded.container.programs.common import Buffered
from labkit.embedded.container.shell.kernel import BudgetExceeded
from labkit.embedded.container.shell.printf import format_printf
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.regex import Regex, compile_regex
from labkit.embedded.container.shell.regex_parser import RegexError


class State:
    """The current record and the variables.

    Args:
        process: Its process.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.variables: dict[str, Value] = {
            "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "NR": 0.0, "NF": 0.0, "FNR": 0.0, "SUBSEP": "\x1c",
            "CONVFMT": "%.6g", "OFMT": "%.6g", "RSTART": 0.0, "RLENGTH": -1.0, "FILENAME": "",
        }  # fmt: skip
        self.arrays: dict[str, dict[str, Value]] = {"ENVIRON": dict(process.env.items())}
        self.fields: list[Value] = [""]
        self.output = Buffered(process)
        self.calls = 0
        self.locals: list[dict[str, Value | dict[str, Value]]] = []

    def from_input(self, text: str) -> Value:
        """A text from the input, which may count as a number."""
        match = NUMBER.match(text[:200])
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

    def truth(self, value: Value) -> bool:
        """Whether a value counts as true."""
        if isinstance(value, Numeric):
            return number(value) != 0
        return bool(value)

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

    def rebuild(self) -> None:
        """Make ``$0`` anew from the fields."""
        self.fields[0] = self.text(self.variables["OFS"]).join(self.text(item) for item in self.fields[1:])
