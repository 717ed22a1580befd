"""The answer to a request for one object, in the form the caller asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from labkit.embedded.apiserver.handlers.represent.encode import (
    dump,
    dump_pretty,
    in_order,
    list_bytes,
    list_object,
    object_bytes,
    protobuf_bytes,
    yaml_bytes,
)
from labkit.embedded.apiserver.handlers.represent.negotiation import (
    JSON,
    PROTOBUF,
    YAML,
    Form,
    negotiate_error,
    not_acceptable,
)
from labkit.embedded.apiserver.registry.conversion import from_stored
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Request, Response
from labkit.embedded.machinery.status import ApiError, bad_request

if TYPE_CHECKING:
    from labkit.embedded.apiserver.handlers.represent.tables.model import Table

INCLUDES = ("", "None", "Metadata", "Object")


def respond(code: int, form: Form, obj: Object, headers: Mapping[str, str] | None = None) -> Response:
    """An object as the response, in a media type."""
    content_type = form.media_type
    body: bytes | None
    if content_type == YAML:
        body = yaml_bytes(obj)
    elif form.pretty:
        body = dump_pretty(in_order(obj))
    else:
        body = protobuf_bytes(obj) if content_type == PROTOBUF else None
    if body is None:  # JSON, or a kind that protobuf has no message for
        content_type = JSON
        body = object_bytes(obj) + b"\n"
    return Response(code, {"Content-Type": content_type, **(headers or {})}, body)


def error_response(request: Request, error: ApiError) -> Response:
    """The Status that an error says, in a form the caller takes."""
    form, status = negotiate_error(request), error.to_status()
    if form.plain:  # a Status is written in order already
        return Response(error.code, {"Content-Type": JSON, **error.headers}, dump(status) + b"\n")
    return respond(error.code, form, status, error.headers)


class Responder:
    """Makes answers of objects.

    Args:
        clock: Seconds since the epoch, for the ages in tables.
        era: Which columns service accounts have.
    """

    def __init__(self, clock: Callable[[], float], era: str = "now") -> None:
        self._clock = clock
        self._era = era

    def object(self, request: Request, form: Form, code: int, kind: Kind, obj: Object) -> Response:
        """One object (or a Status, which is never transformed).

        Raises:
            ApiError: 400 or 406: it cannot be had in that form.
        """
        if form.as_kind and obj.get("kind") != "Status":
            obj = self._one_as(request, form, kind, obj)
        elif obj.get("kind") == kind.kind:
            obj = from_stored(kind, obj)
        return respond(code, form, obj)

    def list(self, request: Request, form: Form, kind: Kind, metadata: Object, objects: Iterable[Object]) -> Response:
        """A list.

        Args:
            request: For a Table's options.
            form: What is asked for.
            kind: Of the objects.
            metadata: Of the list.
            objects: The items.

        Raises:
            ApiError: 400 or 406: it cannot be had in that form.
        """
        if kind.stored_as is not None and not form.as_kind:
            objects = [from_stored(kind, obj) for obj in objects]
        if form.plain:
            return Response(200, {"Content-Type": JSON}, list_bytes(kind, metadata, objects) + b"\n")
        if not form.as_kind:
            whole = list_object(kind, metadata, objects)
        elif form.as_kind == "Table":
            whole = self.table(kind, map(in_order, objects), metadata, table_options(request, form))
        elif form.as_kind == "PartialObjectMetadataList":
            whole = {
                "kind": "PartialObjectMetadataList",
                "apiVersion": f"meta.k8s.io/{form.meta_version}",
                "metadata": metadata,
                "items": [partial(form.meta_version, obj) for obj in objects] or None,
            }
        else:
            raise unwanted(form, f"a list (*{go_package(kind)}.{kind.kind}List)")
        return respond(200, form, whole)

    def table(self, kind: Kind, objects: Iterable[Object], metadata: Object, wanted: Table) -> Object:
        """The Table that shows some objects."""
        table = self._rendered(kind.resource, objects, metadata, wanted)
        if kind.stored_as is not None and wanted.include == "Object":
            for row in table["rows"] or ():
                row["object"] = from_stored(kind, row["object"])
        return table

    def _rendered(self, resource: str, objects: Iterable[Object], metadata: Object, wanted: Table) -> Object:
        # All kinds' columns are loaded with the first table.
        from labkit.embedded.apiserver.handlers.represent.tables.registry import printer_of
        from labkit.embedded.apiserver.handlers.represent.tables.render import render_table

        return render_table(printer_of(resource, self._era), objects, metadata, self._clock(), wanted)

    def _one_as(self, request: Request, form: Form, kind: Kind, obj: Object) -> Object:
        if form.as_kind == "Table":
            metadata: dict[str, Any] = {}
            if "resourceVersion" in obj.get("metadata", {}):
                metadata["resourceVersion"] = obj["metadata"]["resourceVersion"]
            wanted = table_options(request, form)
            if obj.get("kind") == "Scale":
                return self._rendered("scale", [obj], metadata, wanted)
            return self.table(kind, [in_order(obj)], metadata, wanted)
        if form.as_kind == "PartialObjectMetadata":
            return partial(form.meta_version, obj)
        raise unwanted(form, f"not a list (*{go_package(kind)}.{kind.kind})")


def partial(version: str, obj: Object) -> Object:
    """An object's metadata alone."""
    metadata = in_order(obj).get("metadata", {})
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": metadata}


def unwanted(form: Form, what: str) -> ApiError:
    """406: a list was asked for where there is one object, or the other way round."""
    return not_acceptable(f"you requested {form.as_kind}, but the requested object is {what}")


def go_package(kind: Kind) -> str:
    """The package of a kind's Go type, which some messages name."""
    return kind.group.partition(".")[0] or "core"


def table_options(request: Request, form: Form) -> Table:
    """A Table's options.

    Raises:
        ApiError: 400.
    """
    from labkit.embedded.apiserver.handlers.represent.tables.model import Table

    include = request.param("includeObject")
    if include not in INCLUDES:
        raise bad_request(
            "Unable to convert to Table as requested: includeObject: Invalid value: "
            f"{go_quote(include)}: must be 'Metadata', 'Object', 'None', or empty"
        )
    return Table(include or "Metadata", form.meta_version)
