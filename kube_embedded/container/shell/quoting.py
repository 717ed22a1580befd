"""Quoting words for a shell, and backslash escapes."""

import re
from typing import Literal

ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v", "\\": "\\",
}  # fmt: skip
"""The meanings of letters after a backslash, in ``printf``, ``echo -e`` and ``$'…'``."""

_ESCAPE = re.compile(
    r"\\(?:(?P<octal>0[0-7]{1,3}|[0-7]{1,3})|x(?P<byte>[0-9a-fA-F]{1,2})"
    r"|(?:u(?P<short>[0-9a-fA-F]{1,4})|U(?P<long>[0-9a-fA-F]{1,8}))|(?P<other>.))",
    re.DOTALL,
)


def unescape(
    text: str, rules: Literal["printf", "echo", "%b", "ansi-c"] = "printf"
) -> tuple[str, bool]:
    r"""Replace backslash escapes, and return whether ``\c`` ended the text.

    The rules are ``printf``'s, which ``$'…'`` has too; ``echo -e``'s: octal as ``\0ooo``, and ``\c`` ends the output;
    ``%b``'s: octal either way, and ``\c`` ends the output.
    """
    ends = rules in ("echo", "%b")
    if ends:
        # An escaped backslash is stepped over: `\\c` does not end the text.
        match = re.match(r"(?:[^\\]|\\[^c])*?\\c", text, re.DOTALL)
        if match is not None:
            return unescape(match[0][:-2], rules)[0], True

    def character(match: re.Match[str]) -> str:
        octal = match["octal"]
        code = match["short"] or match["long"]
        if octal and (rules != "echo" or octal[0] == "0"):
            # printf reads three digits, the zero among them; the others a zero and three.
            rest = "" if ends else octal[3:]
            return _byte(int(octal if ends else octal[:3], 8)) + rest
        if match["byte"]:
            return _byte(int(match["byte"], 16))
        if code:
            value = int(code, 16)
            return chr(value) if value < 0xD800 or 0xE000 <= value < 0x110000 else ""
        if match["other"] in ("'", '"', "?") and not ends:
            return match["other"]
        return ESCAPES.get(match["other"] or "", match[0])

    return _ESCAPE.sub(character, text), False


def _byte(value: int) -> str:
    """Return one byte as :func:`~.streams.decode` would give it."""
    return bytes([value & 0xFF]).decode("utf-8", "surrogateescape")


def quote(text: str) -> str:
    """Return a text in single quotes, as GNU programs write names that a shell would split."""
    if re.search(r"[\x00-\x1f\x7f]", text):
        for char, escape in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\t", "\\t")):
            text = text.replace(char, escape)
        return f"$'{text}'"
    return "'" + text.replace("'", "'\\''") + "'"
