"""``test`` and ``[``: questions about files, texts and numbers."""

import operator
import re
from collections.abc import Callable

from ..files.inodes import Device, Directory, File, FileError, Link, Node
from .shell import Shell

# The recursion has a level for each -a and -o.
MAX_WORDS = 200
NOT_SIMULATED = "not simulated in this lab's pods"

_TYPES = {"-e": Node, "-s": Node, "-f": File, "-d": Directory, "-L": Link, "-h": Link, "-c": Device}
"""The tests of a file's type."""

_ACCESS = {"-r": 4, "-w": 2, "-x": 1}
"""The tests of a file's mode, and their bits in it."""

_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt
}  # fmt: skip
_NUMBER_TESTS: dict[str, Callable[[int, int], bool]] = {
    "-eq": operator.eq, "-ne": operator.ne, "-lt": operator.lt, "-le": operator.le, "-gt": operator.gt,
    "-ge": operator.ge,
}  # fmt: skip
_LEFT_OUT = re.compile(r"-[abgkopuvGNORS]")
_BINARY = frozenset({*_TEXT_TESTS, *_NUMBER_TESTS, "-nt", "-ot", "-ef"})


class TestError(Exception):
    """An invalid question; status 2. Its text is the message of bash.

    Args:
        problem: The problem.
        token: The word that has it, if one has.
    """

    def __init__(self, problem: str, token: str | None = None) -> None:
        super().__init__(problem if token is None else f"{token}: {problem}")
        self.problem = problem
        self.token = token


def ask(shell: Shell, arguments: list[str]) -> bool:
    """Answer the arguments of ``test``, by POSIX' rules for their number.

    Raises:
        TestError: The question is invalid or not simulated.
    """
    match arguments:
        case []:
            return False
        case [text] | ["(", text, ")"]:
            return bool(text)
        case [left, sign, right] if sign in _BINARY:
            return _compare(left, sign, right)
        case ["!", *rest] if len(rest) < 4:
            return not ask(shell, rest)
        case [sign, operand]:
            return _examine(shell, sign, operand)
        case [_, sign, _] if sign not in ("-a", "-o"):
            raise TestError("binary operator expected", sign)
    if len(arguments) <= MAX_WORDS:
        # `-a` binds tighter than `-o`.
        for sign, judge in (("-o", any), ("-a", all)):
            if sign in arguments[1:-1]:
                middle = arguments.index(sign, 1)
                sides = (arguments[:middle], arguments[middle + 1 :])
                return judge([ask(shell, side) for side in sides])
    if "(" in arguments:
        raise TestError(NOT_SIMULATED, "( … )")
    raise TestError("too many arguments")


def _examine(shell: Shell, sign: str, operand: str) -> bool:
    """Answer ``-n text``, ``-f path`` and their like."""
    match sign:
        case "-n":
            return bool(operand)
        case "-z":
            return not operand
        case "-t":
            number = int(operand) if re.fullmatch(r"\d{1,3}", operand) else -1
            return number in shell.fds and shell.fds[number].terminal
    if sign not in _TYPES and sign not in _ACCESS:
        left_out = _LEFT_OUT.fullmatch(sign)
        raise TestError(NOT_SIMULATED if left_out else "unary operator expected", sign)
    fs = shell.system.fs
    try:
        location = fs.find(operand, shell.cwd, follow=sign not in ("-L", "-h"))
    except FileError:
        return False
    node = location.node
    if node is None or not isinstance(node, _TYPES.get(sign, Node)):
        return False
    # -s: a directory counts as not empty.
    if sign == "-s" and isinstance(node, File):
        return bool(node.content())
    if sign == "-w" and fs.is_read_only(location.parent):
        return False
    return sign not in _ACCESS or fs.may(node, _ACCESS[sign])


def _compare(left: str, sign: str, right: str) -> bool:
    """Answer ``a = b``, ``1 -lt 2`` and their like."""
    if sign in _TEXT_TESTS:
        return _TEXT_TESTS[sign](left, right)
    if sign not in _NUMBER_TESTS:
        raise TestError(NOT_SIMULATED, sign)
    for text in (left, right):
        if not re.fullmatch(r"\s*[-+]?\d{1,18}\s*", text):
            raise TestError("integer expression expected", text)
    return _NUMBER_TESTS[sign](int(left), int(right))
