"""Merges a configuration into an object, and prunes fields that have no owner left.

Both work on plain JSON and its schema; the result is decoded afterwards.
Source: structured-merge-diff ``typed/merge.go``, ``typed/remove.go``.
"""

from collections import deque
from typing import Any

from .fieldset import LEAF, Node, Shape, is_member


def merge(shape: Shape, old: Any, config: Any) -> Any:
    """Merge a configuration into a value; null is an empty map or list, and does not change a full one."""
    shape = shape.of(old, config)
    if shape.form == "leaf" or not (old or config):
        return config
    if shape.form == "map":
        merged = dict(old or {})
        for name, value in (config or {}).items():
            merged[name] = (
                merge(shape.child(name), merged[name], value) if name in merged else value
            )
        return merged
    return _merge_items(shape, old or [], config or [])


def _merge_items(shape: Shape, old: list[Any], config: list[Any]) -> list[Any]:
    """Merge lists: items in the configuration's order, the others among their neighbours."""
    items = shape.item() if shape.form == "list" else LEAF
    left = list(zip(shape.path_elements(old), old, strict=True))
    right = list(zip(shape.path_elements(config), config, strict=True))
    mine = dict(right)
    live = {}
    for element, item in left:
        # items with the same key twice are not merged
        live[element] = None if element in live else item
    # The items of both lists, in the order that the configuration wants.
    shared = deque(element for element, _ in right if element in live)
    merged: list[Any] = []
    done: set[str] = set()

    def take(element: str, item: Any) -> None:
        done.add(element)
        known = live.get(element)
        merged.append(merge(items, known, item) if known is not None else item)

    at = other = 0
    while at < len(left) or other < len(right):
        if at < len(left) and other < len(right):
            element = left[at][0]
            if element == right[other][0]:
                take(*right[other])
                at = at + 1
                other = other + 1
                shared.popleft()
                continue
            if element in mine and shared and shared[0] != element:
                at += 1  # it comes where the configuration has it
                continue
        if at < len(left):
            element, item = left[at]
            if element not in mine:
                merged.append(item)
                at += 1
                continue
            if element in done:
                at += 1
        if other < len(right):
            element = right[other][0]
            take(*right[other])
            other += 1
            if shared and shared[0] == element:
                shared.popleft()
    return merged


def remove(shape: Shape, value: Any, gone: Node, kept: Node) -> Any:
    """Remove the fields ``gone`` from a value, except those in ``kept``.

    A field of a struct is removed when no manager owns any part of it. An item of a list or map is removed
    when no other manager owns the item itself, and left empty if the item itself was not owned.
    Source: sigs.k8s.io/structured-merge-diff ``merge/update.go`` (``prune``).
    """
    shape = shape.of(value)
    if shape.form == "map" and isinstance(value, dict):
        rest: dict[str, Any] = {}
        for name, inner in value.items():
            element = f"f:{name}"
            if element not in gone:
                rest[name] = inner
                continue
            node = gone[element]
            held = kept.get(element)
            named = shape.declares(name)
            if held is None and (
                named or not node or "." in node or shape.child(name).of(inner).form == "leaf"
            ):
                continue
            rest[name] = remove(shape.child(name), inner, node, held or {})
        return rest
    if shape.form in ("list", "set") and isinstance(value, list):
        items = shape.item() if shape.form == "list" else LEAF
        left = []
        for element, item in zip(shape.path_elements(value), value, strict=True):
            if element not in gone:
                left.append(item)
                continue
            node = gone[element]
            held = kept.get(element)
            # The item itself was applied, and no manager holds it now.
            if is_member(node):
                continue
            left.append(remove(items, item, node, held or {}))
        return left
    return value
