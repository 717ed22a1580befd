"""Encodes responses in protobuf.

Source: k8s.io/apimachinery ``pkg/runtime/serializer/protobuf``; the messages are defined in
``kube_embedded.machinery.schema.protobuf_read``.
"""

import base64
import struct as binary
from typing import Any

import orjson

from ..pods.state import parse_time
from ..request import Object
from .protobuf_read import MAGIC, META, UNKNOWN, message_class, message_name
from .tables import Struct, Type, schemas
from .varint import varint

INTSTR_INT = 0
INTSTR_STRING = 1
RAW = b"\x12"
NO_ENCODING = b"\x1a\x00\x22\x00"
"""The tag of a message in its envelope, and what follows it: no encoding and no content type."""

PARTIAL_LIST = "PartialObjectMetadataList"


def encode_protobuf(obj: Object) -> bytes | None:
    """Encode an object in its envelope; None if its kind has no message."""
    message = encode_message(obj)
    return None if message is None else _enveloped(obj["apiVersion"], obj["kind"], message)


def encode_message(obj: Object) -> bytes | None:
    """Encode an object without its envelope; None if its kind has no message."""
    group, _, version = obj["apiVersion"].rpartition("/")
    kind = obj["kind"]
    # The list of v1beta1 has a message of its own.
    if group == "meta.k8s.io" and (
        kind == "PartialObjectMetadata" or (kind, version) == (PARTIAL_LIST, "v1")
    ):
        return _serialized(_partial(obj))
    struct = schemas().of_kind(group, version, kind)
    if struct is None:
        return None
    try:
        result = message_class(message_name(struct.name))()
    except KeyError:
        return None
    _fill(result, obj, struct)
    return _serialized(result)


def _partial(obj: Object) -> Any:
    """The metadata of an object, or of a list and of its items."""
    result = message_class(META + obj["kind"])()
    _fill(
        result.metadata,
        obj["metadata"],
        schemas()["meta.v1.ListMeta" if "items" in obj else "meta.v1.ObjectMeta"],
    )
    for item in obj.get("items", ()):
        _fill(result.items.add().metadata, item["metadata"], schemas()["meta.v1.ObjectMeta"])
    return result


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString(deterministic=True))


def envelope(api_version: str, kind: str, length: int) -> tuple[bytes, bytes]:
    """Return the bytes before and after a message of ``length`` bytes."""
    result = message_class(UNKNOWN)()
    result.typeMeta.apiVersion = api_version
    result.typeMeta.kind = kind
    # The message is written between the two parts, without a copy of it.
    return MAGIC + _serialized(result) + RAW + varint(length), NO_ENCODING


def _enveloped(api_version: str, kind: str, message: bytes) -> bytes:
    before, after = envelope(api_version, kind, len(message))
    return before + message + after


def encode_event(type_: str, obj: bytes) -> bytes:
    """Encode a watch event with an encoded object, preceded by its length."""
    event = message_class(META + "WatchEvent")()
    event.type = type_
    event.object.raw = obj
    data = _serialized(event)
    return binary.pack(">I", len(data)) + data


def encode_discovery(document: Object) -> bytes:
    """Encode a discovery document in its envelope."""
    result = message_class(META + document["kind"])()
    _fill_alike(result, document)
    return _enveloped(document.get("apiVersion", ""), document["kind"], _serialized(result))


def _fill_alike(message: Any, document: Object) -> None:
    for name, field in message.DESCRIPTOR.fields_by_name.items():
        value = document.get(name)
        if value is None:
            continue
        if field.message_type is None and field.is_repeated:
            getattr(message, name).extend(value)
        elif field.message_type is None:
            setattr(message, name, value)
        elif field.is_repeated:
            for item in value:
                _fill_alike(getattr(message, name).add(), item)
        else:  # nullable lists are wrapped
            _fill_alike(
                getattr(message, name), {"items": value} if isinstance(value, list) else value
            )


def _fill(message: Any, obj: Object, struct: Struct) -> None:
    fields = message.DESCRIPTOR.fields_by_name
    for name, value in obj.items():
        known = struct.fields.get(name)
        if known is None or value is None:
            continue
        if name in fields:
            _set(message, name, value, known.type)
        else:
            _fill_inlined(message, name, value, known.type, struct)


def _fill_inlined(message: Any, name: str, value: Any, type_: Type, struct: Struct) -> None:
    """Set a field that JSON has inline and protobuf in a message of its own."""
    for field in message.DESCRIPTOR.fields:
        inner = field.message_type
        if inner is None or field.is_repeated or field.name in struct.fields:
            continue
        if name in inner.fields_by_name:
            _set(getattr(message, field.name), name, value, type_)
            return


def _set(message: Any, name: str, value: Any, type_: Type) -> None:
    # Some lists have a message of their own in protobuf, because they can be null.
    if type_.form == "list" and message.DESCRIPTOR.fields_by_name[name].is_repeated:
        _extend(getattr(message, name), value, type_.item)
    elif type_.form == "map":
        entries = getattr(message, name)
        entry = message.DESCRIPTOR.fields_by_name[name].message_type
        for key, item in value.items():
            if _is_message(entry, "value"):
                _into(entries[key], item, type_.item)
            else:
                entries[key] = _scalar(item, type_.item)
    elif _is_message(message.DESCRIPTOR, name):
        inner = getattr(message, name)
        inner.SetInParent()
        _into(inner, value, type_)
    else:
        setattr(message, name, _scalar(value, type_))


def _is_message(descriptor: Any, name: str) -> bool:
    return descriptor.fields_by_name[name].message_type is not None


def _extend(repeated: Any, values: list[Any], item: Type) -> None:
    for value in values:
        if hasattr(repeated, "add"):
            _into(repeated.add(), value, item)
        else:
            repeated.append(_scalar(value, item))


def _into(message: Any, value: Any, type_: Type) -> None:
    """Fill a message from a value, which JSON can write as text."""
    names = message.DESCRIPTOR.fields_by_name
    if type_.form in ("time", "microtime"):
        whole, _, fraction = value.rstrip("Z").partition(".")
        message.seconds = int(parse_time(f"{whole}Z"))
        message.nanos = int(fraction.ljust(9, "0")[:9]) if fraction else 0
    elif type_.form == "quantity":
        message.string = str(value)
    elif type_.form == "intstr":
        message.type = INTSTR_INT if isinstance(value, int) else INTSTR_STRING
        message.intVal = value if isinstance(value, int) else 0
        message.strVal = "" if isinstance(value, int) else value
    elif "raw" in names or "Raw" in names:
        setattr(message, "raw" if "raw" in names else "Raw", orjson.dumps(value))
    elif type_.form == "struct":
        _fill(message, value, type_.struct)
    elif "items" in names:  # a list with a message of its own, such as a user's extra values
        message.items.extend(value)


def _scalar(value: Any, type_: Type) -> Any:
    return base64.b64decode(value) if type_.form == "bytes" else value
