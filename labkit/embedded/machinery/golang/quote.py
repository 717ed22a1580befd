r"""Go's ``%q``: strings in double quotes.

Source: Go ``strconv.Quote``.
"""

from __future__ import annotations

from collections.abc import Iterable

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b",
           "\f": "\\f", "\v": "\\v"}  # fmt: skip


def go_quote(text: str) -> str:
    r"""Quote a string, escaping ``"``, ``\`` and what cannot be printed."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def go_quote_list(texts: Iterable[str]) -> str:
    """Quote each string of a list, in brackets."""
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
