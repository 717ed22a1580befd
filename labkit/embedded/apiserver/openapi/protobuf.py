"""``/openapi/v2`` in protobuf, the only form in which kubectl asks for it.

The messages are tables of field names, numbers and forms; what a table does not name is left out,
and ``x-…`` goes into the extensions, as YAML (and JSON is YAML).
Source: gnostic ``openapiv2/OpenAPIv2.proto``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from labkit.embedded.machinery.request import Object

Field = tuple[int, Callable[[int, Any], bytes]]
"""A field's number, and what writes it."""
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


def message(value: Object, fields: Mapping[str, Field], extensions: int = 0) -> bytes:
    """Encode an object as a message; ``extensions`` is the number of the field for ``x-…``, 0 for none."""
    known = sorted((fields[name][0], name) for name in value if name in fields)
    parts = [fields[name][1](number, value[name]) for number, name in known]
    if extensions:
        parts += [
            _raw(extensions, _text(1, name) + _any(2, item)) for name, item in value.items() if name.startswith("x-")
        ]
    return b"".join(parts)


def _of(fields: Mapping[str, Field], extensions: int = 0) -> Callable[[int, Any], bytes]:
    return lambda number, value: _raw(number, message(value, fields, extensions))


def _named(write: Callable[[Any], bytes], inner: int = 1) -> Callable[[int, Any], bytes]:
    """A map: pairs of a name and a value."""

    def pairs(number: int, values: Object) -> bytes:
        found = [_raw(inner, _text(1, name) + _raw(2, write(value))) for name, value in values.items()]
        return _raw(number, b"".join(found))

    return pairs


def _schema(value: Object) -> bytes:
    return message(value, SCHEMA, 31)


def _additional(number: int, value: Any) -> bytes:
    return _raw(number, varint(2 << 3) + bytes([value]) if isinstance(value, bool) else _raw(1, _schema(value)))


def _type(number: int, value: Any) -> bytes:
    return _raw(number, _texts(1, [value] if isinstance(value, str) else value))


SCHEMA: Mapping[str, Field] = {
    "$ref": (1, _text),
    "format": (2, _text),
    "title": (3, _text),
    "description": (4, _text),
    "default": (5, _any),
    "maximum": (7, _double),
    "minimum": (9, _double),
    "maxLength": (11, _count),
    "minLength": (12, _count),
    "pattern": (13, _text),
    "maxItems": (14, _count),
    "minItems": (15, _count),
    "uniqueItems": (16, _flag),
    "required": (19, _texts),
    "enum": (20, _anys),
    "additionalProperties": (21, _additional),
    "type": (22, _type),
    "items": (23, lambda number, value: _raw(number, _raw(1, _schema(value)))),
    "allOf": (24, lambda number, values: b"".join(_raw(number, _schema(value)) for value in values)),
    "properties": (25, _named(_schema)),
    "readOnly": (27, _flag),
}
BODY: Mapping[str, Field] = {
    "description": (1, _text),
    "name": (2, _text),
    "in": (3, _text),
    "required": (4, _flag),
    "schema": (5, lambda number, value: _raw(number, _schema(value))),
}
PLACE: Mapping[str, Field] = {
    "required": (1, _flag),
    "in": (2, _text),
    "description": (3, _text),
    "name": (4, _text),
}
PATH: Mapping[str, Field] = {**PLACE, "type": (5, _text), "format": (6, _text), "uniqueItems": (19, _flag)}
QUERY: Mapping[str, Field] = {**PLACE, "type": (6, _text), "format": (7, _text), "uniqueItems": (20, _flag)}


def _parameter(value: Object) -> bytes:
    """Encode a parameter, by where it is: body, query or path."""
    if value["in"] == "body":
        return _raw(1, _raw(1, message(value, BODY, 6)))
    inner = _raw(3, message(value, QUERY, 23)) if value["in"] == "query" else _raw(4, message(value, PATH, 22))
    return _raw(1, _raw(2, inner))


def _parameters(number: int, values: Iterable[Object]) -> bytes:
    return b"".join(_raw(number, _parameter(value)) for value in values)


ANSWER: Mapping[str, Field] = {
    "description": (1, _text),
    "schema": (2, lambda number, value: _raw(number, _raw(1, _schema(value)))),
}
OPERATION: Mapping[str, Field] = {
    "tags": (1, _texts),
    "description": (3, _text),
    "operationId": (5, _text),
    "produces": (6, _texts),
    "consumes": (7, _texts),
    "parameters": (8, _parameters),
    "responses": (9, _named(lambda value: _raw(1, message(value, ANSWER)))),
    "schemes": (10, _texts),
}
ITEM: Mapping[str, Field] = {
    name: (number, _of(OPERATION, 13))
    for number, name in enumerate(("get", "put", "post", "delete", "options", "head", "patch"), 2)
}
DOCUMENT: Mapping[str, Field] = {
    "swagger": (1, _text),
    "info": (2, _of({"title": (1, _text), "version": (2, _text)})),
    "paths": (8, _named(lambda value: message(value, {**ITEM, "parameters": (9, _parameters)}, 10), inner=2)),
    "definitions": (9, _named(_schema)),
}


def encoded(document: Object) -> bytes:
    """Encode a document, as ``/openapi/v2`` has it in JSON."""
    return message(document, DOCUMENT)
