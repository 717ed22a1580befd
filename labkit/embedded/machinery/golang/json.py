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
    for char, escaped in HTML_ESCAPES:
        if char in data:
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
        pairs = {
            _without_surrogates(name): _without_surrogates(item) for name, item in value.items()
        }
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

    def take(self, pattern: str) -> bool:
        """Go past what matches a pattern here, and return whether it is not empty."""
        found = re.compile(pattern).match(self.text, self.at)
        self.at = found.end() if found is not None else self.at
        return found is not None and bool(found[0])

    def must(self, pattern: str, context: str) -> None:
        """Go past what a pattern must match here."""
        if not self.take(pattern):
            raise self.fail(context)

    def space(self) -> None:
        self.take(r"[ \t\r\n]+")

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
        if self.take(re.escape(end)):
            return
        while True:
            if end == "}":
                self.key()
            self.value(depth + 1)
            self.space()
            if self.take(re.escape(end)):
                return
            self.must(",", "after object key:value pair" if end == "}" else "after array element")

    def key(self) -> None:
        self.space()
        self.string()
        self.space()
        self.must(":", "after object key")

    def string(self) -> None:
        self.must('"', "looking for beginning of object key string")
        while not self.take('"'):
            if self.take(r"\\u"):
                for _ in range(4):
                    self.must("[0-9a-fA-F]", "in \\u hexadecimal character escape")
            elif self.take(r"\\"):
                self.must(r'["\\/bfnrt]', "in string escape code")
            else:
                self.must(r'[^"\\\x00-\x1f]+', "in string literal")

    def number(self) -> None:
        self.take("-")
        self.must("0|[1-9][0-9]*", "in numeric literal")
        if self.take(r"\."):
            self.must("[0-9]+", "after decimal point in numeric literal")
        if self.take("[eE][-+]?"):
            self.must("[0-9]+", "in exponent of numeric literal")

    def word(self, word: str) -> None:
        for char in word:
            self.must(char, f"in literal {word} (expecting '{char}')")


def explain(text: str) -> str:
    """Go's message for a text that is not JSON."""
    charge(2 * len(text))
    try:
        _Scanner(text).document()
    except SyntaxProblem as problem:
        return str(problem)
    return "unexpected end of JSON input"
