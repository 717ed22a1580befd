"""The kinds that a cluster's CustomResourceDefinitions declare.

Source: k8s.io/apiextensions-apiserver ``pkg/apiserver/customresource_handler.go``; field ownership:
k8s.io/kube-openapi ``pkg/schemaconv``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.embedded.apiserver.registry.custom.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    Schema,
)
from labkit.embedded.apiserver.storage import Store
from labkit.embedded.machinery.kinds import BY_KIND, BY_RESOURCE, CRUD, CustomKind, Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import Field, Schemas, Struct, Type, schemas
from labkit.embedded.machinery.status import ApiError

DEFINITIONS = BY_KIND["apiextensions.k8s.io", "CustomResourceDefinition"]
SUBRESOURCE_VERBS = ("get", "patch", "update")
SCALARS = {"boolean": "bool", "integer": "int64", "number": "float64", "string": "string"}


def condition_of(definition: Object, type_: str) -> Object | None:
    """A condition of a definition, None if it has none of that type."""
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == type_), None)


def holds(definition: Object, type_: str) -> bool:
    """Whether a condition of a definition is true."""
    condition = condition_of(definition, type_)
    return condition is not None and condition.get("status") == "True"


class CustomKinds:
    """The custom kinds of one cluster, read from its store whenever a definition has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stale = True
        self._rows: dict[tuple[str, str, str], CustomKind] = {}
        self._made: dict[str, tuple[Object, list[CustomKind]]] = {}
        self.generation = 0
        """Counts the changes, for what is derived from the kinds."""
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
        group = f"{kind.group}/"
        # No spec has lost a version before it has changed.
        for obj in (
            self._store.list(kind.resource) if kind.definition["metadata"]["generation"] > 1 else ()
        ):
            if obj["apiVersion"].removeprefix(group) not in kind.versions:
                what = f"failed to list {kind.group_version}, Kind={kind.kind}"
                why = f"request to convert CR from an invalid group/version: {obj['apiVersion']}"
                text = f"storage is (re)initializing: {what}: {why}"
                raise ApiError(429, "TooManyRequests", text).with_retry_after(1)

    def by_kind(self, group: str, kind: str) -> Kind | None:
        """A kind by its name: a custom one in the version in which it is stored."""
        found = BY_KIND.get((group, kind))
        return found or next(
            (row for row in self.stored() if (row.group, row.kind) == (group, kind)), None
        )

    def _current(self) -> dict[tuple[str, str, str], CustomKind]:
        if self._stale:
            self._stale = False
            self.generation += 1
            self._rows = dict(self._read())
        return self._rows

    def _read(self) -> Iterator[tuple[tuple[str, str, str], CustomKind]]:
        before, self._made = self._made, {}
        for definition in self._store.list(DEFINITIONS.resource):
            if not (holds(definition, "NamesAccepted") or holds(definition, "Established")):
                continue
            uid = definition["metadata"]["uid"]
            known, rows = before.get(uid, (None, []))
            if known is not definition:
                rows = list(custom_kinds(definition))
            self._made[uid] = definition, rows
            for row in rows:
                key = row.group, row.version, row.plural
                if key not in BY_RESOURCE:
                    yield key, row


def custom_kinds(definition: Object) -> Iterable[CustomKind]:
    """The rows of a definition, one for each version."""
    spec, names = definition["spec"], definition["status"]["acceptedNames"]
    storage = next(version["name"] for version in spec["versions"] if version["storage"])
    rows: dict[str, CustomKind] = {}
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
            struct=Ownership().struct(schema, "status" in subresources),
            versions=rows,
        )
    return rows.values()


class Ownership(Schemas):
    """The types of one schema, as field ownership sees them."""

    lasting = False

    def __init__(self) -> None:
        super().__init__({})
        self._deduced = Type("deduced", "", None, "", self)

    def struct(self, schema: Schema, status: bool) -> Struct:
        """The struct of whole objects; ``status`` says whether the status is a subresource."""
        struct = self._object({**schema, EMBEDDED: True}, preserve=False).struct
        own: dict[str, Any] = {"f:status": {}} if status else {}
        struct.resets = {"": own, "status": {"f:metadata": {}, "f:spec": {}}}
        return struct

    def _of(self, schema: Schema, preserve: bool) -> Type:
        preserve = preserve or bool(schema.get(PRESERVE))
        form = schema.get("type", "")
        if schema.get(INT_OR_STRING):
            return self._deduced
        if form == "array":
            return Type("list", "", self._of(items_or_any(schema), preserve), "", self)
        if form in ("", "object"):
            return self._object(schema, preserve)
        plain = form != "string" or schema.get("format", "") in ("", "byte")
        return Type(
            SCALARS[form] if plain else "quantity", "", None, "", self
        )  # a format allows any scalar

    def _object(self, schema: Schema, preserve: bool) -> Type:
        preserve = preserve or bool(schema.get(PRESERVE))
        properties, more = dict(schema.get("properties") or {}), schema.get("additionalProperties")
        embedded = bool(schema.get(EMBEDDED))
        if not properties and not embedded:
            if isinstance(more, dict):
                return Type("map", "", self._of(more, preserve), "", self)
            return (
                self._deduced
                if schema.get("type") != "object"
                else Type("map", "", self._deduced, "", self)
            )
        fields = {name: self._field_of(name, below, preserve) for name, below in properties.items()}
        if embedded:
            text: Schema = {"type": "string"}
            fields |= {
                name: self._field_of(name, text, preserve) for name in ("apiVersion", "kind")
            }
            fields["metadata"] = schemas()["core.v1.ConfigMap"].fields["metadata"]
        name = str(len(self._structs))
        atomic = schema.get(MAP_TYPE) == "atomic"
        rest = self._deduced if preserve or more is True else None
        self._structs[name] = Struct("custom", "", fields, (), atomic, rest)
        return Type("struct", name, None, "", self)

    def _field_of(self, name: str, schema: Schema, preserve: bool) -> Field:
        return Field(
            name=name,
            type=self._of(schema, preserve),
            pointer=True,
            omit_empty=True,
            omit_zero=False,
            required=False,
            default=schema.get("default"),
            default_empty=False,
            enum=(),
            list_type=schema.get(LIST_TYPE) or "atomic",
            keys=tuple(schema.get(LIST_KEYS) or ()),
            merge_key="",
            strategies=(),
            atomic=schema.get(MAP_TYPE) == "atomic",
            go="",
            place=name,
        )


def items_or_any(schema: Schema) -> dict[str, Any]:
    """The schema of a list's items; any value where it has none."""
    items = schema.get("items")
    return items if isinstance(items, dict) else {PRESERVE: True}
