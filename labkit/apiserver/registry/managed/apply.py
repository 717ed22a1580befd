"""Server-side apply: merge a configuration, prune what it no longer names, find conflicts.

Source: structured-merge-diff ``merge/update.go``.
"""

from __future__ import annotations

import copy
from typing import Any

from labkit.apiserver.registry.managed.fieldset import (
    LEAF,
    Node,
    Shape,
    difference_sets,
    intersection_sets,
    owned_by,
    paths,
    shape_of_struct,
    show_path,
    union_sets,
    without,
)
from labkit.apiserver.registry.managed.manager import (
    STRIPPED,
    Managed,
    ManagerId,
    changes,
    decode_managed,
    ignored_fields,
    manager_id,
    set_managed,
)
from labkit.apiserver.request import Object
from labkit.apiserver.schema import Struct
from labkit.apiserver.schema.decoding import Decoder
from labkit.apiserver.status import ApiError

BEFORE_FIRST_APPLY = "before-first-apply"


def merge(shape: Shape, old: Any, config: Any) -> Any:
    """The old value with a configuration merged into it."""
    if shape.form == "map" and isinstance(old, dict) and isinstance(config, dict):
        merged = dict(old)
        for name, value in config.items():
            merged[name] = merge(shape.child(name), old[name], value) if name in old else value
        return merged
    if shape.form in ("list", "set") and isinstance(old, list) and isinstance(config, list):
        items = shape.item() if shape.form == "list" else LEAF
        mine = shape.items(config)
        merged_items: list[Any] = []
        seen: set[str] = set()
        for item in old:
            element = shape.path_element(item)
            if element in mine:
                if element not in seen:
                    merged_items.append(merge(items, item, mine[element]))
                seen.add(element)
            else:
                merged_items.append(item)
        merged_items += [value for element, value in mine.items() if element not in seen]
        return merged_items
    return config


def remove(shape: Shape, value: Any, gone: Node, kept: Node) -> Any:
    """The value without the fields ``gone``, but for those that ``kept`` still holds."""
    if shape.form == "map" and isinstance(value, dict):
        rest: dict[str, Any] = {}
        for name, inner in value.items():
            element = f"f:{name}"
            if element not in gone:
                rest[name] = inner
                continue
            node, held = gone[element], kept.get(element)
            if held is None and (not node or "." in node or _only_leaves(shape.child(name))):
                continue
            rest[name] = remove(shape.child(name), inner, node, held or {})
        return rest
    if shape.form in ("list", "set") and isinstance(value, list):
        items = shape.item() if shape.form == "list" else LEAF
        left = []
        for item in value:
            element = shape.path_element(item)
            if element not in gone:
                left.append(item)
                continue
            node, held = gone[element], kept.get(element)
            if held is None and (not node or "." in node):
                continue
            left.append(remove(items, item, node, held or {}))
        return left
    return value


def _only_leaves(shape: Shape) -> bool:
    return shape.form == "leaf"


def undeclared(shape: Shape, value: Any, path: str = "") -> list[str]:
    """Fields of a configuration that the schema does not have."""
    found: list[str] = []
    if shape.form == "map" and isinstance(value, dict):
        for name, inner in value.items():
            if shape.struct is not None and name not in shape.struct.fields:
                found.append(f"{path}.{name}: field not declared in schema")
            else:
                found += undeclared(shape.child(name), inner, f"{path}.{name}")
    elif shape.form == "map" and value is not None:
        found.append(f"{path}: expected map, got &{{{value}}}")
    elif shape.form == "list" and isinstance(value, list):
        for item in value:
            found += undeclared(shape.item(), item, path + show_path((shape.path_element(item),)))
    elif shape.form in ("list", "set") and value is not None and not isinstance(value, list):
        found.append(f"{path}: expected list, got &{{{value}}}")
    return found


def apply(
    struct: Struct,
    live: Object | None,
    config: Object,
    manager: str,
    api_version: str,
    subresource: str,
    force: bool,
    now: str,
) -> tuple[Object, Managed, ManagerId]:
    """Apply a configuration to an object.

    Args:
        struct: The kind's schema.
        live: The stored object, None if there is none.
        config: What the caller applies, canonical but without defaults.
        manager: Who applies.
        api_version: The configuration's version.
        subresource: Through which subresource, if any.
        force: Take over fields that others own.
        now: The time for the manager's entry.

    Returns:
        The merged object (not completed), the managers with the applier's new fields, and the
        applier's id. ``settle`` finishes the work on the completed object.
    """
    shape = shape_of_struct(struct)
    managed = decode_managed(live["metadata"].get("managedFields")) if live is not None else Managed()
    managed = managed or Managed()
    base = live if live is not None else Decoder().decode(struct, {})
    if live is not None and not managed.fields:
        set_, _ = changes(struct, None, live, subresource)
        if set_:
            key = manager_id(BEFORE_FIRST_APPLY, "Update", api_version, "")
            managed.fields[key], managed.versions[key], managed.times[key] = set_, api_version, now
    me = manager_id(manager, "Apply", api_version, subresource)
    owned = without(without(owned_by(shape, config), STRIPPED), ignored_fields(struct, subresource))
    last = managed.fields.get(me, {})
    merged = merge(shape, base, config)
    if last:
        kept = owned
        for key, fields in managed.fields.items():
            if key != me:
                kept = union_sets(kept, fields)
        merged = remove(shape, merged, difference_sets(last, kept), kept)
    managed.fields[me] = owned
    managed.versions[me] = api_version
    if last != owned or me not in managed.times:
        managed.times[me] = now
    return copy.deepcopy(merged), managed, me


def settle(
    struct: Struct, live: Object | None, new: Object, managed: Managed, me: ManagerId, subresource: str, force: bool
) -> None:
    """Find conflicts of an applied object, and note its managers.

    Raises:
        ApiError: 409 with a cause for each conflict.
    """
    set_, gone = changes(struct, live, new, subresource)
    conflicts: dict[ManagerId, Node] = {}
    for key, fields in managed.fields.items():
        if key != me:
            common = intersection_sets(fields, set_)
            if common:
                conflicts[key] = common
    if conflicts and not force:
        raise conflict_error(conflicts, managed)
    for key, common in conflicts.items():
        managed.fields[key] = difference_sets(managed.fields[key], common)
    for key in list(managed.fields):
        if key != me:
            managed.fields[key] = difference_sets(managed.fields[key], gone)
            if not managed.fields[key]:
                del managed.fields[key]
    if not managed.fields[me]:
        del managed.fields[me]
    set_managed(new, managed)


def conflict_error(conflicts: dict[ManagerId, Node], managed: Managed) -> ApiError:
    """409: others own what this apply would change."""
    rows: list[tuple[str, str]] = []
    for key, fields in sorted(conflicts.items()):
        who = f'"{key.manager}"'
        if key.subresource:
            who += f' with subresource "{key.subresource}"'
        if key.operation == "Update":
            who += f" using {managed.versions.get(key, '')}"
        rows += [(who, show_path(path)) for path in paths(fields)]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path} for who, path in rows
    ]
    if len(rows) == 1:
        text = f"Apply failed with 1 conflict: conflict with {rows[0][0]}: {rows[0][1]}"
    else:
        lines: list[str] = []
        for who in dict.fromkeys(who for who, _ in rows):
            lines.append(f"conflicts with {who}:")
            lines += [f"- {path}" for other, path in rows if other == who]
        text = f"Apply failed with {len(rows)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", text, {"causes": causes})
