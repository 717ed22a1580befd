"""Checks that an applied configuration has the types of its schema.

Source: structured-merge-diff ``typed/validate.go``, ``typed/helpers.go``.
"""

from collections.abc import Iterator
from typing import Any

from kube_embedded.machinery.golang.quote import go_syntax
from kube_embedded.machinery.schema import Field, Struct, Type

from .fieldset import Shape, shape_of_field, show_path

UNTYPED = frozenset(("quantity", "time", "microtime"))
NUMBERS = frozenset(("int32", "int64", "float64"))
PLAIN = frozenset(("intstr", "raw", "any", "json", "|list", "|names", "|bool", "deduced"))


def problems(struct: Struct, value: Any, *, repeats: bool = False) -> list[str]:
    """Return the problems of a configuration or an object, each as ``path: problem``.

    With ``repeats`` a key can be in a list several times, as in objects that are stored already.
    """
    return list(_struct(struct, value, "", repeats))


def joined(problems: list[str]) -> str:
    """Problems as one text."""
    return problems[0] if len(problems) == 1 else "\n  ".join(["errors:", *problems])


def go_text(value: Any) -> str:
    """A decoded JSON value as Go's ``%v`` prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{go_text(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_text(item) for item in value) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _struct(struct: Struct, value: Any, path: str, repeats: bool) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield f"{path}: expected map, got &{{{go_text(value)}}}"
        return
    for name, inner in value.items():
        field = struct.fields.get(name)
        if field is None and struct.rest is not None:
            continue
        if field is None:
            yield f"{path}.{name}: field not declared in schema"
            return  # the real server looks no further in this map
        # Most fields are texts; this saves a generator for each.
        if not (field.type.form == "string" and isinstance(inner, str)):
            yield from _field(field, inner, f"{path}.{name}", repeats)


def _field(field: Field, value: Any, path: str, repeats: bool) -> Iterator[str]:
    shape = shape_of_field(field)
    if shape.form not in ("list", "set") or not isinstance(value, list):
        yield from _type(field.type, value, path, repeats)
        return
    # Two items with one key cannot be told apart by their owners.
    seen: set[str] = set()
    for index, (element, item) in enumerate(zip(shape.path_elements(value), value, strict=True)):
        detail = _no_element(shape, item, element)
        if detail:
            yield f"{path}: element {index}: {detail}"
            return
        if element in seen and not repeats:
            yield f"{path}: duplicate entries for key {show_path((element,))}"
        seen.add(element)
        if field.type.item.form == "string" and isinstance(item, str):
            continue
        for problem in _type(field.type.item, item, "", repeats):
            yield path + show_path((element,)) + problem


def _no_element(shape: Shape, item: Any, element: str) -> str:
    """Why an item cannot be in a keyed list or a set; empty if it can."""
    if shape.form == "set":
        if isinstance(item, dict):
            return "associative list without keys has an element that's a map type"
        if isinstance(item, list):
            return "not supported: associative list with lists as elements"
        return (
            "associative list without keys has an element that's an explicit null"
            if item is None
            else ""
        )
    if item is None:
        return "associative list with keys may not have a null element"
    if not isinstance(item, dict):
        return "associative list with keys may not have non-map elements"
    if element == "k:{}":
        keys = "[" + " ".join(f'"{key}"' for key in shape.keys) + "]"
        return (
            f"associative list with keys has an element that omits all key fields {keys} "
            "(and doesn't have default values for any key fields)"
        )
    return ""


def _type(type_: Type, value: Any, path: str, repeats: bool) -> Iterator[str]:
    form = type_.form
    if value is None or form in PLAIN:
        return
    if form == "struct":
        yield from _struct(type_.struct, value, path, repeats)
    elif form == "list":
        if not isinstance(value, list):
            yield f"{path}: expected list, got &{{{go_text(value)}}}"
            return
        for index, item in enumerate(value):
            yield from _type(type_.item, item, f"{path}[{index}]", repeats)
    elif form == "map":
        if not isinstance(value, dict):
            yield f"{path}: expected map, got &{{{go_text(value)}}}"
            return
        for name, item in value.items():
            yield from _type(type_.item, item, f"{path}.{name}", repeats)
    else:
        yield from (f"{path}: {text}" for text in _scalar(form, value))


def _scalar(form: str, value: Any) -> Iterator[str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if form in NUMBERS:
        if not number:
            yield f"expected numeric (int or float), got {_go_type(value)}"
    elif form == "bool":
        if not isinstance(value, bool):
            yield f"expected boolean, got &{{{go_text(value)}}}"
    elif form in UNTYPED:
        if isinstance(value, dict | list):
            yield f"expected any scalar, got &{{{go_text(value)}}}"
    elif not isinstance(value, str):
        yield f"expected string, got &value.valueUnstructured{{Value:{go_syntax(value)}}}"


def _go_type(value: Any) -> str:
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list):
        return "[]interface {}"
    return "bool" if isinstance(value, bool) else "string"
