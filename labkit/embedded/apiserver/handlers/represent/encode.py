"""Objects to bytes, as Go would write them: field order, escapes, indentation, YAML.

An object in the store is encoded once and keeps its bytes; lists and watches join
them. The bytes kept are those of a list's item, without kind and apiVersion, which
lists leave out and everything else has first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from labkit.embedded.apiserver.storage import Stored
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.tables import Struct, Type, schemas

ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def escape(data: bytes) -> bytes:
    """Write ``<``, ``>`` and ``&`` in JSON as Go does, so that it is safe inside HTML.

    They occur in strings only, so replacing bytes is enough.
    """
    for char, escaped in ESCAPES:
        if char in data:
            data = data.replace(char, escaped)
    return data


def dump(value: Any) -> bytes:
    """Compact JSON."""
    return escape(orjson.dumps(value))


def dump_pretty(value: Any) -> bytes:
    """Indented JSON, for people."""
    return escape(orjson.dumps(value, option=orjson.OPT_INDENT_2))


@lru_cache(maxsize=512)
def heading(kind: str, api_version: str) -> bytes:
    """The beginning of an object of a kind."""
    return b'{"kind":%b,"apiVersion":%b' % (orjson.dumps(kind), orjson.dumps(api_version))


def struct_of(kind: str, api_version: str) -> Struct | None:
    """The schema of a kind."""
    group, _, version = api_version.rpartition("/")
    return schemas().of_kind(group, version, kind)


def ordered(value: Any, type_: Type) -> Any:
    """A value with its fields in the order in which Go prints them, and its maps sorted."""
    if type_.form == "struct" and isinstance(value, dict):
        return ordered_struct(value, type_.struct)
    if type_.form == "list" and isinstance(value, list):
        item = type_.item
        return [ordered(each, item) for each in value] if item.form in ("struct", "list", "map") else value
    if type_.form == "map" and isinstance(value, dict):
        return {key: ordered(value[key], type_.item) for key in sorted(value)}
    return value


def ordered_struct(value: Object, struct: Struct) -> Object:
    """A struct with its fields in order; unknown ones come last."""
    fields = struct.fields
    found = {name: ordered(value[name], field.type) for name, field in fields.items() if name in value}
    if len(found) < len(value):
        found.update((name, each) for name, each in value.items() if name not in fields)
    return found


def in_order(obj: Object) -> Object:
    """An object as Go would print it."""
    kind, api_version = obj.get("kind", ""), obj.get("apiVersion", "")
    rest = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    struct = struct_of(kind, api_version) if kind and isinstance(kind, str) else None
    head = {"kind": kind, "apiVersion": api_version} if kind else {}
    return {**head, **(ordered_struct(rest, struct) if struct is not None else rest)}


def item_bytes(obj: Object) -> bytes:
    """An object as an item of a list of its kind."""
    if type(obj) is Stored and obj.encoded is not None:
        return obj.encoded
    item = in_order(obj)
    item.pop("kind", None)
    item.pop("apiVersion", None)
    data = dump(item)
    if isinstance(obj, Stored):
        obj.encoded = data
    return data


def object_bytes(obj: Object) -> bytes:
    """An object on its own, without a newline."""
    item = item_bytes(obj)
    head = heading(obj["kind"], obj["apiVersion"])
    return head + b"," + item[1:] if item != b"{}" else head + b"}"


def list_bytes(kind: Kind, metadata: Object, objects: Iterable[Object]) -> bytes:
    """A list of a kind, without a newline."""
    head = heading(f"{kind.kind}List", kind.group_version)
    # Nothing in a list's metadata needs escaping.
    return b'%b,"metadata":%b,"items":[%b]}' % (head, orjson.dumps(metadata), b",".join(map(item_bytes, objects)))


def list_object(kind: Kind, metadata: Object, objects: Iterable[Object]) -> Object:
    """A list of a kind as an object, for the rarer forms."""
    items = []
    for obj in objects:
        item = in_order(obj)
        item.pop("kind", None)
        item.pop("apiVersion", None)
        items.append(item)
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.group_version,
        "metadata": metadata,
        "items": items,
    }


# The libraries behind the rarer forms take longer to import than all of the server.


def yaml_bytes(obj: Object) -> bytes:
    """An object as YAML."""
    from labkit.embedded.apiserver.handlers.represent.yaml import to_yaml

    return to_yaml(obj).encode()


def protobuf_bytes(obj: Object) -> bytes | None:
    """An object in protobuf; None if its kind has no message."""
    from labkit.embedded.machinery.schema.protobuf_write import encode_protobuf

    return encode_protobuf(obj)


def protobuf_discovery(document: Object) -> bytes:
    """A discovery document in protobuf."""
    from labkit.embedded.machinery.schema.protobuf_write import encode_discovery

    return encode_discovery(document)


def protobuf_event(type_: str, obj: Object) -> bytes:
    """An event of a watch in protobuf, with its length in front."""
    from labkit.embedded.machinery.schema.protobuf_write import encode_event, encode_protobuf

    return encode_event(type_, encode_protobuf(obj) or dump(obj))
