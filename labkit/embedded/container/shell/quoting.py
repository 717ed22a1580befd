"""Quotes around a text, so that a shell reads it as one word; and what a backslash stands for."""

from __future__ import annotations

import re

ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
    "\\": "\\",
}
"""What letters mean after a backslash, in ``printf``, ``echo -e`` and ``$'…'``."""


def quote(text: str) -> str:
    """A text in single quotes, as ``printf %q`` and ``set -x`` write it."""
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        return "$'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t") + "'"
    return "'" + text.replace("'", "'\\''") + "'"


def traced(word: str) -> str:
    """A word as ``set -x`` shows it."""
    if word and all(char.isalnum() or char in "-_./:=,+@%" for char in word):
        return word
    return quote(word)


def double_quote(text: str) -> str:
    """A text in double quotes, as ``declare -p`` writes it."""
    return '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"'
