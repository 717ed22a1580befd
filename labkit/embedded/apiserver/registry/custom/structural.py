"""Pruning, defaults and nulls by a structural schema, and embedded metadata. Values are changed in place.

Source: k8s.io/apiextensions-apiserver ``pkg/apiserver/schema/{pruning,defaulting,objectmeta,listtype}``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import orjson

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_metadata
from labkit.embedded.apiserver.registry.names import dns_1035_label, path_segment_name
from labkit.embedded.apiserver.registry.sizes import Growth
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.schema.decoding import DecodeProblem, Decoder
from labkit.embedded.machinery.work import charge

Schema = dict[str, Any]
"""``JSONSchemaProps`` as decoded JSON."""

META_FIELDS = ("apiVersion", "kind", "metadata")
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
NODE_COST = 3
CONTAINERS = (dict, list)
"""What rules can look into. Lists may have a million other items, which cost no call."""


def inner(schema: Schema | None, name: str) -> Schema | None:
    """The schema of a field: of the property, else of additional properties."""
    if schema is None:
        return None
    found: Schema | None = (schema.get("properties") or {}).get(name)
    more = schema.get("additionalProperties")
    return found if found is not None else more if isinstance(more, dict) else None


def items_of(schema: Schema | None) -> Schema | None:
    """The schema of a list's items."""
    items = schema.get("items") if schema is not None else None
    return items if isinstance(items, dict) else None


def child_path(path: str, name: str) -> str:
    """The path of a field."""
    return f"{path}.{name}" if path else name


def prune(
    value: Any, schema: Schema | None, unknown: list[str], path: str = "", *, root: bool = False
) -> None:
    """Remove the fields that a schema does not declare, and collect their paths."""
    if isinstance(value, list):
        charge(NODE_COST * len(value))
        below = items_of(schema)
        if schema is not None and schema.get(PRESERVE):
            below = {**(below or {}), PRESERVE: True}
        for index, item in enumerate(value):
            if isinstance(item, CONTAINERS):
                prune(item, below, unknown, f"{path}[{index}]")
        return
    if not isinstance(value, dict):
        return
    charge(NODE_COST * len(value))
    known = schema or {}
    properties, more = known.get("properties") or {}, known.get("additionalProperties")
    embedded = root or known.get(EMBEDDED, False)
    for name in list(value):
        if embedded and name in META_FIELDS:
            continue
        if name in properties or more is not None:
            if isinstance(value[name], CONTAINERS):
                prune(value[name], inner(schema, name), unknown, child_path(path, name))
        elif not known.get(PRESERVE):
            unknown.append(child_path(path, name))
            del value[name]


def drop_nulls(value: Any, schema: Schema | None) -> None:
    """Remove nulls that are neither allowed nor replaced by a default."""
    if isinstance(value, dict):
        for name, item in list(value.items()):
            below = inner(schema, name)
            if (
                item is None
                and below is not None
                and not below.get("nullable")
                and below.get("default") is None
            ):
                del value[name]
            elif isinstance(item, CONTAINERS):
                drop_nulls(item, below)
    elif isinstance(value, list):
        below = items_of(schema)
        for item in value:
            if isinstance(item, CONTAINERS):
                drop_nulls(item, below)


def set_defaults(value: Any, schema: Schema | None, growth: Growth) -> None:
    """Set the defaults of missing fields, and of nulls that are not allowed; 500 if they are too large."""
    if schema is None:
        return
    if isinstance(value, dict):
        for name, below in (schema.get("properties") or {}).items():
            if below.get("default") is not None and (
                name not in value or _null(value[name], below)
            ):
                value[name] = _default(below, growth)
        for name in value:
            found = inner(schema, name)
            if found is not None and _null(value[name], found):
                value[name] = _default(found, growth)
            if isinstance(value[name], CONTAINERS):
                set_defaults(value[name], found, growth)
    elif isinstance(value, list):
        below = items_of(schema)
        for index, item in enumerate(value):
            if item is None and below is not None and _null(item, below):
                value[index] = _default(below, growth)
            if isinstance(value[index], CONTAINERS):
                set_defaults(value[index], below, growth)


def _default(schema: Schema, growth: Growth) -> Any:
    growth.add(schema)
    return copy.deepcopy(schema.get("default"))


def _null(value: Any, schema: Schema) -> bool:
    return value is None and not schema.get("nullable")


