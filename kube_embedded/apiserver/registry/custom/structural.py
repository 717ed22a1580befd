"""Algorithms on a value and its structural schema: pruning, defaults, nulls, lists.

Values are changed in place.
Source: k8s.io/apiextensions-apiserver ``pkg/apiserver/schema/{pruning,defaulting,listtype}``.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

import orjson

from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema import schemas
from kube_embedded.machinery.schema.decoding import Decoder
from kube_embedded.machinery.work import charge

from ..errors import FieldErrors
from ..sizes import Growth

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
FIELD_STEP = re.compile(r"\.([^.\[\]]+)")
CONTAINERS = (dict, list)
"""The values that a walk enters. A list may have a million other items, which must not cost a call each."""


def inner(schema: Schema | None, name: str) -> Schema | None:
    """The schema of a field: of the property, else of additional properties."""
    if schema is None:
        return None
    below: Schema | None = (schema.get("properties") or {}).get(name)
    if below is not None:
        return below
    more = schema.get("additionalProperties")
    return more if isinstance(more, dict) else None


def items_of(schema: Schema | None) -> Schema | None:
    """The schema of a list's items."""
    items = schema.get("items") if schema is not None else None
    return items if isinstance(items, dict) else None


def field_at(path: str, schema: Schema) -> tuple[Schema, str]:
    """Return the schema of the field at a path, and the problem with the path."""
    # Not a JSON path in general: only steps to fields, without lists, filters or quotes in names.
    rest = path
    while rest:
        step = FIELD_STEP.match(rest)
        if rest[0] == "[":
            return {}, "array notation is not allowed"
        if rest[0] != ".":
            return {}, f"expected [ or . but got: {re.split(r'[.[]', rest)[0]}"
        if step is None:
            return {}, "unexpected end of JSON path"
        properties = schema.get("properties")
        more = schema.get("additionalProperties")
        below = properties.get(step[1]) if properties else more
        if not isinstance(below, dict):
            return {}, "does not refer to a valid field"
        schema = below
        rest = rest[step.end() :]
    return schema, ""


def child_path(path: str, name: str) -> str:
    """The path of a field."""
    return f"{path}.{name}" if path else name


def walk(
    value: Any, schema: Schema | None, path: str = "", *, bracketed: bool = False
) -> Iterator[tuple[Any, Schema, str]]:
    """Yield the objects and lists that a schema describes, outermost first, each with schema and path.

    ``bracketed`` writes undeclared fields as ``[name]``, as list types do in errors.
    """
    # A stack instead of recursion: nested generators would pass each item through all levels above it.
    pending = [(value, schema, path)]
    while pending:
        value, schema, path = pending.pop()
        if schema is None or not isinstance(value, CONTAINERS):
            continue
        yield value, schema, path
        # Listed after the yield, because the caller can have added or removed fields.
        if isinstance(value, dict):
            properties = schema.get("properties") or {}
            for name in sorted(value, reverse=True):
                if isinstance(value[name], CONTAINERS):
                    by_key = bracketed and name not in properties
                    location = f"{path}[{name}]" if by_key else child_path(path, name)
                    pending.append((value[name], inner(schema, name), location))
        else:
            below = items_of(schema)
            pending += reversed(
                [
                    (item, below, f"{path}[{index}]")
                    for index, item in enumerate(value)
                    if isinstance(item, CONTAINERS)
                ]
            )


def prune(
    value: Any, schema: Schema | None, unknown: list[str], path: str = "", *, root: bool = False
) -> None:
    """Remove the fields that a schema does not declare, and collect their paths."""
    # Not a walk: it goes where no schema is, and "preserve" of a list holds for its items.
    charge(NODE_COST * len(value) if isinstance(value, CONTAINERS) else 0)
    known = schema or {}
    if isinstance(value, list):
        below = items_of(schema)
        if known.get(PRESERVE):
            below = {**(below or {}), PRESERVE: True}
        for index, item in enumerate(value):
            if isinstance(item, CONTAINERS):
                prune(item, below, unknown, f"{path}[{index}]")
    elif isinstance(value, dict):
        properties = known.get("properties") or {}
        free = known.get("additionalProperties") is not None
        implied = META_FIELDS if root or known.get(EMBEDDED) else ()
        for name in list(value):
            if name in implied:
                continue
            if free or name in properties:
                if isinstance(value[name], CONTAINERS):
                    prune(value[name], inner(schema, name), unknown, child_path(path, name))
            elif not known.get(PRESERVE):
                unknown.append(child_path(path, name))
                del value[name]


def drop_nulls(value: Any, schema: Schema | None) -> None:
    """Remove nulls that are neither allowed nor replaced by a default."""
    for holder, known, _ in walk(value, schema):
        # Nulls in lists stay: removing one would move the items after it.
        if isinstance(holder, dict):
            for name in [name for name, item in holder.items() if item is None]:
                below = inner(known, name)
                if below is not None and below.get("default") is None and not below.get("nullable"):
                    del holder[name]


def set_defaults(value: Any, schema: Schema | None, growth: Growth) -> None:
    """Set the defaults of missing fields, and of nulls that are not allowed; 500 if they are too large."""
    for holder, known, _ in walk(value, schema):
        if isinstance(holder, list):
            empty: list[Any] = [index for index, item in enumerate(holder) if item is None]
        else:
            empty = [name for name, item in holder.items() if item is None]
            empty += [name for name in known.get("properties") or () if name not in holder]
        for key in empty:
            below = items_of(known) if isinstance(holder, list) else inner(known, key)
            is_null = not isinstance(holder, dict) or key in holder
            if below is None or (is_null and below.get("nullable")):
                continue
            if below.get("default") is not None:
                growth.add(below)
                holder[key] = copy.deepcopy(below["default"])


def read_metadata(data: Any, unknown: list[str]) -> Object:
    """Decode metadata, collecting unknown fields; ``DecodeProblem`` if a value has the wrong type."""
    # The same decoder as for built-in kinds, so that both refuse the same values.
    strict: list[str] = []
    metadata = Decoder(strict, defaults=False).decode(schemas()["meta.v1.ObjectMeta"], data)
    if metadata.get("creationTimestamp") is None:
        metadata.pop("creationTimestamp", None)
    unknown += [f"metadata.{text.split(chr(34))[1]}" for text in strict]
    return metadata


def check_lists(value: Any, schema: Schema | None, errors: FieldErrors, path: str = "") -> None:
    """Check that lists of the types ``set`` and ``map`` have no item twice."""
    for items, known, location in walk(value, schema, path, bracketed=True):
        if not isinstance(items, list):
            continue
        keys = _keys(items, known, errors, location)
        # Long lists of different texts are common; they need no encoding to be told apart.
        if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
            continue
        counts: dict[bytes, int] = {}
        for index, key in enumerate(keys):
            text = orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
            counts[text] = counts.get(text, 0) + 1
            # The real server reports an item once, however often it is repeated.
            if counts[text] == 2:
                errors.duplicate(f"{location}[{index}]", key)


def _keys(items: list[Any], schema: Schema, errors: FieldErrors, path: str) -> list[Any]:
    """The keys that distinguish the items of a set or a map; empty for other lists."""
    kind = schema.get(LIST_TYPE)
    if kind == "set":
        return items
    if kind != "map":
        return []
    for index, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            errors.invalid(
                f"{path}[{index}]", item, "must be an object for an array of list-type map"
            )
            return []
    names = schema.get(LIST_KEYS) or []
    return [{name: item[name] for name in names if item and name in item} for item in items]
