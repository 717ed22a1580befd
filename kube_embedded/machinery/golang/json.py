"""Decodes JSON with error messages like Go's, and records duplicate fields.

Source: Go's ``encoding/json`` scanner; sigs.k8s.io/json, which reports duplicates.
"""

import json
import re
from typing import Any

import orjson

from ..work import charge
from .quote import ESCAPES

HTML_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)
QUOTED = {"'": "'\\''", '"': "'\"'"}

# Python's messages and Go's contexts. Go distinguishes more places, such as "in literal true (expecting 'r')"; a second
# scanner that found them all was as long as the rest of this module.
CONTEXTS = (
    ("Expecting value", "looking for beginning of value"),
    ("Expecting property name", "looking for beginning of object key string"),
    ("Illegal trailing comma", "looking for beginning of object key string"),
    ("Expecting ':'", "after object key"),
    ("Expecting ','", "after object key:value pair or array element"),
    ("Extra data", "after top-level value"),
    ("Invalid control character", "in string literal"),
    ("Invalid \\", "in string escape code"),
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
    # Python refuses to read integers of more than 4,300 digits, and is slow for shorter ones. Go uses a float64.
    return int(digits) if len(digits) < 400 else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_int)


def loads(data: bytes | str) -> Any:
    """Decode JSON as Go does: bad UTF-8 becomes U+FFFD, and objects with repeated fields become ``Pairs``.

    Raises:
        SyntaxProblem: It is not JSON.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    # Small bodies are not worth the counting; a value costs about half a microsecond.
    if len(text) > 4096:
        charge((text.count(",") + text.count("[") + text.count("{")) / 2)
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise SyntaxProblem("exceeded max depth") from error
    except ValueError as error:
        # Go looks at bytes, even at bytes that are not UTF-8.
        exact = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else text
        raise SyntaxProblem(explain(exact)) from error
    # Only an escape can make a lone surrogate: UTF-8 has none. Most texts need not be looked through.
    if "\\u" in text and ("\\ud" in text or "\\uD" in text):
        value = _without_surrogates(value)
    return value


def escape(data: bytes) -> bytes:
    """Escape ``<``, ``>``, ``&`` and two line separators in JSON, as Go does to make it safe inside HTML.

    They occur only in strings, so replacing bytes is enough.
    """
    # Searching for five bytes is much faster than a regular expression without a match.
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
    """Quote a character as Go's scanner does."""
    if char in QUOTED:
        return QUOTED[char]
    # Go's scanner looks at bytes: of a character beyond ASCII it shows the first.
    bad = "\udc80" <= char <= "\udcff"
    byte = char.encode("utf-8", "surrogateescape" if bad else "replace")[:1].decode("latin-1")
    if byte.isprintable() or byte in ESCAPES:
        return f"'{ESCAPES.get(byte, byte)}'"
    return f"'\\x{ord(byte):02x}'" if ord(byte) < 0x80 else f"'\\u{ord(byte):04x}'"


def explain(text: str) -> str:
    """Return a message in the form of Go's for a text that is not JSON."""
    charge(2 * len(text))
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        at = error.pos
        # Since 3.13 Python points to the comma, and Go to the bracket after it.
        if error.msg.startswith("Illegal trailing comma"):
            at += len(text[at + 1 :]) - len(text[at + 1 :].lstrip()) + 1
        if at < len(text) and not error.msg.startswith("Unterminated"):
            contexts = (context for lead, context in CONTEXTS if error.msg.startswith(lead))
            return f"invalid character {quote_char(text[at])} {next(contexts, '')}".rstrip()
    except RecursionError:
        return "exceeded max depth"
    except ValueError as constant:  # NaN and Infinity, which are not JSON
        return f"invalid character {quote_char(str(constant).strip('-')[0])} {CONTEXTS[0][1]}"
    return "unexpected end of JSON input"
