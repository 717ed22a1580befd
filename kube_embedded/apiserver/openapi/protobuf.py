"""``/openapi/v2`` in protobuf, the only form that kubectl requests.

``messages.json`` has each message as a table of field names, numbers and forms; fields that it does not name are
omitted, and ``x-…`` goes into the extensions, as YAML (and JSON is YAML). A form is a scalar, a message, ``any``
for any JSON,
or one of these before another form: ``[]`` for several, ``{}`` for pairs of a name and a value, and ``1:`` for a
message that has the value as its field 1.
Source: gnostic ``openapiv2/OpenAPIv2.proto``.
"""

import struct
from collections.abc import Mapping
from typing import Any

import orjson

from kube_embedded.files import read_json

from ...machinery.request import Object
from ...machinery.schema.varint import varint

_TABLE = read_json(__file__, "messages.json")
FIELDS: Mapping[str, Mapping[str, tuple[int, str]]] = _TABLE["fields"]
"""Message to field to its number and its form."""
EXTENSIONS: Mapping[str, int] = _TABLE["extensions"]
"""The number of the field for ``x-…``, of messages that have one."""

SCALARS = ("text", "flag", "count", "double")
VARINT, EIGHT_BYTES, BYTES = 0, 1, 2


def _raw(number: int, data: bytes) -> bytes:
    return varint(number << 3 | BYTES) + varint(len(data)) + data


def message(name: str, value: Object) -> bytes:
    """Encode an object as a message."""
    fields = FIELDS[name]
    known = sorted((*fields[key], key) for key in value if key in fields)
    parts = [
        field(number, form, value[key])
        for number, form, key in known
        if value[key] or form not in SCALARS
    ]
    if name in EXTENSIONS:
        extra = [(key, item) for key, item in value.items() if key.startswith("x-")]
        parts += [
            _raw(EXTENSIONS[name], field(1, "text", key) + field(2, "any", item))
            for key, item in extra
        ]
    return b"".join(parts)


def field(number: int, form: str, value: Any) -> bytes:
    """Encode a field."""
    if form == "text":
        return _raw(number, value.encode())
    if form in ("flag", "count"):
        return varint(number << 3 | VARINT) + varint(value)
    if form == "double":
        return varint(number << 3 | EIGHT_BYTES) + struct.pack("<d", value)
    if form == "any":
        return _raw(number, _raw(2, orjson.dumps(value) + b"\n"))
    if form.startswith("[]"):
        return b"".join(
            field(number, form[2:], item) for item in ([value] if isinstance(value, str) else value)
        )
    if form.startswith("{}"):
        return b"".join(
            _raw(number, field(1, "text", name) + field(2, form[2:], value[name])) for name in value
        )
    inner, colon, rest = form.partition(":")
    if colon:
        return _raw(number, field(int(inner), rest, value))
    return _raw(number, _alternative(form, value))


def _alternative(form: str, value: Any) -> bytes:
    """Encode a ``oneof`` message: the value decides which of its fields is set."""
    if form == "additional":
        return field(2, "flag", value) if isinstance(value, bool) else field(1, "schema", value)
    if form == "parameter":
        return (
            field(2, "1:text", value["$ref"])
            if "$ref" in value
            else field(1, "own parameter", value)
        )
    if form == "own parameter" and value["in"] == "body":
        return field(1, "body", value)
    if form == "own parameter":
        return field(2, "3:query" if value["in"] == "query" else "4:path", value)
    return message(form, value)


def encoded(document: Object) -> bytes:
    """Encode a document, as ``/openapi/v2`` has it in JSON."""
    return message("document", document)
