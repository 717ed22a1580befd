"""Quotes around a text, so that a shell reads it as one word."""

from __future__ import annotations


def quote(text: str) -> str:
    """A text in quotes, as ``${x@Q}`` and ``set -x`` write it."""
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        return "$'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t") + "'"
    return "'" + text.replace("'", "'\\''") + "'"


def traced(word: str) -> str:
    """A word as ``set -x`` shows it."""
    if word and all(char.isalnum() or char in "-_./:=,+@%" for char in word):
        return word
    return quote(word)
