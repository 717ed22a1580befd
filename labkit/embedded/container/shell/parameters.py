"""``$name`` and ``${name…}`` with all its operators, and the parameters that the shell sets itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from labkit.embedded.container.shell.errors import ExpansionError
from labkit.embedded.container.shell.patterns import Pattern
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.syntax import Parameter, Word

FLAGS = {
    "a": "allexport", "e": "errexit", "f": "noglob", "n": "noexec", "u": "nounset", "v": "verbose", "x": "xtrace",
    "C": "noclobber", "b": "notify", "h": "hashall", "m": "monitor", "B": "braceexpand",
}  # fmt: skip


LETTERS = "abefhikmnptuvxBCEHPT"
"""The order in which ``$-`` has them."""


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
        case "-":
            letters = {letter for letter, option in FLAGS.items() if option in shell.options}
            letters |= {"i"} if shell.interactive else set()
            letters |= {"H"} if shell.interactive and shell.dialect == "bash" else set()
            tail = "c" if shell.from_command else "s" if shell.from_stdin else ""
            return "".join(letter for letter in LETTERS if letter in letters) + tail
    if shell.variables.get(name) is not None or shell.dialect != "bash":
        return str(shell.line) if name == "LINENO" else None
    match name:
        case "RANDOM":
            return str(int.from_bytes(shell.system.random(2), "big") & 0x7FFF)
        case "SECONDS":
            return str(int(shell.scheduler.elapsed_seconds))
        case "LINENO":
            return str(shell.line)
        case "BASH_VERSION":
            return "5.2.37(1)-release"
        case "HOSTNAME":
            return shell.system.hostname
        case "EPOCHSECONDS":
            return str(int(shell.system.now()))
        case "UID" | "EUID":
            return str(shell.system.fs.uid)
        case "PPID":
            return "0"
        case "BASHPID":
            return str(shell.pid)
        case "OSTYPE":
            return "linux-gnu"
        case "HOSTTYPE":
            return "x86_64"
        case "MACHTYPE":
            return "x86_64-pc-linux-gnu"
        case "SHELL":
            return "/bin/bash"
        case "BASH":
            return "/usr/bin/bash"
        case "FUNCNAME":
            return shell.calls[-1] if shell.calls else None
    return None


Value = str | list[str] | Word


async def expand_parameter(shell: Shell, part: Parameter) -> Value:
    """The value of a parameter expansion.

    Args:
        shell: Whose variables.
        part: The expansion.

    Returns:
        A text; several for ``$@``; or the word that stands for an unset one.

    Raises:
        ExpansionError: It cannot be read, or is unset where that is an error.
    """
    if part.operator == "bad":
        raise ExpansionError(f"{part.name}: bad substitution")
    operator, operand, name = part.operator, part.operand or Word(()), part.name
    if part.indirect:
        target = parameter(shell, name)
        if not isinstance(target, str) or not target:
            raise ExpansionError("${!" + name + "}: bad substitution")
        if not re.fullmatch(r"[A-Za-z_]\w*|\d+|[@*#?$!-]", target):
            raise ExpansionError(f"{target}: invalid variable name")
        name = target
    value = parameter(shell, name)
    if operator == "length":
        return str(len(_checked(shell, name, value)))
    if operator.removeprefix(":") in ("-", "=", "?", "+"):
        return await _or_else(shell, part, name, value)
    value = _checked(shell, name, value)
    if not operator:
        return value
    if operator == ":":
        return await _slice(shell, part, name, value)
    items = value if isinstance(value, list) else [value]
    if operator[0] in "#%":
        out = await _trimmed(shell, operator, await shell.pattern(operand), items)
    elif operator[0] in "^,":
        out = await _change_case(shell, operator, operand, items)
    else:
        out = await _replace(shell, part, operand, items)
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
    """A value, empty if there is none.

    Raises:
        ExpansionError: There is none, and ``set -u`` is on.
    """
    if value is not None:
        return value
    if "nounset" in shell.options:
        shown = "$" + name if shell.dialect == "bash" and name.isdigit() else name
        text = "unbound variable" if shell.dialect == "bash" else "parameter not set"
        raise ExpansionError(f"{shown}: {text}", fatal=True, status=_fatal_status(shell))
    return ""


def _fatal_status(shell: Shell) -> int:
    """The status with which an unset variable ends a script."""
    return 127 if shell.dialect == "bash" else 2


async def _or_else(shell: Shell, part: Parameter, name: str, value: str | list[str] | None) -> Value:
    """``${x:-word}`` and its like: the operator says what to do about a value that is unset, or empty."""
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


async def _slice(shell: Shell, part: Parameter, name: str, value: str | list[str]) -> str | list[str]:
    start = await _number(shell, name, part.operand)
    if isinstance(value, list):
        value = [shell.name, *value] if start == 0 else value
        start = start - 1 if start > 0 else start
    if start < 0:
        start += len(value)
        if start < 0:
            return [] if isinstance(value, list) else ""
    if part.second is None:
        return value[start:]
    length = await _number(shell, name, part.second)
    if length < 0:
        end = len(value) + length
        if end < start or isinstance(value, list):
            raise ExpansionError(f"{part.second.source.strip()}: substring expression < 0")
        return value[start:end]
    return value[start : start + length]


async def _number(shell: Shell, name: str, expression: Word | None) -> int:
    try:
        return await shell.arithmetic(expression or Word(()))
    except ExpansionError as error:
        raise ExpansionError(f"{name}: {error.message}") from None


async def _trimmed(shell: Shell, operator: str, pattern: Pattern, items: list[str]) -> list[str]:
    for item in items:
        shell.scheduler.charge(len(item) / 1000)
    return [_trim(item, pattern, operator) for item in items]


async def _change_case(shell: Shell, operator: str, operand: Word, items: list[str]) -> list[str]:
    pattern = await shell.pattern(operand) if operand.source else None

    def change(char: str) -> str:
        if pattern is not None and not pattern.matches(char):
            return char
        return char.upper() if operator[0] == "^" else char.lower()

    if len(operator) == 2:
        return ["".join(change(char) for char in item) for item in items]
    return [change(item[0]) + item[1:] if item else "" for item in items]


def _trim(text: str, pattern: Pattern, operator: str) -> str:
    which = -1 if len(operator) == 2 else 0
    if operator[0] == "#":
        lengths = pattern.prefix_lengths(text)
        return text[lengths[which] :] if lengths else text
    lengths = pattern.reversed().prefix_lengths(text[::-1])
    return text[: len(text) - lengths[which]] if lengths else text


async def _replace(shell: Shell, part: Parameter, operand: Word, items: list[str]) -> list[str]:
    """``${x/pattern/replacement}``; an unquoted ``&`` in the replacement is the match."""
    pattern = await shell.pattern(operand)
    segments = await shell.segments(part.second or Word(()))

    def replacement(found: str) -> str:
        return "".join(text if quoted else text.replace("&", found) for text, quoted in segments)

    return [await _replaced(shell, part.operator, pattern, replacement, item) for item in items]


async def _replaced(shell: Shell, operator: str, pattern: Pattern, replacement: Callable[[str], str], text: str) -> str:
    if operator == "/#":
        lengths = pattern.prefix_lengths(text)
        return replacement(text[: lengths[-1]]) + text[lengths[-1] :] if lengths else text
    if operator == "/%":
        lengths = pattern.reversed().prefix_lengths(text[::-1])
        cut = len(text) - lengths[-1] if lengths else len(text)
        return text[:cut] + replacement(text[cut:]) if lengths else text
    out: list[str] = []
    index, paid = 0, pattern.examined
    while index < len(text):
        await shell.scheduler.tick(0.2 + (len(text) - index) / 5000 + (pattern.examined - paid) / 15)
        paid = pattern.examined
        lengths = pattern.prefix_lengths(text[index:])
        longest = lengths[-1] if lengths else 0
        if not longest:
            out.append(text[index])
            index += 1
            continue
        out.append(replacement(text[index : index + longest]))
        index += longest
        if operator == "/":
            break
    return "".join(out) + text[index:]
