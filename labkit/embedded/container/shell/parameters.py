"""``${…}`` with all its operators."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.embedded.container.shell.assigning import assign
from labkit.embedded.container.shell.patterns import Pattern
from labkit.embedded.container.shell.problems import ExpansionError
from labkit.embedded.container.shell.quoting import quote
from labkit.embedded.container.shell.special import special
from labkit.embedded.container.shell.splitting import split_at
from labkit.embedded.container.shell.syntax import Parameter, Word
from labkit.embedded.container.shell.words import BadSubstitution, braced, parse_quoted, parse_word

if TYPE_CHECKING:
    from labkit.embedded.container.shell.expand import Expander

Value = str | list[str] | Word


async def expand_parameter(expander: Expander, part: Parameter) -> Value:
    """The value of a parameter expansion.

    Args:
        expander: Whose shell.
        part: The expansion.

    Returns:
        A text; several for ``$@`` and arrays; or the word that stands for an unset one.

    Raises:
        BadSubstitution: It cannot be read.
        ExpansionError: It is unset where that is an error.
    """
    shell = expander.shell
    if part.operator == "bad":
        raise BadSubstitution(part.operand)
    if part.operator == "names":
        return [name for name in shell.variables.names() if name.startswith(part.name)]
    if part.indirect:
        found = shell.variables.get(part.name)
        if part.index in ("@", "*"):
            return [str(key) for key in found.array] if found is not None and found.array is not None else []
        target = await _value(expander, part.name, part.index)
        if not isinstance(target, str) or not target:
            raise BadSubstitution("${!" + part.name + "}")
        try:
            inner = braced("${" + target + "}", quoted=part.quoted)
        except BadSubstitution:
            raise ExpansionError(f"{target}: invalid variable name") from None
        part = Parameter(inner.name, part.quoted, part.operator, part.operand, inner.index)
    value = await _value(expander, part.name, part.index)
    operator, operand = part.operator, part.operand
    several = part.name in ("@", "*") or part.index in ("@", "*")
    if operator == "length":
        if value is None:
            return "0"
        return str(len(value))
    if operator in (":-", "-", ":=", "=", ":?", "?", ":+", "+"):
        missing = value is None or (not value and operator.startswith(":")) or (several and not value)
        if operator.startswith(":") and isinstance(value, list) and value == [""]:
            missing = True
        kind = operator[-1]
        if kind == "+":
            return "" if missing else (parse_quoted(operand) if part.quoted else parse_word(operand))
        if not missing and value is not None:
            return value
        if kind == "-":
            return parse_quoted(operand) if part.quoted else parse_word(operand)
        if kind == "=":
            if not re.fullmatch(r"[A-Za-z_]\w*", part.name):
                raise ExpansionError(f"${part.name}: cannot assign in this way")
            text = await expander.operand(operand, quoted=part.quoted)
            await assign(shell, part.name, text, part.index)
            return text
        message = await expander.operand(operand, quoted=part.quoted)
        message = message or ("parameter null or not set" if operator == ":?" else "parameter not set")
        raise ExpansionError(f"{part.name}: {message}", fatal=True, status=shell.fatal_status())
    if value is None:
        if "nounset" in shell.options and not several:
            name = part.name if shell.dialect != "bash" or not part.name.isdigit() else "$" + part.name
            text = "unbound variable" if shell.dialect == "bash" else "parameter not set"
            raise ExpansionError(f"{name}: {text}", fatal=True, status=shell.fatal_status())
        value = [] if several else ""
    if not operator:
        return value
    if operator == ":":
        return await _slice(expander, part, value)
    if operator == "@":
        return _quote_like(value, operand)
    items = value if isinstance(value, list) else [value]
    out = await _transform(expander, operator, operand, items)
    return out if isinstance(value, list) else out[0]


async def _value(expander: Expander, name: str, index: str) -> str | list[str] | None:
    shell = expander.shell
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
    found = shell.variables.get(name)
    if not index:
        return found.scalar() if found is not None else None
    if index in ("@", "*"):
        if found is None:
            return []
        if found.array is None:
            return [found.value] if found.value is not None else []
        return [found.array[key] for key in found.array]
    if found is None:
        return None
    if found.associative and found.array is not None:
        return found.array.get(await expander.operand(index, quoted=True))
    number = await expander.arithmetic(index)
    if found.array is None:
        return found.value if number in (0, -1) else None
    keys = [key for key in found.array if isinstance(key, int)]
    if number < 0 and keys:
        number += max(keys) + 1
    return found.array.get(number)


async def _slice(expander: Expander, part: Parameter, value: str | list[str]) -> str | list[str]:
    offset_text, _, length_text = part.operand.partition(":")
    if ":" in part.operand and "?" in offset_text:
        offset_text, length_text = part.operand, ""
    start = await expander.arithmetic(offset_text)
    if isinstance(value, list) and part.name in ("@", "*"):
        value = [expander.shell.name, *value] if start == 0 else value
        start = start - 1 if start > 0 else start
    if start < 0:
        start += len(value)
        if start < 0:
            return [] if isinstance(value, list) else ""
    if ":" not in part.operand:
        return value[start:]
    length = await expander.arithmetic(length_text)
    if length < 0:
        end = len(value) + length
        if end < start or isinstance(value, list):
            raise ExpansionError(f"{length_text.strip()}: substring expression < 0")
        return value[start:end]
    return value[start : start + length]


def _quote_like(value: str | list[str], operand: str) -> str | list[str]:
    change: Callable[[str], str] | None = {
        "Q": quote,
        "U": str.upper,
        "L": str.lower,
        "u": lambda text: text[:1].upper() + text[1:],
        "E": lambda text: text,
    }.get(operand)
    if change is None:
        raise BadSubstitution("${@" + operand + "}")
    if isinstance(value, list):
        return [change(item) for item in value]
    return change(value)


async def _transform(expander: Expander, operator: str, operand: str, items: list[str]) -> list[str]:
    if operator in ("#", "##", "%", "%%"):
        pattern = await expander.operand_pattern(operand)
        out: list[str] = []
        for item in items:
            expander.shell.kernel.charge(len(item) / 1000)
            out.append(_trim(item, pattern, operator))
        return out
    if operator in ("^", "^^", ",", ",,"):
        pattern = await expander.operand_pattern(operand or "?")
        upper = operator[0] == "^"

        def change(char: str) -> str:
            return (char.upper() if upper else char.lower()) if pattern.matches(char) else char

        if len(operator) == 2:
            return ["".join(change(char) for char in item) for item in items]
        return [change(item[0]) + item[1:] if item else "" for item in items]
    return await _replace(expander, operator, operand, items)


def _trim(text: str, pattern: Pattern, operator: str) -> str:
    if operator[0] == "#":
        lengths = pattern.prefix_lengths(text)
        if not lengths:
            return text
        return text[lengths[-1 if len(operator) == 2 else 0] :]
    lengths = pattern.reversed().prefix_lengths(text[::-1])
    if not lengths:
        return text
    return text[: len(text) - lengths[-1 if len(operator) == 2 else 0]]


class _Replacement:
    """The text that takes the place of a match; an unquoted ``&`` in it is the match."""

    def __init__(self, segments: list[tuple[str, bool]]) -> None:
        self._segments = segments

    def of(self, found: str) -> str:
        """The replacement of a match."""
        return "".join(text if quoted else text.replace("&", found) for text, quoted in self._segments)


async def _replace(expander: Expander, operator: str, operand: str, items: list[str]) -> list[str]:
    pieces = split_at(operand, "/")
    pattern = await expander.operand_pattern(pieces[0])
    replacement = _Replacement(await expander.segments(parse_word("/".join(pieces[1:]))))
    out: list[str] = []
    for item in items:
        if operator == "/#":
            lengths = pattern.prefix_lengths(item)
            out.append(replacement.of(item[: lengths[-1]]) + item[lengths[-1] :] if lengths else item)
            continue
        if operator == "/%":
            lengths = pattern.reversed().prefix_lengths(item[::-1])
            cut = len(item) - lengths[-1] if lengths else len(item)
            out.append(item[:cut] + replacement.of(item[cut:]) if lengths else item)
            continue
        result: list[str] = []
        index = 0
        replaced = False
        paid = pattern.examined
        while index < len(item):
            await expander.shell.kernel.tick(0.2 + (len(item) - index) / 5000 + (pattern.examined - paid) / 15)
            paid = pattern.examined
            lengths = pattern.prefix_lengths(item[index:]) if not replaced or operator == "//" else []
            longest = lengths[-1] if lengths else 0
            if longest:
                result.append(replacement.of(item[index : index + longest]))
                index += longest
                replaced = True
            else:
                result.append(item[index])
                index += 1
        out.append("".join(result))
    return out
