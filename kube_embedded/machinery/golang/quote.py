r"""Go's ``%q``: strings in double quotes; and its ``%#v``.

Source: Go ``strconv.Quote``.
"""

from collections.abc import Iterable
from typing import Any

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b",
           "\f": "\\f", "\v": "\\v"}  # fmt: skip


def go_quote(text: str) -> str:
    r"""Quote a string, escaping ``"``, ``\`` and what cannot be printed."""
    # Nearly all texts are plain; messages quote many of them.
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


def go_syntax(value: Any, keys: str = "string") -> str:
    """A decoded value as Go's ``%#v`` prints it; ``keys`` is the type of a map's keys."""
    if isinstance(value, dict):
        inner = ", ".join(
            f"{go_quote(name)}:{go_syntax(value[name], keys)}" for name in sorted(value)
        )
        return f"map[{keys}]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(go_syntax(item, keys) for item in value) + "}"
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, str):
        return go_quote(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
