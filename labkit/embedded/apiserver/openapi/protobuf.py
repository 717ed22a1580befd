"""``/openapi/v2`` in protobuf, the only form in which kubectl asks for it.

``messages.json`` has each message as a table of field names, numbers and forms; what it does not name is left out,
and ``x-…`` goes into the extensions, as YAML (and JSON is YAML).
Source: gnostic ``openapiv2/OpenAPIv2.proto``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from labkit.core.json_file import read_json
from labkit.embedded.machinery.request import Object

_TABLE = read_json(__file__, "messages.json")
FIELDS: Mapping[str, Mapping[str, tuple[int, str]]] = _TABLE["fields"]
"""Message to field to its number and its form, a key of ``FORMS``."""
EXTENSIONS: Mapping[str, int] = _TABLE["extensions"]
"""The number of the field for ``x-…``, of messages that have one."""

Write = Callable[[int, Any], bytes]
"""Writes a field of a number and a value."""
VARINT, EIGHT_BYTES, BYTES = 0, 1, 2


def varint(value: int) -> bytes:
    """Encode a varint; a negative number has 64 bits."""
    value &= 2**64 - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _raw(number: int, data: bytes) -> bytes:
    return varint(number << 3 | BYTES) + varint(len(data)) + data


def _text(number: int, value: str) -> bytes:
    return _raw(number, value.encode()) if value else b""


def _flag(number: int, value: bool) -> bytes:
    return varint(number << 3 | VARINT) + b"\x01" if value else b""


def _count(number: int, value: int) -> bytes:
    return varint(number << 3 | VARINT) + varint(value) if value else b""


def _double(number: int, value: float) -> bytes:
    return varint(number << 3 | EIGHT_BYTES) + struct.pack("<d", value) if value else b""


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_raw(number, value.encode()) for value in values)


def _any(number: int, value: Any) -> bytes:
    return _raw(number, _raw(2, orjson.dumps(value) + b"\n"))


def _anys(number: int, values: Iterable[Any]) -> bytes:
    return b"".join(_any(number, value) for value in values)


def message(name: str, value: Object) -> bytes:
    """Encode an object as a message."""
    fields = FIELDS[name]
    known = sorted((fields[key][0], key) for key in value if key in fields)
    parts = [FORMS[fields[key][1]](number, value[key]) for number, key in known]
    if name in EXTENSIONS:
        extra = [(key, item) for key, item in value.items() if key.startswith("x-")]
        parts += [_raw(EXTENSIONS[name], _text(1, key) + _any(2, item)) for key, item in extra]
    return b"".join(parts)


def _one(name: str) -> Write:
    return lambda number, value: _raw(number, message(name, value))


def _wrapped(name: str) -> Write:
    return lambda number, value: _raw(number, _raw(1, message(name, value)))


def _schemas(number: int, values: Iterable[Object]) -> bytes:
    return b"".join(_raw(number, message("schema", value)) for value in values)


def _named(write: Write, inner: int = 1) -> Write:
    """A map: pairs of a name and a value."""

    def pairs(number: int, values: Object) -> bytes:
        found = [_raw(inner, _text(1, name) + write(2, value)) for name, value in values.items()]
        return _raw(number, b"".join(found))

    return pairs


def _additional(number: int, value: Any) -> bytes:
    return (
        _raw(number, varint(2 << 3) + bytes([value])) if isinstance(value, bool) else _wrapped("schema")(number, value)
    )


def _type(number: int, value: Any) -> bytes:
    return _raw(number, _texts(1, [value] if isinstance(value, str) else value))


def _parameters(number: int, values: Iterable[Object]) -> bytes:
    return b"".join(_raw(number, _parameter(value)) for value in values)


def _parameter(value: Object) -> bytes:
    """Encode a parameter, by where it is: body, query or path."""
    if value["in"] == "body":
        return _wrapped("body")(1, value)
    return _raw(1, _raw(2, _one("query")(3, value) if value["in"] == "query" else _one("path")(4, value)))


FORMS: Mapping[str, Write] = {
    "text": _text,
    "texts": _texts,
    "type": _type,
    "flag": _flag,
    "count": _count,
    "double": _double,
    "any": _any,
    "anys": _anys,
    "schema": _one("schema"),
    "wrapped schema": _wrapped("schema"),
    "schemas": _schemas,
    "named schemas": _named(_one("schema")),
    "additional": _additional,
    "parameters": _parameters,
    "named responses": _named(_wrapped("response")),
    "operation": _one("operation"),
    "named paths": _named(_one("path item"), inner=2),
    "info": _one("info"),
}


def encoded(document: Object) -> bytes:
    """Encode a document, as ``/openapi/v2`` has it in JSON."""
    return message("document", document)
