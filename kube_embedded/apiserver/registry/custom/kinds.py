"""The kinds that a cluster's CustomResourceDefinitions declare.

Source: k8s.io/apiextensions-apiserver ``pkg/apiserver/customresource_handler.go``; field ownership:
k8s.io/kube-openapi ``pkg/schemaconv``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kube_embedded.machinery.kinds import BY_KIND, BY_RESOURCE, CRUD, CustomKind, Kind
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema import Field, Schemas, Struct, Type, schemas
from kube_embedded.machinery.status import ApiError

from ...storage import Store
from .structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    Schema,
    items_of,
)

DEFINITIONS = BY_KIND["apiextensions.k8s.io", "CustomResourceDefinition"]
SUBRESOURCE_VERBS = ("get", "patch", "update")
IMPLIED: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {}}
"""The fields of an embedded object, whose metadata is not decoded and so can be anything."""
SCALARS = {"boolean": "bool", "integer": "int64", "number": "float64", "string": "string"}


def condition_of(definition: Object, type_: str) -> Object | None:
    """A condition of a definition, None if it has none of that type."""
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == type_), None)


def holds(definition: Object, type_: str) -> bool:
    """Return whether a condition of a definition is true."""
    return (condition_of(definition, type_) or {}).get("status") == "True"


class CustomKinds:
    """The custom kinds of one cluster, read from its store whenever a definition has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stale = True
        self._rows: dict[tuple[str, str, str], CustomKind] = {}
        self._made: dict[str, tuple[Object, list[CustomKind]]] = {}
        self.generation = 0
        """Counts the changes, for what is derived from the kinds."""
        # Read again only when a kind is asked for, since definitions often change several times in a row.
        store.follow(DEFINITIONS.resource, self._forget)

    def _forget(self) -> None:
        self._stale = True

    def __iter__(self) -> Iterator[CustomKind]:
        return iter(self._current().values())

    def served(self) -> list[CustomKind]:
        """The versions that are served, of definitions that are established, in the order of their names."""
        return [
            row
            for row in self
            if row.version_spec["served"] and holds(row.definition, "Established")
        ]

    def stored(self) -> list[CustomKind]:
        """The versions in which objects are stored, one of each definition."""
        return [row for row in self if row.version_spec["storage"]]

    def counted(self) -> set[str]:
        """The resources whose objects quotas count."""
        return {row.resource for row in self if row.namespaced}

    def find(self, group: str, version: str, plural: str) -> CustomKind | None:
        """The served kind of a resource."""
        row = self._current().get((group, version, plural))
        return row if row is not None and row.version_spec["served"] else None

    def check_readable(self, kind: CustomKind) -> None:
        """Raise the 429 of a collection that no watch cache can serve: an object's version is gone."""
        # A definition that never changed has lost no version, and most never change.
        changed = kind.definition["metadata"]["generation"] > 1
        for obj in self._store.list(kind.resource) if changed else ():
            version = obj["apiVersion"]
            if version.removeprefix(f"{kind.group}/") not in kind.versions:
                text = (
                    f"storage is (re)initializing: failed to list {kind.group_version}, Kind={kind.kind}: "
                    f"request to convert CR from an invalid group/version: {version}"
                )
                raise ApiError(429, "TooManyRequests", text).with_retry_after(1)

    def by_kind(self, group: str, kind: str) -> Kind | None:
        """A kind by its name: a custom one in the version in which it is stored."""
        if (group, kind) in BY_KIND:
            return BY_KIND[group, kind]
        return next((row for row in self.stored() if (row.group, row.kind) == (group, kind)), None)

    def _current(self) -> dict[tuple[str, str, str], CustomKind]:
        if self._stale:
            self._stale = False
            self.generation += 1
            self._rows = dict(self._read())
        return self._rows

    def _read(self) -> Iterator[tuple[tuple[str, str, str], CustomKind]]:
        before = self._made
        self._made = {}
        for definition in self._store.list(DEFINITIONS.resource):
            if not (holds(definition, "NamesAccepted") or holds(definition, "Established")):
                continue
            uid = definition["metadata"]["uid"]
            known, rows = before.get(uid, (None, []))
            # The types of a large schema are slow to build, so only a changed definition's types are rebuilt.
            if known is not definition:
                rows = list(custom_kinds(definition))
            self._made[uid] = definition, rows
            for row in rows:
                key = row.group, row.version, row.plural
                # The server's own kinds cannot be replaced.
                if key not in BY_RESOURCE:
                    yield key, row


