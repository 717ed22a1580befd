"""The output of ``echo`` and ``printf``."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.quoting import unescape

_SPEC = re.compile(r"%([-+ #0]*)(\d{0,5})((?:\.\d{0,5})?)[hlLjzt]*([a-zA-Z%(*])?")
MAX_WIDTH = 10_000


def echo_text(args: list[str], *, escapes: bool = False) -> str:
    """The output of ``echo``; with ``escapes`` backslashes are interpreted without ``-e`` (dash)."""
    newline = True
    index = 0
    while index < len(args) and re.fullmatch(r"-[neE]+" if not escapes else r"-n", args[index]):
        for letter in args[index][1:]:
            newline = newline and letter != "n"
            escapes = {"e": True, "E": False}.get(letter, escapes)
        index += 1
    text = " ".join(args[index:])
    ended = False
    if escapes:
        text, ended = unescape(text, "echo")
    return text + ("\n" if newline and not ended else "")


def format_printf(layout: str, args: list[str]) -> tuple[str, list[str]]:
    """Format as ``printf`` does, repeating the format while arguments remain; return the text and the errors."""
    out: list[str] = []
    problems: list[str] = []
    left = list(args)
    size = 0
    while True:
        before = len(left)
        text, ended = _once(layout, left, problems)
        out.append(text)
        size += len(text)
        if ended or not left or len(left) == before or size > 1 << 20:
            return "".join(out), problems


def _once(layout: str, left: list[str], problems: list[str]) -> tuple[str, bool]:
    r"""Apply the format once; return the text, and whether ``\c`` or an error ends the output."""
    out = ""
    index = 0
    for match in _SPEC.finditer(layout):
        out += unescape(layout[index : match.start()])[0]
        index = match.end()
        flags, width, precision, kind = match.groups()
        if kind == "%":
            out += "%"
            continue
        if kind not in tuple("bscdiouxX"):
            problems.append(_bad_format(match, layout[index : index + 1]))
            return out, True
        value = left.pop(0) if left else ""
        # Python's formats are C's, but for the bytes of %c and the words for octal and hexadecimal.
        spec = f"%{flags}{min(int(width or 0), MAX_WIDTH) or ''}{precision}"
        if kind in "bsc":
            text, ended = (
                unescape(value, "%b")
                if kind == "b"
                else (value[:1] if kind == "c" else value, False)
            )
            out += f"{spec}s" % text
            if ended:
                return out, True
        else:
            number = _integer(value, problems)
            out += f"{spec}{kind}" % (number if kind in "di" else number & (1 << 64) - 1)
    return out + unescape(layout[index:])[0], False


def _bad_format(match: re.Match[str], following: str) -> str:
    kind = match[4]
    if kind in tuple("q(*aAeEfFgG"):
        return f"%{kind}: not simulated in this lab's pods"
    if kind or following:
        return f"`{kind or following}': invalid format character"
    return f"`{match[0]}': missing format character"


def _integer(value: str, problems: list[str]) -> int:
    if value[:1] in ("'", '"'):
        return ord(value[1]) if len(value) > 1 else 0
    match = re.match(r"\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)", value)
    if value and (match is None or match.end() != len(value)):
        problems.append(f"{value}: invalid number")
    if match is None:
        return 0
    digits = match[2][:40]
    number = int(digits, 16 if digits[1:2] in ("x", "X") else 8 if digits[0] == "0" else 10)
    number = -number if match[1] == "-" else number
    if not -(1 << 63) <= number < 1 << 64:
        problems.append(f"warning: {value}: Numerical result out of range")
        return -(1 << 63) if number < 0 else (1 << 63) - 1
    return number
