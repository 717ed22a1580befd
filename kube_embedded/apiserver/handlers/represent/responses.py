"""The results of handlers, and their way to a response: transform, encode, add the headers.

A long list is sent in parts: each is encoded when the client has taken the one before.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from kube_embedded.machinery.beside import apart
from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.releases import differs
from kube_embedded.machinery.request import Object, Request, Response, Unstructured
from kube_embedded.machinery.sharing import LARGE_BYTES, WHOLE_BYTES, Encoding, share
from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import charge

from ...registry.conversion import from_stored
from ...storage import Stored
from .encode import (
    custom_list,
    dump,
    dump_sorted,
    encode,
    heading,
    item_bytes,
    large_item,
    list_ends,
    list_object,
    protobuf_envelope,
    protobuf_message,
)
from .negotiation import JSON, PLAIN, PROTOBUF, YAML, Form, negotiate_error
from .transform import Transformer

PLAIN_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
"""Headers of errors that Go's ``http.Error`` writes."""


class One(NamedTuple):
    """One object, or a Status."""

    kind: Kind
    object: Object
    code: int = 200


class Many(NamedTuple):
    """A list of a kind: its own metadata, and the items, with kind and apiVersion."""

    kind: Kind
    metadata: Object
    objects: Sequence[Object]


Result = One | Many
Operation = Callable[[Request, Kind], Result]
"""Answers a request of one kind, verb and subresource; raises ``ApiError``."""
Render = Callable[[Object, Sequence[Object]], Object]
"""From the metadata of a list and some of its objects to the list in the caller's form."""


def success(kind: Kind) -> One:
    """201 with a Status that reports success."""
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return One(kind, {**status, "code": 201}, 201)


def error_response(request: Request, error: ApiError) -> Response:
    """The Status of an error, in a form that the caller accepts."""
    form = negotiate_error(request)
    status = error.to_status()
    if form is PLAIN:  # a Status has its fields in order already
        content_type = JSON
        body = dump(status) + b"\n"
    else:
        content_type, body = encode(form, status)
    return Response(error.code, {"Content-Type": content_type, **error.headers}, body)


def page_not_found() -> Response:
    """Return a 404 for a path without a route: in plain text, and from 1.38 on as a Status."""
    if differs("unknown paths"):
        raise ApiError(404, "NotFound", "the server could not find the requested resource")
    return Response(404, dict(PLAIN_TEXT), b"404 page not found\n")


def respond(
    transformer: Transformer, form: Form, result: Result, *, in_parts: bool = False
) -> Response:
    """Represent a result in the form that the caller asked for, perhaps in parts; 400 or 406 if it has none."""
    if isinstance(result, Many):
        return _list(transformer, form, result, in_parts)
    kind, obj, code = result
    headers = {"Content-Type": JSON}
    large = large_item(obj) if in_parts and form is PLAIN and kind.stored_as is None else None
    if large is not None:
        head = heading(obj["kind"], obj["apiVersion"])
        return Response(code, headers, parts=_held(large, head + b",", b"\n"))
    with apart():
        converted = form.as_kind or kind.stored_as is not None
        view = transformer.one(form, kind, obj) if converted else obj
        headers["Content-Type"], body = encode(form, view)
    # Only a stored object is read by several clients, who can share its bytes.
    if in_parts and len(body) > LARGE_BYTES and type(obj) is Stored:
        shared = share(obj, f"one;{form.key};{kind.group_version}", lambda: body)
        return Response(code, headers, parts=_held(shared))
    return Response(code, headers, body)


def _held(encoding: Encoding, start: bytes = b"", end: bytes = b"") -> Iterator[bytes]:
    """An encoding between other bytes; this generator holds it until it is sent."""
    yield from (start, encoding.data, end)


