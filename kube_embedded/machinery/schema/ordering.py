"""Objects with their fields in the order in which Go prints them.

Source: Go ``encoding/json``: a struct's fields in the order of their declaration, a map's keys sorted.
"""

from typing import Any

import orjson

from ..request import Object
from .tables import Struct, Type, schemas


def in_order(obj: Object) -> Object:
    """Order an object's fields by the schema of its kind: kind and apiVersion first, unknown fields last.

    Without a known kind only the first level is ordered. The new object shares the values that have no order.
    """
    kind = obj.get("kind", "")
    api_version = obj.get("apiVersion", "")
    rest = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    struct = None
    if kind and isinstance(kind, str):
        group, _, version = api_version.rpartition("/")
        struct = schemas().of_kind(group, version, kind)
    head = {"kind": kind, "apiVersion": api_version} if kind else {}
    return {**head, **(_ordered_struct(rest, struct) if struct is not None else rest)}


def by_name(obj: Object) -> Object:
    """Sort all fields by name, as Go writes maps."""
    ordered: Object = orjson.loads(orjson.dumps(obj, option=orjson.OPT_SORT_KEYS))
    return ordered


def _ordered(value: Any, type_: Type) -> Any:
    if type_.form in ("struct", "|list", "|names", "|bool") and isinstance(value, dict):
        return _ordered_struct(value, type_.struct)
    if type_.form == "list" and isinstance(value, list):
        item = type_.item
        return (
            [_ordered(element, item) for element in value]
            if item.form in ("struct", "list", "map")
            else value
        )
    if type_.form == "map" and isinstance(value, dict):
        return {key: _ordered(value[key], type_.item) for key in sorted(value)}
    return value


def _ordered_struct(value: Object, struct: Struct) -> Object:
    fields = struct.fields
    ordered = {
        name: _ordered(value[name], field.type) for name, field in fields.items() if name in value
    }
    # Fields that the schema does not know come last, in the order in which they were written.
    if len(ordered) < len(value):
        ordered.update((name, element) for name, element in value.items() if name not in fields)
    return ordered
