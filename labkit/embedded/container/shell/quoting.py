"""Quoting words for a shell, and backslash escapes."""

from __future__ import annotations

import re
from typing import Literal

ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v", "\\": "\\",
}  # fmt: skip
"""The meanings of letters after a backslash, in ``printf``, ``echo -e`` and ``$'…'``."""

_ESCAPE = re.compile(
    r"\\(0[0-7]{1,3}|[0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|c.?|.)",
    re.DOTALL,
)


def unescape(
    text: str, rules: Literal["printf", "echo", "%b", "ansi-c"] = "printf"
) -> tuple[str, bool]:
    r"""Replace backslash escapes, and return whether ``\c`` ended the text.

    The rules are those of ``printf``; of ``echo -e``: octal as ``\0ooo``, and ``\c`` ends the output; of ``%b``:
    octal either way; or of ``$'…'``: ``\cx`` is a control character.
    """
    out: list[str] = []
    done = 0
    for match in _ESCAPE.finditer(text):
        out.append(text[done : match.start()])
        done = match.end()
        escape = match[1]
        if escape in ESCAPES:
            out.append(ESCAPES[escape])
        elif escape[0] == "c" and rules in ("echo", "%b"):
            return "".join(out), True
        elif escape[0] == "c" and rules == "ansi-c" and len(escape) > 1:
            out.append(chr(ord(escape[1]) & 0x1F))
        elif escape[0] in "01234567" and (rules != "echo" or escape[0] == "0"):
            digits = escape if rules in ("echo", "%b") else escape[:3]
            done = match.start() + 1 + len(digits)
            out.append(_byte(int(digits, 8)))
        elif escape[0] in "xuU" and len(escape) > 1:
            value = int(escape[1:], 16)
            known = value < 0xD800 or 0xE000 <= value < 0x110000
            out.append(_byte(value) if escape[0] == "x" else chr(value) if known else "")
        elif escape in "\"'?" and rules in ("printf", "ansi-c"):
            out.append(escape)
        else:
            out.append(match[0])
    return "".join(out) + text[done:], False


def _byte(value: int) -> str:
    """One byte as :func:`~.streams.decode` would give it."""
    return bytes([value & 0xFF]).decode("utf-8", "surrogateescape")


def quote(text: str) -> str:
    """A text in single quotes, as ``printf %q`` and ``set -x`` write it."""
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        return (
            "$'"
            + text.replace("\\", "\\\\")
            .replace("'", "\\'")
            .replace("\n", "\\n")
            .replace("\t", "\\t")
            + "'"
        )
    return "'" + text.replace("'", "'\\''") + "'"


def traced(word: str) -> str:
    """A word as ``set -x`` shows it."""
    if word and all(char.isalnum() or char in "-_./:=,+@%" for char in word):
        return word
    return quote(word)
