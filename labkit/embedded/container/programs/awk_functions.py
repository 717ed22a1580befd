"""awk's built-in functions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.embedded.container.programs.awk_grammar import Node
from labkit.embedded.container.programs.awk_lexer import AwkError
from labkit.embedded.container.programs.awk_values import MAX_ELEMENTS, MAX_TEXT, Value, number
from labkit.embedded.container.shell.kernel import BudgetExceeded
from labkit.embedded.container.shell.printf import format_printf

if TYPE_CHECKING:
    from labkit.embedded.container.programs.awk_expressions import Expressions


async def call(awk: Expressions, name: str, args: list[Node]) -> Value:
    """Call a built-in function."""
    if name in ("sub", "gsub"):
        return await substitute(awk, name, args)
    if name == "split":
        return await split_into(awk, args)
    if name == "length" and args and args[0][0] == "variable" and args[0][1] in awk.arrays:
        return float(len(awk.arrays[args[0][1]]))
    if name == "match":
        regex = awk.regex(await awk.pattern(args[1])) if len(args) > 1 else awk.regex("")
        text = awk.text(await awk.value(args[0]))
        found = regex.find(awk.process.kernel.charge, text)
        awk.variables["RSTART"] = float(found.start + 1) if found else 0.0
        awk.variables["RLENGTH"] = float(found.end - found.start) if found else -1.0
        return awk.variables["RSTART"]
    values = [await awk.value(arg) for arg in args]
    texts = [awk.text(value) for value in values]
    first = number(values[0]) if values else 0.0
    match name:
        case "length":
            return float(len(texts[0] if texts else awk.text(awk.fields[0])))
        case "substr":
            return _substr(texts[0], number(values[1]), number(values[2]) if len(values) > 2 else None)
        case "index":
            return float(texts[0].find(texts[1]) + 1)
        case "tolower":
            return texts[0].lower()
        case "toupper":
            return texts[0].upper()
        case "sprintf":
            return format_printf(texts[0], texts[1:] or [""])[0]
        case "int":
            return float(int(first)) if math.isfinite(first) else first
        case "rand":
            return int.from_bytes(awk.process.system.random(4), "big") / (1 << 32)
        case "srand":
            return 0.0
        case "system":
            await awk.output.flush()
            process = awk.process
            return float(await process.spawn(["sh", "-c", texts[0]], dict(process.env), dict(process.fds), process.cwd))
    try:
        return {
            "sin": math.sin, "cos": math.cos, "exp": math.exp, "log": math.log, "sqrt": math.sqrt,
        }[name](first) if name != "atan2" else math.atan2(first, number(values[1]))  # fmt: skip
    except (ValueError, OverflowError, KeyError):
        return math.nan


async def split_into(awk: Expressions, args: list[Node]) -> Value:
    """``split(text, array, separator)``."""
    if len(args) < 2 or args[1][0] != "variable":
        raise AwkError("split: wrong arguments")
    text = awk.text(await awk.value(args[0]))
    separator = await awk.pattern(args[2]) if len(args) > 2 else awk.text(awk.variables["FS"])
    if len(args) > 2 and args[2][0] == "regex" and len(separator) == 1:
        separator = f"[{separator}]" if separator not in "^\\" else f"\\{separator}"
    pieces = awk.split(text, separator)
    array = awk.array(args[1][1])
    array.clear()
    for place, piece in enumerate(pieces[:MAX_ELEMENTS], 1):
        array[str(place)] = awk.from_input(piece)
    return float(len(pieces))


async def substitute(awk: Expressions, name: str, args: list[Node]) -> Value:
    """``sub`` and ``gsub``."""
    if len(args) < 2:
        raise AwkError(f"{name}: wrong arguments")
    regex = awk.regex(await awk.pattern(args[0]))
    replacement = awk.text(await awk.value(args[1]))
    target: Node = args[2] if len(args) > 2 else ("field", ("number", 0.0))
    text = awk.text(await awk.value(target))
    out: list[str] = []
    done = start = count = size = 0
    while start <= len(text):
        await awk.process.kernel.tick(0.1)
        match = regex.find(awk.process.kernel.charge, text, start)
        if match is None:
            break
        count += 1
        found = match.group(0)
        piece = text[done : match.start] + re.sub(
            r"\\\\|\\&|&",
            _replacing(found),
            replacement,
        )
        size += len(piece)
        if size > MAX_TEXT:
            raise BudgetExceeded("the lab's limit of memory for one command was reached")
        out.append(piece)
        done = match.end
        if name == "sub":
            break
        start = match.end if match.end > match.start else match.end + 1
    if count and target[0] in ("variable", "field", "index"):
        await awk.assign(target, "".join(out) + text[done:])
    return float(count)


def _replacing(found: str) -> Callable[[re.Match[str]], str]:
    """What ``&`` and its escapes in a replacement stand for."""

    def one(match: re.Match[str]) -> str:
        return {"\\\\": "\\", "\\&": "&"}.get(match[0], found)

    return one


def _substr(text: str, start: float, length: float | None) -> str:
    if not math.isfinite(start):
        return ""
    first = round(start)
    last = len(text) + 1 if length is None or not math.isfinite(length) else first + round(length)
    return text[max(first, 1) - 1 : max(last, 1) - 1]
