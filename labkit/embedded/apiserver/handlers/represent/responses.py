"""From a result to the response: transform, encode, add the headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labkit.embedded.apiserver.handlers.represent.encode import (
    custom_list,
    encode,
    heading,
    large_item,
    list_object,
)
from labkit.embedded.apiserver.handlers.represent.negotiation import JSON, PLAIN, YAML, Form
from labkit.embedded.apiserver.handlers.represent.parts import (
    list_parts,
    plain_parts,
    respond_in_parts,
)
from labkit.embedded.apiserver.handlers.represent.results import Many, Result
from labkit.embedded.apiserver.handlers.represent.transform import Transformer
from labkit.embedded.apiserver.registry.conversion import from_stored
from labkit.embedded.apiserver.storage import Stored
from labkit.embedded.machinery.beside import apart
from labkit.embedded.machinery.kinds import CustomKind
from labkit.embedded.machinery.request import Object, Response
from labkit.embedded.machinery.sharing import LARGE_BYTES, Encoding, share
from labkit.embedded.machinery.work import charge


def respond(
    transformer: Transformer, form: Form, result: Result, in_parts: bool = False
) -> Response:
    """Represent a result in the form that the caller asked for, perhaps in parts; 400 or 406 if it has none."""
    if isinstance(result, Many):
        return _list(transformer, form, result, in_parts)
    kind, obj, code = result
    whole = obj
    if (
        in_parts
        and form is PLAIN
        and type(obj) is Stored
        and obj.encoded is None
        and kind.stored_as is None
    ):
        large = large_item(obj)
        if large is not None:
            head = heading(obj["kind"], obj["apiVersion"])
            return Response(code, {"Content-Type": JSON}, parts=_held(large, head + b",", b"\n"))
    with apart():
        if form.as_kind or kind.stored_as is not None:
            obj = transformer.one(form, kind, obj)
        content_type, body = encode(form, obj)
    if in_parts and len(body) > LARGE_BYTES and type(whole) is Stored:
        shared = share(whole, f"one;{form.key};{kind.group_version}", lambda: body)
        return Response(code, {"Content-Type": content_type}, parts=_held(shared))
    return Response(code, {"Content-Type": content_type}, body)


def _held(encoding: Encoding, start: bytes = b"", end: bytes = b"") -> Iterator[bytes]:
    """An encoding with what stands before and after it, held until it is sent."""
    yield from (start, encoding.data, end)


def _list(transformer: Transformer, form: Form, result: Many, in_parts: bool) -> Response:
    kind, metadata, objects = result
    if form is PLAIN and kind.stored_as is None:
        parts = plain_parts(kind, metadata, objects)
        if in_parts:
            return respond_in_parts(JSON, parts)
        return Response(200, {"Content-Type": JSON}, b"".join(parts))
    charge(100 * len(objects))

    def shown(metadata: Object, objects: Sequence[Object]) -> Object:
        if form.as_kind:
            return transformer.many(form, kind, metadata, objects)
        if isinstance(kind, CustomKind):
            return custom_list(kind, metadata, objects)
        return list_object(kind, metadata, [from_stored(kind, obj) for obj in objects])

    if form.media_type == YAML or form.pretty or not objects:
        content_type, body = encode(form, shown(metadata, objects))
        return Response(200, {"Content-Type": content_type}, body)
    if form.as_kind == "Table":
        objects = transformer.in_row_order(kind, objects)
    content_type, parts = list_parts(form, metadata, objects, shown, kind.group_version)
    if in_parts:
        return respond_in_parts(content_type, parts)
    return Response(200, {"Content-Type": content_type}, b"".join(parts))
