"""Objects to bytes, as Go writes them: field order, escapes, indentation.

A stored object is encoded once and keeps its bytes, unless it is large; lists and watches join them. They lack kind and
apiVersion, which a list's items leave out and everything else has first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from labkit.embedded.apiserver.handlers.represent.negotiation import JSON, PROTOBUF, YAML, Form
from labkit.embedded.apiserver.registry.conversion import from_stored
from labkit.embedded.apiserver.storage import Stored
from labkit.embedded.machinery.golang.json import escape
from labkit.embedded.machinery.kinds import CustomKind, Kind
from labkit.embedded.machinery.request import Object, Unstructured
from labkit.embedded.machinery.schema.ordering import in_order
from labkit.embedded.machinery.sharing import LARGE_BYTES, Encoding, share
from labkit.embedded.machinery.status import ApiError


def dump(value: Any) -> bytes:
    """Compact JSON."""
    return escape(orjson.dumps(value))


def dump_sorted(value: Any) -> bytes:
    """Compact JSON, fields sorted by name: what Go writes of a map."""
    return escape(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def dump_pretty(value: Any) -> bytes:
    """Indented JSON."""
    return escape(orjson.dumps(value, option=orjson.OPT_INDENT_2))


@lru_cache(maxsize=512)
def heading(kind: str, api_version: str) -> bytes:
    """The first two fields of an object, without a comma after them."""
    return b'{"kind":%b,"apiVersion":%b' % (orjson.dumps(kind), orjson.dumps(api_version))


def _as_item(obj: Object) -> Object:
    item = in_order(obj)
    item.pop("kind", None)
    item.pop("apiVersion", None)
    return item


def item_bytes(obj: Object) -> bytes:
    """An object as an item of a list of its kind."""
    if type(obj) is not Stored:
        return dump(_as_item(obj))
    if obj.encoded is None:
        shared = large_item(obj)
        if shared is not None:
            return b"{" + shared.data
    return obj.encoded or b""


def large_item(obj: Object) -> Encoding | None:
    """An object as an item, without its first brace, if it is large: hold the result until it is sent."""
    if type(obj) is not Stored or obj.encoded is not None:
        return None
    shared = share(obj, "item", lambda: dump(_as_item(obj))[1:])
    if len(shared.data) > LARGE_BYTES:
        return shared
    obj.encoded = b"{" + shared.data
    return None


def object_bytes(obj: Object) -> bytes:
    """An object on its own, without a newline."""
    if type(obj) is Unstructured:
        return dump_sorted(obj)
    item = item_bytes(obj)
    head = heading(obj["kind"], obj["apiVersion"])
    return head + b"," + item[1:] if item != b"{}" else head + b"}"


def list_ends(kind: Kind, metadata: Object) -> tuple[bytes, bytes]:
    """What stands before and after the items of a list."""
    # Nothing in a list's metadata needs escaping.
    head = heading(f"{kind.kind}List", kind.group_version)
    return b'%b,"metadata":%b,"items":[' % (head, orjson.dumps(metadata)), b"]}\n"


def list_object(kind: Kind, metadata: Object, objects: Iterable[Object]) -> Object:
    """A list of a kind as an object, for the rarer forms."""
    items = list(map(_as_item, objects))
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.group_version,
        "metadata": metadata,
        "items": items,
    }


def encode(form: Form, obj: Object) -> tuple[str, bytes]:
    """Encode an object: the content type and the body. A kind that has no protobuf message is JSON."""
    if type(obj) is Unstructured:
        return encode_unstructured(form, obj)
    if form.media_type == YAML:
        return YAML, yaml_bytes(obj)
    if form.pretty:
        return form.media_type, dump_pretty(in_order(obj))
    body = protobuf_bytes(obj) if form.media_type == PROTOBUF else None
    return (JSON, object_bytes(obj) + b"\n") if body is None else (PROTOBUF, body)


def encode_unstructured(form: Form, obj: Object) -> tuple[str, bytes]:
    """Encode a custom object or a list of them; 406 for protobuf, which they do not have."""
    if form.media_type == PROTOBUF:
        type_ = "UnstructuredList" if "items" in obj else "Unstructured"
        what = f"object *unstructured.{type_} does not implement the protobuf marshalling interface and cannot be"
        raise ApiError(406, "NotAcceptable", f"{what} encoded to a protobuf message")
    if form.media_type == YAML:
        return YAML, yaml_bytes(obj)
    option = orjson.OPT_SORT_KEYS | (orjson.OPT_INDENT_2 if form.pretty else 0)
    return JSON, escape(orjson.dumps(obj, option=option)) + (b"" if form.pretty else b"\n")


def custom_list(kind: CustomKind, metadata: Object, objects: Iterable[Object]) -> Unstructured:
    """A list of a custom kind, whose metadata always has a continue token."""
    head = {
        "kind": kind.list_kind,
        "apiVersion": kind.group_version,
        "metadata": {"continue": "", **metadata},
    }
    return Unstructured({**head, "items": [from_stored(kind, obj) for obj in objects]})


# The libraries behind the rarer forms take longer to import than all of the server.


def yaml_bytes(obj: Object) -> bytes:
    """An object as YAML."""
    from labkit.embedded.apiserver.handlers.represent.yaml import to_yaml

    return to_yaml(obj).encode()


def protobuf_message(obj: Object) -> bytes | None:
    """An object in protobuf without its envelope; None if its kind has no message."""
    from labkit.embedded.machinery.schema.protobuf_write import encode_message

    return encode_message(obj)


def protobuf_envelope(obj: Object, length: int) -> tuple[bytes, bytes]:
    """What stands before and after the message of an object, which has ``length`` bytes."""
    from labkit.embedded.machinery.schema.protobuf_write import envelope

    return envelope(obj["apiVersion"], obj["kind"], length)


def protobuf_bytes(obj: Object) -> bytes | None:
    """An object in protobuf; None if its kind has no message."""
    from labkit.embedded.machinery.schema.protobuf_write import encode_protobuf

    return encode_protobuf(obj)


def protobuf_discovery(document: Object) -> bytes:
    """A discovery document in protobuf."""
    from labkit.embedded.machinery.schema.protobuf_write import encode_discovery

    return encode_discovery(document)


def protobuf_event(type_: str, obj: Object) -> bytes:
    """A watch event in protobuf, after its length."""
    from labkit.embedded.machinery.schema.protobuf_write import encode_event, encode_protobuf

    return encode_event(type_, encode_protobuf(obj) or dump(obj))
