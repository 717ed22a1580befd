"""The other kinds in which an object can be asked for: Table and PartialObjectMetadata.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/response.go``.
"""

from collections.abc import Iterable, Sequence

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.releases import Release
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema.ordering import in_order
from kube_embedded.machinery.status import ApiError, bad_request
from kube_embedded.machinery.steady_clock import Clock

from ...registry.conversion import from_stored
from .negotiation import Form, Table, not_acceptable


class Transformer:
    """Converts stored objects to the kind and version of a form; ``release`` is passed on to ``printer_of``."""

    def __init__(self, clock: Clock, release: Release | None = None) -> None:
        self._clock = clock
        self._release = release or Release()

    def one(self, form: Form, kind: Kind, obj: Object) -> Object:
        """Transform one object (a Status stays); 400 for bad options of a Table, 406 for a form of lists."""
        if not form.as_kind or obj.get("kind") == "Status":
            return from_stored(kind, obj) if obj.get("kind") == kind.kind else obj
        if form.as_kind == "PartialObjectMetadata":
            return partial(form.meta_version, obj)
        if form.as_kind != "Table":
            raise _unwanted(form, kind, "not a list (*{})")
        own = obj.get("metadata", {})
        metadata = {key: own[key] for key in ("resourceVersion",) if key in own}
        # A scale is printed as one, whatever it scales.
        resource = "scale" if obj.get("kind") == "Scale" and kind.kind != "Scale" else ""
        return self.table(kind, [in_order(obj)], metadata, table_options(form), resource)

    def many(self, form: Form, kind: Kind, metadata: Object, objects: Iterable[Object]) -> Object:
        """Transform a list; 400 for bad options of a Table, 406 for a form that only single objects have."""
        if form.as_kind == "Table":
            return self.table(kind, map(in_order, objects), metadata, table_options(form))
        if form.as_kind == "PartialObjectMetadataList":
            return {
                "kind": "PartialObjectMetadataList",
                "apiVersion": f"meta.k8s.io/{form.meta_version}",
                "metadata": metadata,
                "items": [partial(form.meta_version, obj) for obj in objects] or None,
            }
        raise _unwanted(form, kind, "a list (*{}List)")

    def in_row_order(self, kind: Kind, objects: Sequence[Object]) -> Sequence[Object]:
        """Objects of a list in the order of a Table's rows."""
        from .tables.registry import printer_of

        order = (
            None if isinstance(kind, CustomKind) else printer_of(kind.resource, self._release).order
        )
        return objects if order is None else sorted(objects, key=order)

    def table(
        self,
        kind: Kind,
        objects: Iterable[Object],
        metadata: Object,
        form: Table,
        resource: str = "",
    ) -> Object:
        """Print objects as a Table, with the columns of ``resource`` if they are not the kind's."""
        # All kinds' columns are loaded with the first table.
        from .tables.registry import printer_of, render_table

        if isinstance(kind, CustomKind) and not resource:
            from .tables.custom import custom_printer

            printer = custom_printer(kind)
            objects = [from_stored(kind, obj) for obj in objects]
        else:
            printer = printer_of(resource or kind.resource, self._release)
        table = render_table(printer, objects, metadata, self._clock(), form)
        # Columns read the stored version, but the object is in the version of the request.
        native = kind.stored_as is not None and not isinstance(kind, CustomKind)
        if native and form.include == "Object":
            for row in table["rows"] or ():
                row["object"] = from_stored(kind, row["object"])
        return table


def partial(version: str, obj: Object) -> Object:
    """An object's metadata alone."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": in_order(obj).get("metadata", {}),
    }


def table_options(form: Form) -> Table:
    """The options of a Table; 400 if they are invalid."""
    if form.include not in ("", "None", "Metadata", "Object"):
        raise bad_request(
            "Unable to convert to Table as requested: includeObject: Invalid value: "
            f"{go_quote(form.include)}: must be 'Metadata', 'Object', 'None', or empty"
        )
    return Table(form.include or "Metadata", form.meta_version)


def _unwanted(form: Form, kind: Kind, found: str) -> ApiError:
    """Return a 406: the caller requested a list where there is one object, or the other way round."""
    # The real server names its Go type.
    what = found.format(f"{kind.group.partition('.')[0] or 'core'}.{kind.kind}")
    return not_acceptable(f"you requested {form.as_kind}, but the requested object is {what}")
