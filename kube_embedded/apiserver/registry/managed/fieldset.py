"""Sets of fields in the form of FieldsV1, and the fields that a change touches.

A node is a dict from path elements to nodes: ``f:name`` a field or map key, ``k:{…}`` an item
of a keyed list, ``v:…`` an item of a set. An empty node, or one with the element ``.``, is itself in the set; any
other only leads to the nodes below it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import orjson

from kube_embedded.machinery.golang.json import marshal
from kube_embedded.machinery.schema import Field, Struct, Type

from ..errors import printed_value

Node: TypeAlias = dict[str, Any]
ABSENT: Any = object()
ZEROS: dict[str, Any] = {"string": "", "int32": 0, "int64": 0, "bool": False}


NO_KEYS = "k:{}"

_is_plain = re.compile(r'[^\x00-\x1f"\\<>&\u2028\u2029\ud800-\udfff]*').fullmatch
"""True if a text stands in JSON as it is."""


class Unownable(Exception):
    """A part of an object that no manager can own: an item without its key, a value of the wrong type.

    Its text names the problem if the object is in another version.
    """


def is_member(node: Node) -> bool:
    """Return whether the node's own path is in the set."""
    return not node or "." in node


class SetOperation(NamedTuple):
    """The paths in the result of an operation on two sets: paths of one set only, and paths of both."""

    only_left: bool
    both: bool
    only_right: bool


UNION = SetOperation(True, True, True)
DIFFERENCE = SetOperation(True, False, False)
INTERSECTION = SetOperation(False, True, False)


def _combine(operation: SetOperation, left: Node, right: Node) -> Node:
    """Combine two whole sets, where an empty set has no members."""
    result: Node = {}
    for name in dict.fromkeys([*left, *right]) if operation.only_right else left:
        if name == ".":
            continue
        node: Node | None = None
        if name not in right:
            node = left[name] if operation.only_left else None
        elif name not in left:
            node = right[name]
        else:
            node = _combine_nodes(operation, left[name], right[name])
        if node is not None:
            result[name] = node
    return result


def _combine_nodes(operation: SetOperation, left: Node, right: Node) -> Node | None:
    """Combine two nodes below a root, where an empty node is itself in the set.

    Returns:
        The node, or None if the result is empty.
    """
    result = _combine(operation, left, right)
    in_left = is_member(left)
    in_right = is_member(right)
    if in_left and in_right:
        member = operation.both
    else:
        member = (in_left and operation.only_left) or (in_right and operation.only_right)
    if member:
        return {".": {}, **result} if result else {}
    return result or None


union_sets = partial(_combine, UNION)
difference_sets = partial(_combine, DIFFERENCE)
intersection_sets = partial(_combine, INTERSECTION)


def without(left: Node, paths: Node) -> Node:
    """``left`` without the paths and everything below them."""
    left_over: Node = {}
    for name, node in left.items():
        if name not in paths:
            left_over[name] = node
        elif paths[name]:
            rest = without(node, paths[name])
            if rest:
                left_over[name] = rest
    return left_over


def ordered(node: Node) -> Node:
    """The set with its elements in the order in which they are printed."""
    # Sets can have very many texts: they are sorted without a call for each.
    texts = [name for name in node if name[:3] == 'v:"' and "\\" not in name]
    if len(texts) + ("." in node) == len(node):
        names = ["."] * ("." in node) + sorted(texts, key=itemgetter(slice(3, -1)))
    else:
        names = sorted(node, key=_element_order)
    return {name: ordered(node[name]) if node[name] else {} for name in names}