def custom_kinds(definition: Object) -> Iterable[CustomKind]:
    """The rows of a definition, one for each version."""
    spec = definition["spec"]
    names = definition["status"]["acceptedNames"]
    # Validation has made sure that there is exactly one.
    storage = next(version["name"] for version in spec["versions"] if version["storage"])
    rows: dict[str, CustomKind] = {}
    # Each row refers to the others, because an object can be stored in any of them.
    for version in spec["versions"]:
        schema: Schema = (version.get("schema") or {}).get("openAPIV3Schema") or {PRESERVE: True}
        if spec.get("preserveUnknownFields"):
            schema = {**schema, PRESERVE: True}
        subresources = version.get("subresources") or {}
        rows[version["name"]] = CustomKind(
            group=spec["group"],
            version=version["name"],
            kind=names["kind"],
            plural=names["plural"],
            namespaced=spec["scope"] == "Namespaced",
            verbs=CRUD,
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            subresources={
                name: SUBRESOURCE_VERBS for name in ("status", "scale") if name in subresources
            },
            stored_as=(spec["group"], storage),
            definition=definition,
            version_spec=version,
            schema=schema,
            struct=Ownership().struct(schema, status="status" in subresources),
            versions=rows,
        )
    return rows.values()


class Ownership(Schemas):
    """The types of one schema, as field ownership sees them."""

    # Types of a schema end with its definition, and so must not be cached by their ids.
    lasting = False

    def __init__(self) -> None:
        super().__init__({})
        self._deduced = self._made("deduced")

    def struct(self, schema: Schema, *, status: bool) -> Struct:
        """The struct of whole objects; ``status``: the status is a subresource."""
        struct = self._object({**schema, EMBEDDED: True}, preserve=False).struct
        struct.fields["metadata"] = schemas()["core.v1.ConfigMap"].fields["metadata"]
        own: Object = {"f:status": {}} if status else {}
        struct.resets = {"": own, "status": {"f:metadata": {}, "f:spec": {}}}
        return struct

    def _made(self, form: str, element: Type | None = None, name: str = "") -> Type:
        return Type(form, name, element, "", self)

    def _of(self, schema: Schema, *, preserve: bool) -> Type:
        preserve = preserve or bool(schema.get(PRESERVE))
        form = schema.get("type", "")
        if schema.get(INT_OR_STRING):
            return self._deduced
        if form == "array":
            items = items_of(schema)
            preserve = preserve or items is None
            return self._made("list", self._of(items or {}, preserve=preserve))
        if form in ("", "object"):
            return self._object(schema, preserve=preserve)
        # kube-openapi lets a text with a format be any scalar, and "quantity" is that here.
        plain = form != "string" or schema.get("format", "") in ("", "byte")
        return self._made(SCALARS[form] if plain else "quantity")

    def _object(self, schema: Schema, *, preserve: bool) -> Type:
        preserve = preserve or bool(schema.get(PRESERVE))
        properties = dict(schema.get("properties") or {})
        more = schema.get("additionalProperties")
        if schema.get(EMBEDDED):
            properties |= IMPLIED
        if not properties:
            if isinstance(more, dict):
                return self._made("map", self._of(more, preserve=preserve))
            is_map = schema.get("type") == "object"
            return self._made("map", self._deduced) if is_map else self._deduced
        fields = {
            name: self._own_field(name, below, preserve) for name, below in properties.items()
        }
        name = str(len(self._structs))
        atomic = schema.get(MAP_TYPE) == "atomic"
        rest = self._deduced if preserve or more is True else None
        self._structs[name] = Struct("custom", "", fields, (), atomic, rest)
        return self._made("struct", name=name)

    def _own_field(self, name: str, schema: Schema, preserve: bool) -> Field:
        # No other property of an ordinary optional field matters to ownership.
        return replace(
            schemas()["core.v1.ConfigMap"].fields["data"],
            name=name,
            type=self._of(schema, preserve=preserve),
            pointer=True,  # an empty value is a value
            default=schema.get("default"),
            list_type=schema.get(LIST_TYPE) or "atomic",
            keys=tuple(schema.get(LIST_KEYS) or ()),
            atomic=schema.get(MAP_TYPE) == "atomic",
        )