def _list(transformer: Transformer, form: Form, result: Many, in_parts: bool) -> Response:
    kind, metadata, objects = result
    if form is PLAIN and kind.stored_as is None:
        return _joined(JSON, _plain_parts(kind, metadata, objects), in_parts)
    charge(100 * len(objects))

    def render(metadata: Object, objects: Sequence[Object]) -> Object:
        if form.as_kind:
            return transformer.many(form, kind, metadata, objects)
        if isinstance(kind, CustomKind):
            return custom_list(kind, metadata, objects)
        return list_object(kind, metadata, [from_stored(kind, obj) for obj in objects])

    # YAML and indented JSON cannot be put together from items: these are written by their depth.
    if form.media_type == YAML or form.pretty or not objects:
        content_type, body = encode(form, render(metadata, objects))
        return Response(200, {"Content-Type": content_type}, body)
    # Rows are rendered one by one later, so they are sorted now.
    if form.as_kind == "Table":
        objects = transformer.in_row_order(kind, objects)
    content_type, parts = _list_parts(form, metadata, objects, render, kind.group_version)
    return _joined(content_type, parts, in_parts)


def _joined(content_type: str, parts: Iterator[bytes], in_parts: bool) -> Response:
    """A response of one body, or of parts if they are allowed and not small."""
    headers = {"Content-Type": content_type}
    first: list[bytes] = []
    size = 0
    for part in parts if in_parts else ():
        first.append(part)
        size += len(part)
        # An empty part means that more than fits follows.
        if not part or size > WHOLE_BYTES:
            return Response(200, headers, parts=chain(first, parts))
    body = b"".join(first) if in_parts else b"".join(parts)
    return Response(200, headers, body)


def _plain_parts(kind: Kind, metadata: Object, objects: Sequence[Object]) -> Iterator[bytes]:
    """Yield a list of a built-in kind as compact JSON, joined from the cached bytes of its objects.

    The loop calls no function for an object that is encoded already, because a list spends most of its time here.
    """
    start, end = list_ends(kind, metadata)
    gathered = [start]
    size = 0
    between = b""
    for obj in objects:
        known = obj.encoded if type(obj) is Stored else None
        shared = None if known else large_item(obj)
        item = b"{" if shared is not None else known or item_bytes(obj)
        gathered += between, item
        size += len(item)
        if shared is not None or size > LARGE_BYTES:
            yield b"".join(gathered)
            gathered = []
            size = 0
        if shared is not None:
            yield shared.data
        between = b","
    yield b"".join((*gathered, end))


def _list_parts(
    form: Form, metadata: Object, objects: Sequence[Object], render: Render, version: str
) -> tuple[str, Iterator[bytes]]:
    """A list in a form that is neither YAML nor indented: its content type and its parts; 406."""
    whole = render(metadata, ())
    key = "rows" if "rows" in whole else "items"
    whole[key] = []
    content_type, body = encode(form, whole)
    if content_type == PROTOBUF:
        return PROTOBUF, _protobuf_parts(whole, objects, render)
    dumped = dump_sorted if type(whole) is Unstructured else dump

    def item(obj: Object) -> bytes:
        return dumped(render(metadata, (obj,))[key])[1:-1]

    # The empty list is written once, and the items are put between its brackets.
    start, empty, end = body.partition(b'"%b":[]' % key.encode())
    items = _items(objects, item, f"{form.key};{version}", b",")
    return JSON, chain((start + empty[:-1],), items, (empty[-1:] + end,))


def _protobuf_parts(whole: Object, objects: Sequence[Object], render: Render) -> Iterator[bytes]:
    """Encode twice: the length precedes the list, and buffering the whole list would take too much memory."""

    def parts() -> Iterator[bytes]:
        return _items(objects, lambda obj: protobuf_message(render({}, (obj,))) or b"", form)

    head = protobuf_message(whole) or b""
    form = f"message;{whole['apiVersion']};{whole['kind']}"
    length = len(head)
    for part in parts():
        length += len(part)
        if part and length > LARGE_BYTES:
            yield b""
    start, end = protobuf_envelope(whole, length)
    yield start + head
    yield from parts()
    yield end


def _items(
    objects: Sequence[Object], encoded: Callable[[Object], bytes], form: str, between: bytes = b""
) -> Iterator[bytes]:
    """Encode objects, as many together as fit into a part; one that is large is shared."""
    gathered: list[bytes] = []
    size = 0
    for number, obj in enumerate(objects):
        shared = share(obj, form, partial(encoded, obj))
        if number and between:
            gathered.append(between)
        size += len(shared.data)
        if size > LARGE_BYTES:
            yield b"".join(gathered)
            yield shared.data
            gathered = []
            size = 0
        else:
            gathered.append(shared.data)
    yield b"".join(gathered)
