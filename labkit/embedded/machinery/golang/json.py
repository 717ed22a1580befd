"""Decodes JSON with Go's error messages, and records duplicate fields.

Source: Go's ``encoding/json`` scanner; sigs.k8s.io/json, which reports duplicates.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from labkit.embedded.machinery.golang.quote import ESCAPES
from labkit.embedded.machinery.work import charge

HTML_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)
TO_ESCAPE = re.compile(b"|".join(char for char, _ in HTML_ESCAPES))
SURROGATE = re.compile("[\ud800-\udfff]")


class SyntaxProblem(ValueError):
    """The text is not JSON; the message is Go's."""


class Pairs(dict[str, Any]):
    """A JSON object that records its duplicate fields."""

    __slots__ = ("duplicates",)

    duplicates: tuple[str, ...]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    seen: set[str] = set()
    twice: list[str] = []
    for name, _ in pairs:
        if name in seen:
            twice.append(name)
        seen.add(name)
    noted = Pairs(plain)
    noted.duplicates = tuple(twice)
    return noted


def _constant(name: str) -> Any:
    raise ValueError(name)


def _int(digits: str) -> Any:
    return int(digits) if len(digits) < 400 else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_int)


def loads(data: bytes | str) -> Any:
    """Decode JSON as Go does: bad UTF-8 becomes U+FFFD, and objects with repeated fields become ``Pairs``.

    Raises:
        SyntaxProblem: It is not JSON.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    if len(text) > 4096:
        charge((text.count(",") + text.count("[") + text.count("{")) / 2)
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise SyntaxProblem("exceeded max depth") from error
    except ValueError as error:
        # Go looks at bytes, also at those that are no UTF-8.
        exact = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else text
        raise SyntaxProblem(explain(exact)) from error
    if "\\u" in text and ("\\ud" in text or "\\uD" in text):
        value = _without_surrogates(value)
    return value


def escape(data: bytes) -> bytes:
    """Escape ``<``, ``>``, ``&`` and two line separators in JSON, as Go does to make it safe inside HTML.

    They occur only in strings, so replacing bytes is enough.
    """
    if TO_ESCAPE.search(data) is not None:
        for char, escaped in HTML_ESCAPES:
            data = data.replace(char, escaped)
    return data


def marshal(value: Any) -> str:
    """Encode a value as Go does; fields stay in their order."""
    return escape(orjson.dumps(value)).decode()


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        charge(2 * len(value))
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        charge(2 * len(value))
        pairs = {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
        if isinstance(value, Pairs):
            noted = Pairs(pairs)
            noted.duplicates = value.duplicates
            return noted
        return pairs
    return value


def quote_char(char: str) -> str:
    """A character as Go's scanner shows it."""
    if char == "'":
        return "'\\''"
    if char == '"':
        return "'\"'"
    # Go's scanner looks at bytes.
    bad = "\udc80" <= char <= "\udcff"
    byte = char.encode("utf-8", "surrogateescape" if bad else "replace")[:1].decode("latin-1")
    if byte.isprintable() and byte != "\\":
        return f"'{byte}'"
    if byte in ESCAPES:
        return f"'{ESCAPES[byte]}'"
    return f"'\\x{ord(byte):02x}'" if ord(byte) < 0x80 else f"'\\u{ord(byte):04x}'"


class _Scanner:
    """A second, slow parser of invalid JSON that finds Go's message."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, context: str) -> SyntaxProblem:
        if self.at >= len(self.text):
            return SyntaxProblem("unexpected end of JSON input")
        return SyntaxProblem(f"invalid character {quote_char(self.text[self.at])} {context}")

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def document(self) -> None:
        self.value(0)
        self.space()
        if self.at < len(self.text):
            raise self.fail("after top-level value")

    def value(self, depth: int) -> None:
        if depth > 200:
            raise SyntaxProblem("exceeded max depth")
        self.space()
        char = self.peek()
        if char == "{":
            self.items("}", depth)
        elif char == "[":
            self.items("]", depth)
        elif char == '"':
            self.string()
        elif char and char in "-0123456789":
            self.number()
        elif char and char in "tfn":
            self.word({"t": "true", "f": "false", "n": "null"}[char])
        else:
            raise self.fail("looking for beginning of value")

    def items(self, end: str, depth: int) -> None:
        """Read an object or an array to its closing bracket."""
        self.at += 1
        self.space()
        if self.peek() == end:
            self.at += 1
            return
        while True:
            if end == "}":
                self.key()
            self.value(depth + 1)
            self.space()
            if self.peek() == end:
                self.at += 1
                return
            if self.peek() != ",":
                raise self.fail("after object key:value pair" if end == "}" else "after array element")
            self.at += 1

    def key(self) -> None:
        self.space()
        if self.peek() != '"':
            raise self.fail("looking for beginning of object key string")
        self.string()
        self.space()
        if self.peek() != ":":
            raise self.fail("after object key")
        self.at += 1

    def string(self) -> None:
        self.at += 1
        while True:
            char = self.peek()
            if not char:
                raise self.fail("")
            if char == '"':
                self.at += 1
                return
            if char < " ":
                raise self.fail("in string literal")
            self.at += 1
            if char == "\\":
                if self.peek() == "u":
                    for _ in range(4):
                        self.at += 1
                        if self.peek() not in "0123456789abcdefABCDEF" or not self.peek():
                            raise self.fail("in \\u hexadecimal character escape")
                elif not self.peek() or self.peek() not in '"\\/bfnrt':
                    raise self.fail("in string escape code")
                self.at += 1

    def number(self) -> None:
        if self.peek() == "-":
            self.at += 1
        if self.peek() == "0":
            self.at += 1
        elif self.peek().isdigit():
            self._digits()
        else:
            raise self.fail("in numeric literal")
        if self.peek() == ".":
            self.at += 1
            if not self.peek().isdigit():
                raise self.fail("after decimal point in numeric literal")
            self._digits()
        if self.peek() and self.peek() in "eE":
            self.at += 1
            if self.peek() and self.peek() in "+-":
                self.at += 1
            if not self.peek().isdigit():
                raise self.fail("in exponent of numeric literal")
            self._digits()

    def _digits(self) -> None:
        while self.peek().isdigit():
            self.at += 1

    def word(self, word: str) -> None:
        for place, char in enumerate(word):
            if self.peek() != char:
                raise self.fail(f"in literal {word} (expecting '{word[place]}')")
            self.at += 1


def explain(text: str) -> str:
    """Go's message for a text that is not JSON."""
    charge(2 * len(text))
    try:
        _Scanner(text).document()
    except SyntaxProblem as problem:
        return str(problem)
    return "unexpected end of JSON input"
