"""Check the arguments of the functions that learners call.

A wrong argument raises an error with a correct call as an example, never a ``TypeError`` from labkit's code::

    @takes('lab.wait("kikai/test")', pod=LINE, timeout_seconds=SECONDS)
    def wait(self, pod: str, timeout_seconds: float = 120.0) -> ReadyPod: ...
"""

import functools
import inspect
import json
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from .errors import UsageError
from .language import text
from .redact import redact

P = ParamSpec("P")
T = TypeVar("T")

MAX_DESCRIPTION = 60
"""The maximum length of an argument in an error."""

MAX_LINE = 1000
"""The maximum length of a name, a step or a path."""

MAX_SECONDS = 7 * 24 * 3600.0
"""The maximum timeout; a longer one is cut to it."""


@dataclass(frozen=True, slots=True)
class ArgumentKind:
    """A kind of argument: its description, and the check.

    Args:
        words: The description, such as ``a number of seconds``.
        read: Returns the argument as the function takes it.
            It raises a TypeError, a ValueError or an OverflowError for a wrong argument.
    """

    words: str
    read: Callable[[object], object]


def takes(example: str, **kinds: ArgumentKind) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function that learners call, so that its arguments are checked.

    Args:
        example: A right call, for the error.
        kinds: The kind of each parameter that is checked. A parameter's default is always accepted.

    Raises:
        UsageError: By the decorated function, for a missing, additional or wrong argument.
    """
    name = example.partition("(")[0]

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise UsageError(
                    text("{name}() got the wrong arguments.", name),
                    why=str(error),
                    todo=text("Write {example}.", example),
                ) from None
            for parameter, kind in kinds.items():
                value = bound.arguments.get(parameter, inspect.Parameter.empty)
                if (
                    value is inspect.Parameter.empty
                    or value is signature.parameters[parameter].default
                ):
                    continue
                bound.arguments[parameter] = fit(value, kind, name, parameter, example)
            return function(*bound.args, **bound.kwargs)

        return call

    return decorate


def fit(value: object, kind: ArgumentKind, name: str, parameter: str, example: str) -> object:
    """Check one argument.

    Args:
        value: The argument.
        kind: The kind that it has to be.
        name: The function's name, for the error.
        parameter: The parameter's name, for the error.
        example: A right call, for the error.

    Returns:
        The argument as the function takes it.

    Raises:
        UsageError: When the argument is wrong.
    """
    try:
        return kind.read(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        is_bytes = isinstance(value, bytes | bytearray)
        raise UsageError(
            text("{name} cannot take {value} as `{parameter}`.", name, describe(value), parameter),
            why=text("it has to be {words}", kind.words),
            todo=text("Make text of the bytes: add .decode(). Write {example}.", example)
            if is_bytes
            else text("Write {example}.", example),
        ) from None


def describe(value: object) -> str:
    """Describe a learner's argument in an error: in one line, short, and never bytes or a token."""
    # Also because str() refuses integers of more than 4,300 digits (sys.set_int_max_str_digits).
    if isinstance(value, int) and value.bit_length() >= 128:
        return text("a very large number")
    if value is None or isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return text("a value of the type {type}", type(value).__name__)
    # Redacted before it is cut: half a token would not be recognized as one.
    line = redact(value[:MAX_LINE]).encode("utf-8", "backslashreplace").decode()
    # Controls could move a terminal's cursor, and marks of direction could reorder the line.
    line = "".join(
        repr(letter)[1:-1] if unicodedata.category(letter)[0] == "C" else letter
        for letter in line[: MAX_DESCRIPTION + 1]
    )
    return f'"{line if len(line) <= MAX_DESCRIPTION else line[: MAX_DESCRIPTION - 1] + "…"}"'


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    # Raises a UnicodeEncodeError for a lone surrogate, which can be in a str and not in UTF-8.
    value.encode()
    if "\0" in value:
        raise ValueError
    return value


def _line(value: object) -> str:
    text = _text(value)
    if len(text) > MAX_LINE or any(unicodedata.category(letter) == "Cc" for letter in text.strip()):
        raise ValueError
    return text


def _path(value: object) -> object:
    return value if isinstance(value, Path) else _line(value)


def _step(value: object) -> str:
    return (
        str(value)
        if isinstance(value, int) and not isinstance(value, bool)
        else _line(value).strip()
    )


def _seconds(value: object) -> float:
    if (
        # True and False are integers in Python, and no number of seconds.
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or math.isnan(value)
        or value < 0
    ):
        raise TypeError
    # Timeouts that do not fit the operating system's types raise OverflowError much later.
    return float(min(value, MAX_SECONDS))


def _port(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65535:
        raise TypeError
    return value


def _command(value: object) -> str | list[str]:
    if isinstance(value, str):
        return _text(value)
    # These can be iterated, too, but their items are numbers or keys, not words.
    if isinstance(value, bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        raise TypeError
    words = [_text(word) for word in value]
    if not words:
        raise ValueError
    return words


def _manifests(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes | bytearray):
        raise TypeError
    return value


def _input(value: object) -> object:
    if isinstance(value, str):
        value.encode()
    elif not isinstance(value, bytes):
        raise TypeError
    return value


def _method(value: object) -> str:
    if not isinstance(value, str) or not (value.isascii() and value.isalpha()):
        raise TypeError
    return value


def _storable(value: object) -> object:
    if isinstance(value, int | str | Mapping | list | tuple | set | frozenset):
        listed = list(value) if isinstance(value, set | frozenset) else value
        json.dumps(listed, default=str, ensure_ascii=False, skipkeys=True).encode()
    return value


TEXT = ArgumentKind(text("text"), _text)
LINE = ArgumentKind(text("one line of text"), _line)
PATH = ArgumentKind(text("the path of a file or a directory"), _path)
STEP = ArgumentKind(text("a step, such as W15"), _step)
SECONDS = ArgumentKind(text("a number of seconds"), _seconds)
PORT = ArgumentKind(text("a number from 0 to 65535"), _port)
COMMAND = ArgumentKind(text("a command line, or a list of its words"), _command)
MANIFESTS = ArgumentKind(text("a lesson, a file, YAML text or objects"), _manifests)
INPUT = ArgumentKind(text("text or bytes"), _input)
METHOD = ArgumentKind(text("GET, POST, PUT, PATCH or DELETE"), _method)
STORABLE = ArgumentKind(text("something that can be kept as text"), _storable)