def read_metadata(data: Any, unknown: list[str], path: str = "") -> Object:
    """Decode metadata, collecting unknown fields; ``DecodeProblem`` if a value has the wrong type."""
    strict: list[str] = []
    metadata = Decoder(strict, defaults=False).decode(schemas()["meta.v1.ObjectMeta"], data)
    if metadata.get("creationTimestamp") is None:
        metadata.pop("creationTimestamp", None)
    prefix = child_path(path, "metadata")
    unknown += [f"{prefix}.{text.split(chr(34))[1]}" for text in strict]
    return metadata


def coerce_embedded(value: Any, schema: Schema | None, unknown: list[str], path: str = "") -> None:
    """Decode the metadata of embedded objects; ``DecodeProblem`` if it is invalid."""
    for holder, place in _embedded(value, schema, path):
        for name in ("apiVersion", "kind"):
            if name in holder and not isinstance(holder[name], str):
                shown = orjson.dumps(holder[name]).decode()
                raise DecodeProblem(
                    f"{child_path(place, name)}: Invalid value: {shown}: must be a string"
                )
        if "metadata" in holder:
            try:
                holder["metadata"] = read_metadata(holder["metadata"], unknown, place)
            except DecodeProblem as error:
                shown = orjson.dumps(holder["metadata"], option=orjson.OPT_SORT_KEYS).decode()
                problem = f"{child_path(place, 'metadata')}: Invalid value: {shown}: {error}"
                raise DecodeProblem(problem) from error


def _embedded(value: Any, schema: Schema | None, path: str) -> Iterator[tuple[Object, str]]:
    if schema is None:
        return
    if isinstance(value, dict):
        if schema.get(EMBEDDED):
            yield value, path
        for name in sorted(value):
            if isinstance(value[name], CONTAINERS):
                yield from _embedded(value[name], inner(schema, name), child_path(path, name))
    elif isinstance(value, list):
        below = items_of(schema)
        for index, item in enumerate(value):
            if isinstance(item, CONTAINERS):
                yield from _embedded(item, below, f"{path}[{index}]")


def check_embedded(value: Any, schema: Schema | None, errors: FieldErrors, path: str = "") -> None:
    """Check the type and the metadata of embedded objects."""
    for holder, place in _embedded(value, schema, path):
        for name in ("apiVersion", "kind"):
            field, found = child_path(place, name), holder.get(name)
            if name not in holder:
                errors.required(field)
            elif not found:
                errors.invalid(field, found, "must not be empty")
            elif name == "apiVersion" and found.count("/") > 1:
                errors.invalid(field, found, f"unexpected GroupVersion string: {found}")
            elif name == "kind":
                problems = ",".join(dns_1035_label(found.lower()))
                text = f"may have mixed case, but should otherwise match: {problems}"
                errors.check_problem(field, found, text if problems else "")
        metadata = holder.get("metadata")
        if metadata is not None:
            named = {**metadata, "name": metadata.get("name") or "fakename"}
            namespaced = bool(metadata.get("namespace"))
            validate_metadata(
                named, namespaced, path_segment_name, errors, child_path(place, "metadata")
            )


def check_lists(value: Any, schema: Schema | None, errors: FieldErrors, path: str = "") -> None:
    """Check that lists of the types ``set`` and ``map`` have no item twice."""
    if schema is None:
        return
    if isinstance(value, dict):
        for name in sorted(name for name in value if isinstance(value[name], CONTAINERS)):
            known = name in (schema.get("properties") or {})
            place = child_path(path, name) if known else f"{path}[{name}]"
            check_lists(value[name], inner(schema, name), errors, place)
        return
    if not isinstance(value, list):
        return
    keys = _keys(value, schema, errors, path)
    if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
        keys = []
    counts: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        text = orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
        counts[text] = counts.get(text, 0) + 1
        if counts[text] == 2:
            errors.duplicate(f"{path}[{index}]", key)
    below = items_of(schema)
    for index, item in enumerate(value):
        if isinstance(item, CONTAINERS):
            check_lists(item, below, errors, f"{path}[{index}]")


def _keys(value: list[Any], schema: Schema, errors: FieldErrors, path: str) -> list[Any]:
    """The keys that distinguish the items of a set or a map; empty for other lists."""
    kind = schema.get(LIST_TYPE)
    if kind == "set":
        return value
    if kind != "map":
        return []
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            errors.invalid(
                f"{path}[{index}]", item, "must be an object for an array of list-type map"
            )
            return []
    names = schema.get(LIST_KEYS) or []
    return [{name: item[name] for name in names if item and name in item} for item in value]