def paths(node: Node, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All paths of a set in the real server's order: level by level."""
    names = sorted((name for name in node if name != "."), key=_element_order)
    members = [(*prefix, name) for name in names if is_member(node[name])]
    for name in names:
        members += paths(node[name], (*prefix, name))
    return members


def _element_order(element: str) -> tuple[int, Any]:
    """A sort key: fields by name, items by their keys, values by type; see ``fieldpath/element.go``."""
    if element.startswith('v:"') and "\\" not in element:
        return 3, (1, element[3:-1])  # sets can have many texts
    form, _, rest = element.partition(":")
    if form == "f" or not rest:
        return ".f".index(form), element
    if form == "k":
        return 2, [
            (name, _value_order(value)) for name, value in sorted(orjson.loads(rest).items())
        ]
    return "vi".index(form) + 3, _value_order(orjson.loads(rest))


def _value_order(value: Any) -> tuple[int, Any]:
    """A sort key: numbers, texts, booleans, null."""
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (3, repr(value))


def show_path(path: tuple[str, ...]) -> str:
    """A path as conflicts name it: ``.spec.containers[name="main"].image``."""
    text = ""
    for element in path:
        form, _, rest = element.partition(":")
        if form == "f":
            text += f".{rest}"
            continue
        if form == "k":
            keys = orjson.loads(rest).items()
            rest = ",".join(f"{name}={printed_value(value)}" for name, value in keys)
        elif form == "v":
            rest = f"={printed_value(orjson.loads(rest))}"
        text += f"[{rest}]"
    return text


@dataclass(slots=True)
class Shape:
    """How ownership sees a type: a leaf, a struct, a map, a keyed list, or a set."""

    form: str
    struct: Struct | None = None
    element: Type | None = None
    keys: tuple[str, ...] = ()

    def child(self, name: str) -> Shape:
        """The shape of a field or of a map's values."""
        if self.struct is not None:
            field = self.struct.fields.get(name)
            if field is None and self.struct.rest is not None:
                return shape_of_type(self.struct.rest)
            return shape_of_field(field) if field is not None else LEAF
        return shape_of_type(self.element) if self.element is not None else LEAF

    def of(self, *values: Any) -> Shape:
        """Return the shape of values of this type; a deduced one is a map for objects, and else a leaf."""
        if self.form != "deduced":
            return self
        present = [value for value in values if value is not ABSENT]
        is_map = bool(present) and all(isinstance(value, dict) for value in present)
        return Shape("map", None, self.element) if is_map else LEAF

    def declares(self, name: str) -> bool:
        """Return whether a field is one of a struct's own."""
        return self.struct is not None and name in self.struct.fields

    def item(self) -> Shape:
        """The shape of a list's items."""
        return shape_of_type(self.element) if self.element is not None else LEAF

    def grouped(self, value: Any) -> dict[str, list[Any]]:
        """All items of a keyed list by their path element; an item without keys raises ``Unownable``."""
        groups: dict[str, list[Any]] = {}
        for element, item in zip(self.path_elements(value or []), value or (), strict=True):
            if element == NO_KEYS:
                raise Unownable
            groups.setdefault(element, []).append(item)
        return groups

    def path_elements(self, items: list[Any]) -> list[str]:
        """Return the path elements of a list's items.

        Plain texts of a set cost no call each, because there can be very many.
        """
        # Finalizers of a large object, or a set of a hundred thousand names.
        if self.form == "set" and set(map(type, items)) == {str} and _is_plain("".join(items)):
            return [f'v:"{item}"' for item in items]
        return [self.path_element(item) for item in items]

    def path_element(self, item: Any) -> str:
        """The path element of a list's item."""
        if self.form == "set":
            return "v:" + _json(item)
        chosen: dict[str, Any] = {}
        for key in self.keys:
            if isinstance(item, dict) and key in item:
                chosen[key] = item[key]
            elif self.element is not None and self.element.form == "struct":
                field = self.element.struct.fields.get(key)
                if field is not None and field.default is not None:
                    chosen[key] = field.default
                elif field is not None and (
                    field.default_empty or not (field.omit_empty or field.pointer)
                ):
                    chosen[key] = ZEROS.get(field.type.form)  # OpenAPI has it as the default
        return (
            "k:{"
            + ",".join([f"{_json(key)}:{_json(value)}" for key, value in sorted(chosen.items())])
            + "}"
        )


def _json(value: Any) -> str:
    """Return a value in JSON.

    Plain texts cost no call of the encoder, because most values are texts and there can be very many.
    """
    return f'"{value}"' if type(value) is str and _is_plain(value) else marshal(value)


LEAF = Shape("leaf")
_SHAPES: dict[int, Shape] = {}


def shape_of_struct(struct: Struct) -> Shape:
    """The shape of a whole object."""
    return Shape("map", struct)


def shape_of_type(type_: Type) -> Shape:
    """The shape of a type on its own."""
    shape = _SHAPES.get(id(type_))
    if shape is None:
        shape = LEAF
        if type_.form == "struct" and not type_.struct.atomic:
            shape = Shape("map", type_.struct)
        elif type_.form == "map":
            shape = Shape("map", None, type_.item)
        elif type_.form == "deduced":
            shape = Shape("deduced", None, type_)
        _remember(type_, type_, shape)
    return shape


def shape_of_field(field: Field) -> Shape:
    """The shape of a struct's field."""
    shape = _SHAPES.get(id(field))
    if shape is None:
        type_ = field.type
        if field.atomic or type_.form == "list":
            shape = LEAF
            if not field.atomic and field.list_type == "map":
                shape = Shape("list", None, type_.item, field.keys)
            elif not field.atomic and field.list_type == "set":
                shape = Shape("set")
        # The field, not the struct's type, declares whether its struct has one owner.
        elif type_.form == "struct":
            shape = Shape("map", type_.struct)
        else:
            shape = shape_of_type(type_)
        _remember(field, type_, shape)
    return shape


def _remember(key: object, type_: Type, shape: Shape) -> None:
    # A type of a definition can be deleted, and Python can reuse its id for another one.
    if type_.table.lasting:
        _SHAPES[id(key)] = shape


def compare(shape: Shape, old: Any, new: Any) -> tuple[Node | None, Node | None]:
    """Return the fields that a change sets and the fields that it removes; None instead of an empty set."""
    shape = shape.of(old, new)
    if shape.form == "leaf":
        if old is ABSENT:
            return {}, None
        if new is ABSENT:
            return None, {}
        return (None, None) if old == new else ({}, None)
    # Parts that a write does not touch are the same objects, which saves most of the comparison.
    if old is new:
        return None, None
    if not old and not new:  # null or empty: a leaf, so that the two can be told apart
        return (None, None) if old == new else ({}, None)
    changed: Node = {}
    removed: Node = {}
    pairs: list[tuple[str, Shape, Any, Any]] = []
    if shape.form == "map":
        before = old if isinstance(old, dict) else {}
        after = new if isinstance(new, dict) else {}
        pairs = [
            ("f:" + name, shape.child(name), before.get(name, ABSENT), after.get(name, ABSENT))
            for name in dict.fromkeys([*before, *after])
        ]
    elif shape.form == "set":
        was = Counter(shape.path_elements([] if old is ABSENT else old or []))
        now = Counter(shape.path_elements([] if new is ABSENT else new or []))
        changed = {name: {} for name, count in now.items() if was.get(name) != count}
        removed = {name: {} for name in was if name not in now}
    else:
        items = shape.item()
        first = {} if old is ABSENT else shape.grouped(old)
        second = {} if new is ABSENT else shape.grouped(new)
        for name in dict.fromkeys([*first, *second]):
            left = first.get(name, [])
            right = second.get(name, [])
            if len(left) > 1 or len(right) > 1:
                # Items with the same key cannot be told apart, and so are one leaf.
                pairs.append((name, LEAF, left or ABSENT, right or ABSENT))
            else:
                pairs.append((name, items, *(left or [ABSENT]), *(right or [ABSENT])))
    for name, inner, before, after in pairs:
        is_set, is_gone = compare(inner, before, after)
        if is_set is not None:
            changed[name] = is_set
        if is_gone is not None:
            removed[name] = is_gone
    if old is ABSENT:
        return ({".": {}, **changed} if changed else {}), None
    if new is ABSENT:
        return None, ({".": {}, **removed} if removed else {})
    return changed or None, removed or None


def owned_by(shape: Shape, value: Any) -> Node:
    """The fields that an applied configuration of this shape owns."""
    owned: Node = {}
    if shape.form == "map" and isinstance(value, dict):
        for name, inner in value.items():
            child = shape.child(name).of(inner)
            node = owned_by(child, inner) if child.form != "leaf" else {}
            if (
                child.form != "leaf"
                and not node
                and inner not in (None, {})
                and shape.declares(name)
            ):
                continue  # an empty list owns no fields
            if node and not shape.declares(name):
                node = {".": {}, **node}
            owned[f"f:{name}"] = node
    elif shape.form in ("list", "set") and isinstance(value, list):
        items = shape.item() if shape.form == "list" else LEAF
        for element, item in zip(shape.path_elements(value), value, strict=True):
            node = owned_by(items, item) if items.form != "leaf" else {}
            owned[element] = {".": {}, **node} if node else {}
    return owned
