"""``$name`` and ``${name…}``, and the parameters that the shell sets itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from labkit.embedded.container.shell.errors import ExpansionError
from labkit.embedded.container.shell.patterns import Pattern
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.syntax import Parameter, Word

FLAGS = {"e": "errexit", "u": "nounset", "x": "xtrace"}
"""The options of ``set`` by their letters."""

OPTIONS = frozenset({*FLAGS.values(), "pipefail"})
LETTERS = "abefhkmnptuvxBCEHPT"
"""The letters of all options of the real ``set``."""

_LEFT_OUT = frozenset({"-", "FUNCNAME"})
"""Parameters that the lab's shell leaves out."""

_BASH_VARIABLES: dict[str, Callable[[Shell], str]] = {
    "RANDOM": lambda shell: str(int.from_bytes(shell.system.random(2), "big") & 0x7FFF),
    "SECONDS": lambda shell: str(int(shell.task_loop.elapsed_seconds)),
    "BASH_VERSION": lambda shell: "5.2.37(1)-release",
    "UID": lambda shell: str(shell.system.fs.uid),
    "EUID": lambda shell: str(shell.system.fs.uid),
    "PPID": lambda shell: "0",
}
"""Variables that bash sets itself, until a script sets them."""


def special(shell: Shell, name: str) -> str | None:
    """The value of ``$?``, ``$#`` and their like, or None if the name is no such."""
    match name:
        case "?":
            return str(shell.status)
        case "#":
            return str(len(shell.positional))
        case "$":
            return str(shell.pid)
        case "!":
            return str(shell.last_background.pid) if shell.last_background is not None else ""
    if name in _LEFT_OUT:
        raise ExpansionError(f"${name}: not simulated in this lab's pods")
    if name == "LINENO":
        return str(shell.line)
    if (
        name not in _BASH_VARIABLES
        or shell.dialect != "bash"
        or shell.variables.text(name) is not None
    ):
        return None
    return _BASH_VARIABLES[name](shell)


Value = str | list[str] | Word


async def expand_parameter(shell: Shell, part: Parameter) -> Value:
    """The value of an expansion: a text, several for ``$@``, or the word that stands for an unset one.

    Raises:
        ExpansionError: It cannot be read, or is unset where that is an error.
    """
    if part.operator == "bad":
        raise ExpansionError(f"{part.name}: bad substitution")
    operator, name = part.operator, part.name
    value = parameter(shell, name)
    if operator == "length":
        return str(len(_checked(shell, name, value)))
    if operator.removeprefix(":") in ("-", "=", "?", "+"):
        return await _or_else(shell, part, name, value)
    value = _checked(shell, name, value)
    if not operator:
        return value
    items = value if isinstance(value, list) else [value]
    pattern = await shell.pattern(part.operand or Word(()))
    shell.task_loop.charge(sum(map(len, items)) / 1000)
    out = [_trim(item, pattern, operator) for item in items]
    return out if isinstance(value, list) else out[0]


def parameter(shell: Shell, name: str) -> str | list[str] | None:
    """The value of a variable or special parameter, None if it is unset."""
    if name in ("@", "*"):
        return list(shell.positional)
    own = special(shell, name)
    if own is not None:
        return own
    if name.isdigit():
        number = int(name) if len(name) < 6 else 100_000
        if number == 0:
            return shell.name
        return shell.positional[number - 1] if number <= len(shell.positional) else None
    return shell.variables.text(name)


def _checked(shell: Shell, name: str, value: str | list[str] | None) -> str | list[str]:
    """A value, or nothing if there is none, which is an ``ExpansionError`` under ``set -u``."""
    if value is not None:
        return value
    if "nounset" in shell.options:
        label = "$" + name if shell.dialect == "bash" and name.isdigit() else name
        text = "unbound variable" if shell.dialect == "bash" else "parameter not set"
        raise ExpansionError(f"{label}: {text}", fatal=True, status=_fatal_status(shell))
    return ""


def _fatal_status(shell: Shell) -> int:
    """The status with which an unset variable ends a script."""
    if shell.dialect != "bash":
        return 2
    return 1 if "errexit" in shell.options else 127


async def _or_else(
    shell: Shell, part: Parameter, name: str, value: str | list[str] | None
) -> Value:
    """``${x:-word}`` and its like: the operator decides what replaces a value that is unset, or empty."""
    operator, operand = part.operator, part.operand or Word(())
    missing = value is None or (isinstance(value, list) and not value)
    if operator.startswith(":"):
        missing = value in (None, "", [], [""])
    if operator[-1] == "+":
        return "" if missing else operand
    if not missing and value is not None:
        return value
    if operator[-1] == "-":
        return operand
    text = await shell.text(operand)
    if operator[-1] == "=":
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ExpansionError(f"${name}: cannot assign in this way")
        shell.assign(name, text)
        return text
    text = text or ("parameter null or not set" if operator == ":?" else "parameter not set")
    raise ExpansionError(f"{name}: {text}", fatal=True, status=_fatal_status(shell))


def _trim(text: str, pattern: Pattern, operator: str) -> str:
    longest = len(operator) == 2
    if operator[0] == "#":
        return text[pattern.prefix(text, longest=longest) :]
    return text[: len(text) - pattern.suffix(text, longest=longest)]
