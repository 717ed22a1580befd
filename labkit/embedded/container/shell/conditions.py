"""``test``, ``[`` and ``[[``: questions about files, texts and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from labkit.embedded.container.files.filesystem import FileSystem
from labkit.embedded.container.files.inodes import Device, Directory, File, FileError, Link
from labkit.embedded.container.shell.arithmetic import ArithmeticProblem
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.syntax import Condition, Word

FILE_TESTS = frozenset("abcdefghkprstuwxGLNOS")
BINARY = frozenset({"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"})


class TestError(Exception):
    """The question makes no sense; status 2.

    Args:
        message: What the shell says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def file_test(fs: FileSystem, cwd: str, operator: str, path: str, terminal: bool = False) -> bool:
    """``-e path`` and its like.

    Args:
        fs: The files.
        cwd: For a relative path.
        operator: The letter.
        path: The path.
        terminal: Whether the descriptor ``path`` is a terminal, for ``-t``.
    """
    if operator == "t":
        return terminal
    try:
        node = fs.get(path, cwd, follow=operator not in "Lh")
    except FileError:
        return False
    match operator:
        case "f":
            return isinstance(node, File)
        case "d":
            return isinstance(node, Directory)
        case "L" | "h":
            return isinstance(node, Link)
        case "c":
            return isinstance(node, Device)
        case "b" | "p" | "S":
            return False
        case "s":
            return bool(node.content()) if isinstance(node, File) else True
        case "r":
            return fs.may(node, 4)
        case "w":
            return fs.may(node, 2) and not fs.is_read_only(fs.find(path, cwd).parent)
        case "x":
            return fs.may(node, 1)
        case "u":
            return bool(node.mode & 0o4000)
        case "g":
            return bool(node.mode & 0o2000)
        case "k":
            return bool(node.mode & 0o1000)
        case "O":
            return node.uid == fs.uid
        case "G":
            return node.gid == fs.gid
        case "N":
            return False
    return True


class Questions:
    """Answers the questions of one ``test`` command.

    Args:
        fs: The files.
        cwd: For relative paths.
        number: Reads an integer, or raises :class:`TestError`.
        is_terminal: Tells whether a descriptor is a terminal.
        is_set: Tells whether a variable is set.
    """

    def __init__(
        self,
        fs: FileSystem,
        cwd: str,
        number: Callable[[str], int],
        is_terminal: Callable[[str], bool],
        is_set: Callable[[str], bool],
    ) -> None:
        self.fs = fs
        self.cwd = cwd
        self.number = number
        self.is_terminal = is_terminal
        self.is_set = is_set

    def unary(self, operator: str, operand: str) -> bool:
        """``-n text``, ``-f path`` and their like.

        Raises:
            TestError: There is no such operator.
        """
        if operator == "-n":
            return bool(operand)
        if operator == "-z":
            return not operand
        if operator == "-v":
            return self.is_set(operand)
        if operator == "-o":
            return False
        letter = operator[1:]
        if len(letter) == 1 and letter in FILE_TESTS:
            return file_test(self.fs, self.cwd, letter, operand, self.is_terminal(operand))
        raise TestError(f"{operator}: unary operator expected")

    def binary(self, left: str, operator: str, right: str) -> bool:
        """``a = b``, ``1 -lt 2`` and their like.

        Raises:
            TestError: There is no such operator, or no number.
        """
        match operator:
            case "=" | "==":
                return left == right
            case "!=":
                return left != right
            case "<":
                return left < right
            case ">":
                return left > right
            case "-nt" | "-ot" | "-ef":
                return self._compare_files(left, operator, right)
        compare = {
            "-eq": lambda a, b: a == b,
            "-ne": lambda a, b: a != b,
            "-lt": lambda a, b: a < b,
            "-le": lambda a, b: a <= b,
            "-gt": lambda a, b: a > b,
            "-ge": lambda a, b: a >= b,
        }.get(operator)
        if compare is None:
            raise TestError(f"{operator}: binary operator expected")
        return bool(compare(self.number(left), self.number(right)))

    def _compare_files(self, left: str, operator: str, right: str) -> bool:
        times: list[float | None] = []
        nodes = []
        for path in (left, right):
            node = self.fs.get(path, self.cwd) if self.fs.exists(path, self.cwd) else None
            nodes.append(node)
            times.append(node.mtime if node is not None else None)
        if operator == "-ef":
            return nodes[0] is not None and nodes[0] is nodes[1]
        first, second = times if operator == "-nt" else times[::-1]
        return first is not None and (second is None or first > second)

    def single(self, args: list[str]) -> bool:
        """The arguments of ``test``, by POSIX' rules for their number.

        Raises:
            TestError: They make no sense.
        """
        match len(args):
            case 0:
                return False
            case 1:
                return bool(args[0])
            case 2:
                if args[0] == "!":
                    return not args[1]
                if args[0].startswith("-") and len(args[0]) == 2:
                    return self.unary(*args)
                raise TestError(f"{args[0]}: unary operator expected")
            case 3:
                if args[1] in BINARY:
                    return self.binary(*args)
                if args[1] in ("-a", "-o"):
                    both = bool(args[0]), bool(args[2])
                    return all(both) if args[1] == "-a" else any(both)
                if args[0] == "!":
                    return not self.single(args[1:])
                if args[0] == "(" and args[2] == ")":
                    return bool(args[1])
                raise TestError(f"{args[1]}: binary operator expected")
        if args[0] == "!" and len(args) == 4:
            return not self.single(args[1:])
        if len(args) > 200:
            raise TestError("too many arguments")
        return _Expression(self, args).whole()


