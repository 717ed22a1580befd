"""``test`` and ``[``: questions about files, texts and numbers."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from labkit.embedded.container.files.filesystem import FileSystem
from labkit.embedded.container.files.inodes import (
    Device,
    Directory,
    File,
    FileError,
    Link,
    Location,
    Node,
)
from labkit.embedded.container.shell.protocol import Shell

MAX_WORDS = 200
NOT_SIMULATED = "not simulated in this lab's pods"

_FILE_TESTS: dict[str, Callable[[FileSystem, Location, Node], bool]] = {
    "e": lambda fs, location, node: True,
    "f": lambda fs, location, node: isinstance(node, File),
    "d": lambda fs, location, node: isinstance(node, Directory),
    "L": lambda fs, location, node: isinstance(node, Link),
    "h": lambda fs, location, node: isinstance(node, Link),
    "c": lambda fs, location, node: isinstance(node, Device),
    "s": lambda fs, location, node: bool(node.content()) if isinstance(node, File) else True,
    "r": lambda fs, location, node: fs.may(node, 4),
    "w": lambda fs, location, node: fs.may(node, 2) and not fs.is_read_only(location.parent),
    "x": lambda fs, location, node: fs.may(node, 1),
}
"""The tests such as ``-f`` of an existing file."""


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt
}  # fmt: skip
_NUMBER_TESTS: dict[str, Callable[[int, int], bool]] = {
    "-eq": operator.eq, "-ne": operator.ne, "-lt": operator.lt, "-le": operator.le, "-gt": operator.gt,
    "-ge": operator.ge,
}  # fmt: skip
_LEFT_OUT = ("-nt", "-ot", "-ef")
_BINARY = frozenset({*_TEXT_TESTS, *_NUMBER_TESTS, *_LEFT_OUT})


class TestError(Exception):
    """The question makes no sense; status 2. Its text is the message of the shell."""


class Questions:
    """Answers the questions of one ``test`` command; a question that makes no sense is a ``TestError``."""

    def __init__(self, fs: FileSystem, cwd: str, is_terminal: Callable[[str], bool]) -> None:
        self.fs = fs
        self.cwd = cwd
        self.is_terminal = is_terminal

    def unary(self, operator: str, operand: str) -> bool:
        """``-n text``, ``-f path`` and their like."""
        match operator:
            case "-n":
                return bool(operand)
            case "-z":
                return not operand
            case "-t":
                return self.is_terminal(operand)
        test = _FILE_TESTS.get(operator[1:])
        if test is None:
            left_out = operator[1:] in "abgkopuvGNORS"
            raise TestError(
                f"{operator}: {NOT_SIMULATED if left_out else 'unary operator expected'}"
            )
        try:
            location = self.fs.find(operand, self.cwd, follow=operator not in ("-L", "-h"))
        except FileError:
            return False
        return location.node is not None and test(self.fs, location, location.node)

    def binary(self, left: str, operator: str, right: str) -> bool:
        """``a = b``, ``1 -lt 2`` and their like."""
        if operator in _TEXT_TESTS:
            return _TEXT_TESTS[operator](left, right)
        if operator in _NUMBER_TESTS:
            return _NUMBER_TESTS[operator](integer(left), integer(right))
        raise TestError(
            f"{operator}: {NOT_SIMULATED if operator in _LEFT_OUT else 'binary operator expected'}"
        )

    def ask(self, args: list[str]) -> bool:
        """The arguments of ``test``, by POSIX' rules for their number."""
        if len(args) < 2:
            return bool(args and args[0])
        if len(args) == 2 and args[0] != "!":
            if args[0].startswith("-") and len(args[0]) == 2:
                return self.unary(*args)
            raise TestError(f"{args[0]}: unary operator expected")
        if len(args) == 2 and args[1] in _BINARY:
            raise TestError(f"{args[1]}: argument expected")
        if len(args) == 3 and args[1] in _BINARY:
            return self.binary(*args)
        if len(args) == 3 and args[0] == "(" and args[2] == ")":
            return bool(args[1])
        if len(args) == 3 and args[0] != "!" and args[1] not in ("-a", "-o"):
            raise TestError(f"{args[1]}: binary operator expected")
        if len(args) <= 4 and args[0] == "!":
            return not self.ask(args[1:])
        if len(args) > MAX_WORDS:
            raise TestError("too many arguments")
        for sign, judge in (("-o", any), ("-a", all)):
            if sign in args[1:-1]:
                place = args.index(sign, 1)
                return judge([self.ask(args[:place]), self.ask(args[place + 1 :])])
        if "(" in args:
            raise TestError(f"( … ): {NOT_SIMULATED}")
        raise TestError("too many arguments")


def integer(text: str) -> int:
    """An integer as ``test`` reads it."""
    if re.fullmatch(r"\s*[-+]?\d{1,18}\s*", text):
        return int(text)
    raise TestError(f"{text}: integer expression expected")


def shell_questions(shell: Shell) -> Questions:
    """Questions asked from a shell."""

    def is_terminal(descriptor: str) -> bool:
        stream = (
            shell.fds.get(int(descriptor)) if descriptor.isdigit() and len(descriptor) < 4 else None
        )
        return stream is not None and stream.terminal

    return Questions(shell.system.fs, shell.cwd, is_terminal)
