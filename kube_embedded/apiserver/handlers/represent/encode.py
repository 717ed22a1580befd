"""Encodes objects as Go does: field order, escapes, indentation.

A stored object is encoded once and its bytes are cached, unless it is large; lists and watches join the bytes.
These do not contain kind and apiVersion, which the items of a list omit and every other response has first.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from kube_embedded.machinery.golang.json import escape
from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.request import Object, Unstructured
from kube_embedded.machinery.schema.ordering import in_order
from kube_embedded.machinery.sharing import LARGE_BYTES, Encoding, share
from kube_embedded.machinery.status import ApiError

from ...registry.conversion import from_stored
from ...storage import Stored
from .negotiation import JSON, PROTOBUF, YAML, Form


def dump(value: Any, option: int = 0) -> bytes:
    """Return compact JSON, unless an option of orjson changes that."""
    return escape(orjson.dumps(value, option=option))


def dump_sorted(value: Any) -> bytes:
    """Compact JSON, fields sorted by name: what Go writes of a map."""
    return dump(value, orjson.OPT_SORT_KEYS)


def dump_pretty(value: Any) -> bytes:
    """Indented JSON."""
    return dump(value, orjson.OPT_INDENT_2)


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
    # A few large objects would otherwise take as much memory again for bytes that are seldom read.
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
    """The bytes before and after the items of a list."""
    # The values of a list's metadata never need escaping.
    head = heading(f"{kind.kind}List", kind.group_version)
    return b'%b,"metadata":%b,"items":[' % (head, orjson.dumps(metadata)), b"]}\n"


def list_object(kind: Kind, metadata: Object, objects: Iterable[Object]) -> Object:
    """Return a list of a kind as an object, for the rarer forms."""
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.group_version,
        "metadata": metadata,
        "items": list(map(_as_item, objects)),
    }


def custom_list(kind: CustomKind, metadata: Object, objects: Iterable[Object]) -> Unstructured:
    """A list of a custom kind, whose metadata always has a continue token."""
    return Unstructured(
        kind=kind.list_kind,
        apiVersion=kind.group_version,
        metadata={"continue": "", **metadata},
        items=[from_stored(kind, obj) for obj in objects],
    )


def encode(form: Form, obj: Object) -> tuple[str, bytes]:
    """Encode an object: the content type and the body; 406 for protobuf of a custom object.

    A built-in kind that has no protobuf message is JSON.
    """
    custom = type(obj) is Unstructured
    if custom and form.media_type == PROTOBUF:
        type_ = "UnstructuredList" if "items" in obj else "Unstructured"
        what = f"object *unstructured.{type_} does not implement the protobuf marshalling interface"
        text = f"{what} and cannot be encoded to a protobuf message"
        raise ApiError(406, "NotAcceptable", text)
    if form.media_type == YAML:
        return YAML, yaml_bytes(obj)
    if form.pretty:
        # Indented JSON ends without a newline, in Go as in orjson.
        option = orjson.OPT_INDENT_2 | (orjson.OPT_SORT_KEYS if custom else 0)
        return form.media_type, dump(obj if custom else in_order(obj), option)
    body = protobuf_bytes(obj) if form.media_type == PROTOBUF else None
    return (JSON, object_bytes(obj) + b"\n") if body is None else (PROTOBUF, body)


# The libraries behind the rarer forms take longer to import than all of the server.


def yaml_bytes(obj: Object) -> bytes:
    """An object as YAML."""
    from .yaml import to_yaml

    return to_yaml(obj).encode()


def protobuf_message(obj: Object) -> bytes | None:
    """An object in protobuf without its envelope; None if its kind has no message."""
    from kube_embedded.machinery.schema.protobuf_write import encode_message

    return encode_message(obj)


def protobuf_envelope(obj: Object, length: int) -> tuple[bytes, bytes]:
    """The bytes before and after the message of an object, which has ``length`` bytes."""
    from kube_embedded.machinery.schema.protobuf_write import envelope

    return envelope(obj["apiVersion"], obj["kind"], length)


def protobuf_bytes(obj: Object) -> bytes | None:
    """An object in protobuf; None if its kind has no message."""
    from kube_embedded.machinery.schema.protobuf_write import encode_protobuf

    return encode_protobuf(obj)


def protobuf_discovery(document: Object) -> bytes:
    """A discovery document in protobuf."""
    from kube_embedded.machinery.schema.protobuf_write import encode_discovery

    return encode_discovery(document)


def protobuf_event(type_: str, obj: Object) -> bytes:
    """A watch event in protobuf, after its length."""
    from kube_embedded.machinery.schema.protobuf_write import encode_event, encode_protobuf

    return encode_event(type_, encode_protobuf(obj) or dump(obj))
