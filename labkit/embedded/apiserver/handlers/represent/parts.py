"""Lists in parts: each is encoded when the client has taken the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain

from labkit.embedded.apiserver.handlers.represent.encode import (
    dump,
    dump_sorted,
    encode,
    item_bytes,
    large_item,
    list_ends,
    protobuf_envelope,
    protobuf_message,
)
from labkit.embedded.apiserver.handlers.represent.negotiation import JSON, PROTOBUF, Form
from labkit.embedded.apiserver.storage import Stored
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Response, Unstructured
from labkit.embedded.machinery.sharing import LARGE_BYTES, WHOLE_BYTES, share

Shown = Callable[[Object, Sequence[Object]], Object]
"""From the metadata of a list and some of its objects to the list in the caller's form."""


def respond_in_parts(content_type: str, parts: Iterator[bytes]) -> Response:
    """A response of parts, or of one body if they are small."""
    first: list[bytes] = []
    size = 0
    for part in parts:
        first.append(part)
        size += len(part)
        if not part or size > WHOLE_BYTES:
            return Response(200, {"Content-Type": content_type}, parts=chain(first, parts))
    return Response(
        200, {"Content-Type": content_type}, first[0] if len(first) == 1 else b"".join(first)
    )


def plain_parts(kind: Kind, metadata: Object, objects: Sequence[Object]) -> Iterator[bytes]:
    """A list of a built-in kind as compact JSON, of what its objects keep encoded."""
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
            gathered, size = [], 0
        if shared is not None:
            yield shared.data
        between = b","
    yield b"".join((*gathered, end))


def list_parts(
    form: Form, metadata: Object, objects: Sequence[Object], shown: Shown, version: str
) -> tuple[str, Iterator[bytes]]:
    """A list in another form that is neither YAML nor indented: its content type and its parts; 406."""
    whole = shown(metadata, ())
    key = "rows" if "rows" in whole else "items"
    whole[key] = []
    content_type, body = encode(form, whole)
    if content_type == PROTOBUF:
        return PROTOBUF, _protobuf_parts(
            whole, objects, lambda obj: protobuf_message(shown({}, (obj,))) or b""
        )
    dumped = dump_sorted if type(whole) is Unstructured else dump

    def item(obj: Object) -> bytes:
        return dumped(shown(metadata, (obj,))[key])[1:-1]

    start, empty, end = body.partition(b'"%b":[]' % key.encode())
    ends = start + empty[:-1], empty[-1:] + end
    return JSON, chain(ends[:1], _each(objects, item, f"{form.key};{version}", b","), ends[1:])


def _protobuf_parts(
    whole: Object, objects: Sequence[Object], encoded: Callable[[Object], bytes]
) -> Iterator[bytes]:
    """Encode twice: the length stands before the list, and all of it would be too much to keep."""
    head, form = protobuf_message(whole) or b"", f"message;{whole['apiVersion']};{whole['kind']}"
    length = len(head)
    for part in _each(objects, encoded, form):
        length += len(part)
        if part and length > LARGE_BYTES:
            yield b""
    start, end = protobuf_envelope(whole, length)
    yield start + head
    yield from _each(objects, encoded, form)
    yield end


def _each(
    objects: Sequence[Object], encoded: Callable[[Object], bytes], form: str, between: bytes = b""
) -> Iterator[bytes]:
    """Encode objects, as many together as fit into a part; one that is large is shared."""
    gathered: list[bytes] = []
    size = 0
    for number, obj in enumerate(objects):
        shared = share(obj, form, partial(encoded, obj))
        data = shared.data
        if number and between:
            gathered.append(between)
        size += len(data)
        if size > LARGE_BYTES:
            yield b"".join(gathered)
            yield data
            gathered, size = [], 0
        else:
            gathered.append(data)
    yield b"".join(gathered)
