"""From a result to the response: transform, encode, add the headers."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.encode import custom_list, encode, list_bytes, list_object
from labkit.embedded.apiserver.handlers.represent.negotiation import JSON, PLAIN, Form
from labkit.embedded.apiserver.handlers.represent.results import Many, Result
from labkit.embedded.apiserver.handlers.represent.transform import Transformer
from labkit.embedded.apiserver.registry.conversion import from_stored
from labkit.embedded.machinery.kinds import CustomKind
from labkit.embedded.machinery.request import Response
from labkit.embedded.machinery.work import charge


def respond(transformer: Transformer, form: Form, result: Result) -> Response:
    """Represent a result in the form that the caller asked for; 400 or 406 if it has none."""
    if isinstance(result, Many):
        return _list(transformer, form, result)
    obj = result.object
    if form.as_kind or result.kind.stored_as is not None:
        obj = transformer.one(form, result.kind, obj)
    content_type, body = encode(form, obj)
    return Response(result.code, {"Content-Type": content_type}, body)


def _list(transformer: Transformer, form: Form, result: Many) -> Response:
    kind, metadata, objects = result
    if form is not PLAIN:
        charge(100 * len(objects))
    if form.as_kind:
        shown = transformer.many(form, kind, metadata, objects)
    elif isinstance(kind, CustomKind):
        shown = custom_list(kind, metadata, objects)
    else:
        if kind.stored_as is not None:
            objects = [from_stored(kind, obj) for obj in objects]
        if form is PLAIN:
            return Response(200, {"Content-Type": JSON}, list_bytes(kind, metadata, objects) + b"\n")
        shown = list_object(kind, metadata, objects)
    content_type, body = encode(form, shown)
    return Response(200, {"Content-Type": content_type}, body)
