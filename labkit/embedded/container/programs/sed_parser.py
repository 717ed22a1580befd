"""``sed``'s scripts: from a text to addresses and commands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.embedded.container.programs.regex import Regex, compile_regex
from labkit.embedded.container.programs.regex_parser import RegexError

MAX_COMMANDS = 500
LEFT_OUT = frozenset("{btT:rwRWnNDPhHgGxlzFeMQ")
"""Commands of the real sed that the lab's does not have."""


class SedError(Exception):
    """The script cannot be read.

    Args:
        message: What ``sed`` says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Address:
    """Which lines a command is for."""

    kind: str  # line last regex step more
    number: int = 0
    step: int = 0
    regex: Regex | None = None


@dataclass(slots=True)
class Command:
    """A command with its addresses and what belongs to it."""

    name: str
    first: Address | None = None
    second: Address | None = None
    negated: bool = False
    text: str = ""
    regex: Regex | None = None
    replacement: list[str | int] = field(default_factory=list)
    flags: str = ""
    number: int = 0
    table: dict[int, str] = field(default_factory=dict)
    active: bool = False


class Reader:
    """Reads a script into commands."""

    def __init__(self, text: str, *, extended: bool) -> None:
        self.text = text
        self.index = 0
        self.extended = extended
        self.regex: Regex | None = None

    def fail(self, message: str) -> SedError:
        """The error at this place."""
        return SedError(f"-e expression #1, char {min(self.index, len(self.text))}: {message}")

    def commands(self) -> list[Command]:
        """All commands."""
        out: list[Command] = []
        while True:
            self.skip(" \t\n;")
            if not self.peek():
                return out
            if self.peek() == "#":
                end = self.text.find("\n", self.index)
                self.index = len(self.text) if end < 0 else end
                continue
            if len(out) >= MAX_COMMANDS:
                raise self.fail("script too long")
            out.append(self.command())

    def peek(self) -> str:
        """The next character, empty at the end."""
        return self.text[self.index] if self.index < len(self.text) else ""

    def skip(self, characters: str) -> bool:
        """Step over these characters; whether there were any."""
        start = self.index
        while self.peek() and self.peek() in characters:
            self.index += 1
        return self.index > start

    def command(self) -> Command:
        """One command."""
        first = self.address()
        second = None
        if first is not None and self.peek() == ",":
            self.index += 1
            second = self.address()
            if second is None:
                raise self.fail("unexpected `,'")
        self.skip(" ")
        made = Command("", first, second, self.skip("! "))
        made.name = self.peek()
        self.index += 1
        if not made.name:
            raise self.fail("missing command")
        if made.name in LEFT_OUT:
            raise SedError(f"command `{made.name}': not simulated in this lab's pods")
        match made.name:
            case "s":
                self.substitution(made)
            case "y":
                self.transliteration(made)
            case "a" | "i" | "c":
                made.text = self.appended()
                return made
            case "q":
                match = re.compile(r"\s*(\d{0,3})").match(self.text, self.index)
                if match:
                    made.number = int(match[1] or 0)
                    self.index = match.end()
            case "}":
                raise self.fail("unexpected `}'")
            case "d" | "p" | "=":
                pass
            case _:
                raise self.fail(f"unknown command: `{made.name}'")
        self.skip(" ")
        if self.peek() not in ("", ";", "\n", "#"):
            self.index += 1
            raise self.fail("extra characters after command" if made.name != "s" else "unknown option to `s'")
        return made

    def address(self) -> Address | None:
        """An address, None where there is none."""
        char = self.peek()
        if char.isdigit():
            match = re.compile(r"(\d{1,9})(?:~(\d{1,9}))?").match(self.text, self.index)
            if match is None:
                raise self.fail("invalid number")
            self.index = match.end()
            if match[2] is not None:
                return Address("step", int(match[1]), int(match[2]))
            return Address("line", int(match[1]))
        if char == "$":
            self.index += 1
            return Address("last")
        if char == "+":
            match = re.compile(r"\+(\d{1,9})").match(self.text, self.index)
            if match:
                self.index = match.end()
                return Address("more", int(match[1]))
        if char in ("/", "\\"):
            self.index += 1
            if char == "\\":
                char = self.peek()
                self.index += 1
            pattern = self.delimited(char, "unterminated address regex")
            fold = self.peek() == "I"
            self.index += fold
            return Address("regex", regex=self.compile(pattern, fold=fold))
        return None

    def delimited(self, delimiter: str, problem: str) -> str:
        """What stands up to the next delimiter that is not escaped."""
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
        """A regular expression; an empty one is the last one again."""
        if not pattern:
            if self.regex is None:
                raise self.fail("no previous regular expression")
            return self.regex
        try:
            self.regex = compile_regex(pattern, extended=self.extended, fold=fold)
        except RegexError as error:
            raise self.fail(error.message) from None
        return self.regex

    def substitution(self, made: Command) -> None:
        """The rest of ``s``: pattern, replacement, flags."""
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
        match = re.compile(r"[gpiI0-9]*").match(self.text, self.index)
        made.flags = match[0] if match else ""
        self.index += len(made.flags)
        if self.peek() in ("w", "e", "M"):
            raise SedError(f"flag `{self.peek()}' of `s': not simulated in this lab's pods")
        digits = re.search(r"\d{1,6}", made.flags)
        made.number = int(digits[0]) if digits else 1
        made.regex = self.compile(pattern, fold="i" in made.flags.lower())
        highest = max((item for item in made.replacement if isinstance(item, int)), default=0)
        if highest > made.regex.groups:
            raise self.fail(f"invalid reference \\{highest} on `s' command's RHS")

    def transliteration(self, made: Command) -> None:
        """The rest of ``y``: two sets of characters."""
        delimiter = self.peek()
        self.index += 1
        first = self.delimited(delimiter, "unterminated `y' command")
        second = self.delimited(delimiter, "unterminated `y' command")
        if len(first) != len(second):
            raise self.fail("strings for `y' command are different lengths")
        made.table = dict(zip((ord(char) for char in first), second, strict=True))

    def appended(self) -> str:
        """The text of ``a``, ``i`` and ``c``."""
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
