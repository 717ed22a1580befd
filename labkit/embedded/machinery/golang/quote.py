r"""Text in double quotes as Go writes it (``%q``), which messages everywhere do.

Source: Go ``strconv.Quote``.
"""

from __future__ import annotations

from collections.abc import Iterable

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b",
           "\f": "\\f", "\v": "\\v"}  # fmt: skip


def go_quote(text: str) -> str:
    r"""A string in quotes: ``"``, ``\`` and what cannot be printed are escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def go_quote_list(texts: Iterable[str]) -> str:
    """A list of strings in brackets, each in quotes."""
    return "[" + " ".join(map(go_quote, texts)) + "]"


def _escaped(char: str) -> str:
    if char in ESCAPES:
        return ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