class _Expression:
    """More than three arguments: ``-o``, ``-a``, ``!`` and parentheses by precedence."""

    def __init__(self, questions: Questions, args: list[str]) -> None:
        self.questions = questions
        self.args = args
        self.index = 0

    def whole(self) -> bool:
        value = self.either()
        if self.index < len(self.args):
            raise TestError("too many arguments")
        return value

    def peek(self, offset: int = 0) -> str | None:
        place = self.index + offset
        return self.args[place] if place < len(self.args) else None

    def either(self) -> bool:
        value = self.both()
        while self.peek() == "-o":
            self.index += 1
            value = self.both() or value
        return value

    def both(self) -> bool:
        value = self.one()
        while self.peek() == "-a":
            self.index += 1
            value = self.one() and value
        return value

    def one(self) -> bool:
        first, second, third = self.peek(), self.peek(1), self.peek(2)
        if first is None:
            raise TestError("argument expected")
        if second in BINARY and third is not None:
            self.index += 3
            return self.questions.binary(first, second or "", third)
        if first == "!":
            self.index += 1
            return not self.one()
        if first == "(":
            self.index += 1
            value = self.either()
            if self.peek() != ")":
                raise TestError("`)' expected")
            self.index += 1
            return value
        if re.fullmatch(r"-[a-zA-Z]", first) and second is not None:
            self.index += 2
            return self.questions.unary(first, second)
        self.index += 1
        return bool(first)


def integer(text: str) -> int:
    """An integer as ``test`` reads it.

    Raises:
        TestError: It is none.
    """
    if re.fullmatch(r"\s*[-+]?\d{1,18}\s*", text):
        return int(text)
    raise TestError(f"{text}: integer expression expected")


async def double_bracket(shell: Shell, condition: Condition) -> int:
    """``[[ … ]]``.

    Returns:
        0 for true, 1 for false, 2 for nonsense.
    """
    try:
        return int(not await _condition(shell, condition))
    except TestError as error:
        await shell.complain(f"[[: {error.message}")
        return 2


def shell_questions(shell: Shell, number: Callable[[str], int]) -> Questions:
    """Questions asked from a shell."""

    def is_terminal(descriptor: str) -> bool:
        stream = shell.fds.get(int(descriptor)) if descriptor.isdigit() and len(descriptor) < 4 else None
        return stream is not None and stream.terminal

    return Questions(
        shell.system.fs, shell.cwd, number, is_terminal, lambda name: shell.variables.text(name) is not None
    )


async def _condition(shell: Shell, condition: Condition) -> bool:
    await shell.scheduler.tick(0.2)
    operator = condition.operator
    conditions = [item for item in condition.operands if isinstance(item, Condition)]
    if operator == "!":
        return not await _condition(shell, conditions[0])
    if operator == "&&":
        return await _condition(shell, conditions[0]) and await _condition(shell, conditions[1])
    if operator == "||":
        return await _condition(shell, conditions[0]) or await _condition(shell, conditions[1])
    words = [item for item in condition.operands if isinstance(item, Word)]
    left = await shell.text(words[0])

    def number(text: str) -> int:
        try:
            return shell.evaluate(text)
        except ArithmeticProblem as problem:
            raise TestError(problem.message) from None

    questions = shell_questions(shell, number)
    if len(words) == 1:
        if operator == "-o":
            return left in shell.options
        return questions.unary(operator, left)
    if operator in ("=", "==", "!="):
        pattern = await shell.pattern(words[1])
        return pattern.matches(left) == (operator != "!=")
    return questions.binary(left, operator, await shell.text(words[1]))
