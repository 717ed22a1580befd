"""The events of a watch as bytes."""

from dataclasses import dataclass, replace
from functools import cache

from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.request import Object, Unstructured
from kube_embedded.machinery.schema import schemas
from kube_embedded.machinery.schema.decoding import Decoder
from kube_embedded.machinery.schema.ordering import in_order

from ...registry.conversion import from_stored
from .encode import object_bytes, protobuf_event
from .negotiation import PROTOBUF, Form, Table
from .transform import Transformer, partial


@dataclass(frozen=True, slots=True)
class EventEncoder:
    """Encodes the events of one watch."""

    transformer: Transformer
    kind: Kind
    form: Form
    table: Table | None

    def key(self, type_: str) -> str:
        """Identify the encoding of an event among those that watches share."""
        version = self.kind.group_version if self.kind.stored_as is not None else ""
        if isinstance(self.kind, CustomKind):
            # The schema decides which fields of a stored object are shown.
            version += f";{self.kind.definition['metadata']['resourceVersion']}"
        return f"{type_};{self.form.key};{self.table and self.table.include};{version}"

    def event(self, type_: str, obj: Object, headers: bool = False) -> bytes:
        """Encode one event of an object as it is stored, with its newline.

        ``headers``: a Table has its column definitions.
        """
        if self.table is not None:
            options = replace(self.table, headers=headers)
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            obj = self.transformer.table(self.kind, [in_order(obj)], metadata, options)
        elif self.form.as_kind:
            obj = partial(self.form.meta_version, obj)
        else:
            obj = from_stored(self.kind, obj)
        return self.raw(type_, obj)

    def raw(self, type_: str, obj: Object) -> bytes:
        """Encode an event whose object is not transformed, such as a Status."""
        if self.form.media_type == PROTOBUF:
            return protobuf_event(type_, obj)
        return b'{"type":"%b","object":%b}\n' % (type_.encode(), object_bytes(obj))

    def bookmark(self, revision: int, annotations: dict[str, str] | None = None) -> bytes:
        """Encode a BOOKMARK: the watcher has seen every change up to a revision."""
        metadata: Object = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        obj: Object = {"kind": self.kind.kind, "apiVersion": self.kind.group_version}
        if isinstance(self.kind, CustomKind):
            obj = Unstructured(obj)
        else:
            obj |= _empty(self.kind.group, self.kind.version, self.kind.kind)
        obj["metadata"] = metadata
        # It is in the version of the request already.
        return (self.event if self.form.as_kind else self.raw)("BOOKMARK", obj)


@cache
def _empty(group: str, version: str, kind: str) -> Object:
    """An empty object, with the fields that Go prints nevertheless."""
    struct = schemas().of_kind(group, version, kind)
    assert struct is not None, kind
    return Decoder().decode(struct, {})
