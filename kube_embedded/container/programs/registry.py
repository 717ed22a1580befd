"""The table of programs, the decorator that adds one, and the options of all of them.

Options are parsed as GNU getopt does, because all programs of Debian's images use it. So a program names its
options in one line, and has no code of its own for them.
"""

from collections.abc import Awaitable, Callable
from functools import lru_cache

from ..shell.process import Process

NOT_SIMULATED = ": not simulated in this lab's pods"
TRY_HELP = "Try '{name} --help' for more information.\n"

Program = Callable[[Process], Awaitable[int]]
"""A command: runs with what it is given and returns its exit status."""

PROGRAMS: dict[str, Program] = {}
"""The programs of the modules that are loaded."""


class Failure(Exception):
    """A program ends with a message, to which :func:`program` adds its name.

    Args:
        message: The message without the program's name.
        status: The exit status.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class BadOption(Exception):
    """An option is unknown or left out, or an operand wrong; its text is the program's message without its name."""


@lru_cache(maxsize=64)
def known_options(spec: str) -> dict[str, tuple[str, str]]:
    """Return the options of a specification: by every name, the first name and the mark behind the names.

    Args:
        spec: The options, separated by blanks: the names of each, separated by commas; ``=`` behind them if it has a
            value, ``?`` if the long one can, ``!`` if only the real program has it. One letter is a short option, more
            are a long one: ``v a,all n,lines= color? Z,context!``.
    """
    options: dict[str, tuple[str, str]] = {}
    for item in spec.split():
        names = item.rstrip("=?!")
        for name in names.split(","):
            options[name] = (names.partition(",")[0], item[len(names) :])
    return options


def read_options(process: Process, spec: str, *, stop: bool = False, attached: bool = True) -> None:
    """Parse a command line into the process's flags and operands.

    Args:
        process: The command.
        spec: The options, as :func:`known_options` reads them.
        stop: Whether the first operand ends the options. It does so where a command follows (``env``, ``xargs``).
        attached: Whether the value of a long option can follow it after ``=``.

    Raises:
        BadOption: An option is unknown or not simulated, or lacks a value.
    """
    options = known_options(spec)
    words = list(process.args)
    while words:
        word = words.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            _long_option(process, options, word, words, attached)
        elif word[1:].isdigit() and word[0] == "-" and "lines" in options:
            # The old style of `head -5`, which POSIX dropped in 2001 and people still type.
            process.flags.append(("n", word[1:]))
        elif word.startswith("-") and len(word) > 1:
            _short_options(process, options, word[1:], words)
        else:
            process.operands.append(word)
            if stop:
                break
    process.operands.extend(words)


def _long_option(
    process: Process,
    options: dict[str, tuple[str, str]],
    word: str,
    words: list[str],
    attached: bool,
) -> None:
    text, equals, value = word.partition("=")
    name, mark = options.get(text[2:], ("", ""))
    if not name or len(text) == 3 or (equals and not attached):
        raise BadOption(f"unrecognized option '{word}'")
    if mark == "!":
        raise BadOption(text + NOT_SIMULATED)
    if equals and not mark:
        raise BadOption(f"option '{text}' doesn't allow an argument")
    if mark == "=" and not equals:
        if not words:
            raise BadOption(f"option '{text}' requires an argument")
        value = words.pop(0)
    process.flags.append((name, value))


def _short_options(
    process: Process, options: dict[str, tuple[str, str]], letters: str, words: list[str]
) -> None:
    for index, letter in enumerate(letters, 1):
        name, mark = options.get(letter, ("", ""))
        if not name:
            raise BadOption(f"invalid option -- '{letter}'")
        if mark == "!":
            raise BadOption(f"-{letter}{NOT_SIMULATED}")
        # A flag; the letters behind it are further options.
        if mark != "=":
            process.flags.append((name, ""))
            continue
        if index == len(letters) and not words:
            raise BadOption(f"option requires an argument -- '{letter}'")
        process.flags.append((name, letters[index:] or words.pop(0)))
        return


def program(
    *names: str,
    options: str = "",
    misuse: int = 1,
    stop: bool = False,
    missing: str = "",
    usage: str = TRY_HELP,
) -> Callable[[Program], Program]:
    """Put a command into :data:`PROGRAMS`, under one or more names.

    Args:
        names: The names.
        options: The options, as :func:`known_options` reads them. Without any, each word is an operand.
        misuse: The exit status for an unknown option, which is reported.
        stop: Whether the first operand ends the options.
        missing: The message without an operand, for a command that needs one.
        usage: The hint behind the message about an unknown option.
    """

    def register(function: Program) -> Program:
        async def run(process: Process) -> int:
            try:
                if options:
                    read_options(process, options, stop=stop)
                else:
                    process.operands.extend(process.args)
                if missing and not process.operands:
                    raise BadOption(missing)
                return await function(process)
            except Failure as error:
                return await process.fail(str(error), error.status)
            except BadOption as error:
                hint = "" if str(error).endswith(NOT_SIMULATED) else usage
                text = f"{process.name}: {error}\n{hint.format(name=process.name)}"
                return await process.err(text, misuse)

        for name in names:
            PROGRAMS[name] = run
        return run

    return register
