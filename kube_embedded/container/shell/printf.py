"""The output of ``echo`` and ``printf``."""

import re

from .quoting import unescape

_SPEC = re.compile(r"%([-+ #0]*)(\d{0,5})((?:\.\d{0,5})?)[hlLjzt]*([a-zA-Z%(*])?")
# `printf %999999999d` would be a gigabyte of blanks.
MAX_WIDTH = 10_000
MAX_OUTPUT = 1 << 20


def echo_text(arguments: list[str], *, escapes: bool = False) -> str:
    """Return the output of ``echo``; with ``escapes`` backslashes are interpreted without ``-e`` (dash)."""
    flags = ""
    options = "-n" if escapes else "-[neE]+"
    while arguments and re.fullmatch(options, arguments[0]):
        flags += arguments[0][1:]
        arguments = arguments[1:]
    text = " ".join(arguments)
    # The last of -e and -E counts.
    if escapes or flags.rfind("e") > flags.rfind("E"):
        text, ended = unescape(text, "echo")
        if ended:
            return text
    return text if "n" in flags else text + "\n"


def format_printf(layout: str, arguments: list[str]) -> tuple[str, list[str]]:
    """Format as ``printf`` does, repeating the format while arguments remain; return the text and the errors."""
    problems: list[str] = []
    left = list(arguments)
    text = ""
    while True:
        before = len(left)
        piece, ended = _format_once(layout, left, problems)
        text += piece
        if ended or not left or len(left) == before or len(text) > MAX_OUTPUT:
            return text, problems


def _format_once(layout: str, left: list[str], problems: list[str]) -> tuple[str, bool]:
    r"""Apply the format once; return the text, and whether ``\c`` or an error ends the output."""
    text = ""
    index = 0
    for match in _SPEC.finditer(layout):
        text += unescape(layout[index : match.start()])[0]
        index = match.end()
        flags, width, precision, kind = match.groups()
        if kind == "%":
            text += "%"
            continue
        if kind not in tuple("bscdiouxX"):
            problems.append(_bad_format(match, layout[index : index + 1]))
            return text, True
        value = left.pop(0) if left else ""
        # Python's formats are C's, but for the bytes of %c and the words for octal and hexadecimal.
        spec = f"%{flags}{min(int(width or 0), MAX_WIDTH) or ''}{precision}"
        if kind not in "bsc":
            number = _integer(value, problems)
            # As in C, %u and %x show a negative number as its two's complement.
            text += f"{spec}{kind}" % (number if kind in "di" else number & (1 << 64) - 1)
            continue
        ended = False
        if kind == "b":
            value, ended = unescape(value, "%b")
        text += f"{spec}s" % (value[:1] if kind == "c" else value)
        if ended:
            return text, True
    return text + unescape(layout[index:])[0], False


def _bad_format(match: re.Match[str], following: str) -> str:
    kind = match[4]
    if kind in tuple("q(*aAeEfFgG"):
        return f"%{kind}: not simulated in this lab's pods"
    if kind or following:
        return f"`{kind or following}': invalid format character"
    return f"`{match[0]}': missing format character"


def _integer(value: str, problems: list[str]) -> int:
    """Parse a number as C's ``strtol`` does; behind an apostrophe it is a character's code."""
    if value[:1] in ("'", '"'):
        return ord(value[1:2] or "\0")
    match = re.match(
        r"\s*([-+]?)(?:0[xX]([0-9a-fA-F]{1,16})|(0[0-7]{0,21})|([1-9]\d{0,17}))", value
    )
    if value and (match is None or match.end() != len(value)):
        problems.append(f"{value}: invalid number")
    if match is None:
        return 0
    base = (16, 8, 10)[(match.lastindex or 2) - 2]
    number = int(match[match.lastindex or 0], base)
    return -number if match[1] == "-" else number
