"""Empty lists and maps of decoded objects: which ones are stored, and which ones are printed."""

import operator
from typing import Any

from .decoding import CONTAINERS, NOTHING, RESETTING
from .tables import Struct, Type

_BARE: dict[str, list[tuple[str, str, Struct | None]]] = {}
"""Struct to the fields that lead to lists or maps which are printed even when empty."""


def _bare_fields(struct: Struct) -> list[tuple[str, str, Struct | None]]:
    fields = _BARE.get(struct.name)
    if fields is None:
        # Entered before its fields are looked at: a struct that contains itself, such as a JSON schema, ends here.
        fields = _BARE[struct.name] = []  # a struct that holds itself ends here
        for name, field in struct.fields.items():
            form = field.type.form
            inner = field.type if form == "struct" else field.type.element
            nested = inner.struct if inner is not None and inner.form == "struct" else None
            bare = form in ("list", "map") and not field.omit_empty
            if nested is not None and not _bare_fields(nested):
                nested = None
            if bare or nested is not None:
                fields.append((name, f"bare {form}" if bare else form, nested))
    return fields


def forget_empty(struct: Struct, obj: dict[str, Any]) -> None:
    """Set an object's empty lists and maps to None, in place, as the storage round trip does."""
    for name, form, nested in _bare_fields(struct):
        value = obj.get(name)
        if not value:
            if form.startswith("bare") and value is not None and name in obj:
                obj[name] = None
        elif nested is not None:
            if form.endswith("list"):
                items = value
            elif form.endswith("map"):
                items = value.values()
            else:
                items = (value,)
            for item in items:
                if item:
                    forget_empty(nested, item)


def drop_empty(struct: Struct, obj: dict[str, Any]) -> dict[str, Any]:
    """An object without the empty lists and maps that are not printed; itself if there are none."""
    changed: dict[str, Any] = {}
    for name, value in obj.items():
        field = struct.fields.get(name)
        if field is None or not isinstance(value, (dict, list)):
            continue
        if value:
            inner = _without_empty(field.type, value)
            if inner is not value:
                changed[name] = inner
        elif (
            field.omit_empty
            and not field.pointer
            and field.type.form in CONTAINERS
            and name != RESETTING
        ):
            changed[name] = NOTHING
    if not changed:
        return obj
    return {
        name: changed.get(name, value)
        for name, value in obj.items()
        if changed.get(name) is not NOTHING
    }


def _without_empty(type_: Type, value: Any) -> Any:
    """Do the same with a value; in an object of a custom kind it can have the wrong type."""
    if type_.form == "struct":
        return drop_empty(type_.struct, value) if isinstance(value, dict) else value
    if type_.form not in CONTAINERS or type_.item.form != "struct":
        return value
    if type_.form == "map" and isinstance(value, dict):
        rows = {key: _without_empty(type_.item, item) for key, item in value.items()}
        return value if all(rows[key] is item for key, item in value.items()) else rows
    items = [_without_empty(type_.item, item) for item in value]
    return value if all(map(operator.is_, items, value)) else items
