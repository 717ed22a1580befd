"""Server-side apply: merge a configuration, prune what it no longer names, find conflicts.

Everything happens on plain JSON; what comes out is decoded and completed afterwards.
Source: structured-merge-diff ``merge/update.go``; k8s.io/apimachinery ``pkg/util/managedfields``.
"""

from __future__ import annotations

import copy
import json

from labkit.embedded.apiserver.registry.managed.fieldset import (
    Node,
    compare,
    difference_sets,
    intersection_sets,
    owned_by,
    paths,
    shape_of_struct,
    show_path,
    union_sets,
    without,
)
from labkit.embedded.apiserver.registry.managed.manager import (
    STRIPPED,
    Elsewhere,
    Managed,
    ManagerId,
    changes,
    changes_in,
    converted,
    ignored_fields,
    manager_id,
    managers_of,
)
from labkit.embedded.apiserver.registry.managed.merging import merge, remove
from labkit.embedded.apiserver.registry.managed.typed import joined, problems
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import Struct
from labkit.embedded.machinery.schema.decoding import Decoder
from labkit.embedded.machinery.status import ApiError

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"
"""The manager that takes over from client-side apply."""


def apply(
    struct: Struct,
    live: Object | None,
    config: Object,
    manager: str,
    api_version: str,
    subresource: str,
    force: bool,
    now: str,
    elsewhere: Elsewhere | None = None,
) -> tuple[Object | None, Managed]:
    """Apply a configuration to an object.

    Args:
        struct: The kind's schema.
        live: The stored object, None if there is none.
        config: What the caller applies, as it was sent.
        manager: Who applies.
        api_version: The configuration's version.
        subresource: Through which subresource, if any.
        force: Take over fields that others own.
        now: The time for the manager's entry.
        elsewhere: Converts to other versions of the kind, in which fields of other managers are compared.

    Returns:
        The merged object, still to be decoded, or None if nothing changed; and its managers.

    Raises:
        ApiError: 409 with a cause for each conflict; 500 if there are parts that no manager can own.
        Unownable: Another manager's version does not have all fields of the object.
    """
    shape = shape_of_struct(struct)
    managed = managers_of(live)
    if live is not None:
        check_ownable(struct, live, api_version, first=not managed.fields)
    if live is not None and elsewhere is not None:
        for version in sorted({*managed.versions.values()} - {api_version}):
            converted(elsewhere, version, live)
    if live is None:
        base = empty_object(struct, config)
    else:
        metadata = {
            name: value for name, value in live["metadata"].items() if name != "managedFields"
        }
        base = {**live, "metadata": metadata}
    if live is not None and not managed.fields:
        set_, _ = changes(struct, None, live, subresource)
        if set_:
            key = manager_id("before-first-apply", "Update", api_version, "")
            managed.fields[key], managed.versions[key], managed.times[key] = set_, api_version, now
    me = manager_id(manager, "Apply", api_version, subresource)
    applied = without(owned_by(shape, config), ignored_fields(struct, subresource))
    owned = without(applied, STRIPPED)
    last = managed.fields.get(me, {})
    merged = merge(shape, base, config)
    if last:
        kept = applied
        for key, fields in managed.fields.items():
            if key != me:
                kept = union_sets(kept, fields)
        merged = remove(shape, merged, difference_sets(last, kept), kept)
    managed.fields[me] = owned
    managed.versions[me] = api_version
    _take_over(struct, base, merged, managed, me, subresource, force, elsewhere)
    if not owned:
        del managed.fields[me]
    if merged != base:
        managed.times[me] = now
    merged = copy.deepcopy(merged)
    if manager == KUBECTL and _last_applied(merged):
        merged["metadata"]["annotations"][LAST_APPLIED] = _as_last_applied(config)
    return None if merged == base else merged, managed


def check_ownable(struct: Struct, live: Object, api_version: str, first: bool) -> None:
    """Raise a 500, as the real server does, for items without their key, which no manager can own.

    ``first``: the object has no managers yet.
    """
    found = problems(struct, live, repeats=True)
    if not found:
        return
    group, _, version = api_version.rpartition("/")
    metadata = live["metadata"]
    who = f"{metadata.get('namespace', '')}/{metadata['name']}; {group}/{version}, Kind={live['kind']}"
    text = (
        f"failed to create manager for existing fields: failed to convert new object ({who}) to smd typed"
        if first
        else f"failed to create typed live object ({who})"
    )
    raise ApiError(500, "", f"{text}: {joined(found)}")


def empty_object(struct: Struct, config: Object) -> Object:
    """The object that an apply to a missing object starts from."""
    empty = Decoder(defaults=False).decode(struct, {})
    empty.update({name: config[name] for name in ("kind", "apiVersion") if name in config})
    return empty


def _take_over(
    struct: Struct,
    live: Object,
    new: Object,
    managed: Managed,
    me: ManagerId,
    subresource: str,
    force: bool,
    elsewhere: Elsewhere | None,
) -> None:
    """Remove changed fields from other managers, or raise a 409 with a cause for each conflict."""
    set_, gone = changes(struct, live, new, subresource)
    version = managed.versions[me]
    conflicts: dict[ManagerId, Node] = {}
    for key in list(managed.fields):
        if key == me:
            continue
        theirs = managed.versions.get(key, version)
        other = None
        if elsewhere is not None and theirs != version:
            other = changes_in(elsewhere, theirs, live, new, subresource)
        touched, lost = other if other is not None else (set_, gone)
        common = intersection_sets(managed.fields[key], touched)
        if common:
            conflicts[key] = common
        managed.fields[key] = difference_sets(difference_sets(managed.fields[key], touched), lost)
        if not managed.fields[key]:
            del managed.fields[key]
    if conflicts and not force:
        if me.manager == KUBECTL:
            allowed = _allowed(struct, live, version)
            left = {key: difference_sets(fields, allowed) for key, fields in conflicts.items()}
            conflicts = {key: fields for key, fields in left.items() if fields}
        if conflicts:
            raise conflict_error(conflicts, managed)


def _last_applied(obj: Object) -> str:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(LAST_APPLIED) or "")


def _allowed(struct: Struct, live: Object, version: str) -> Node:
    """The fields that client-side apply set and that are unchanged since: kubectl may take them over."""
    try:
        config = json.loads(_last_applied(live))
    except ValueError:
        return {}
    if (
        not isinstance(config, dict)
        or config.get("apiVersion") != version
        or problems(struct, config)
    ):
        return {}
    shape = shape_of_struct(struct)
    changed, gone = compare(shape, config, live)
    owned = owned_by(shape, config)
    return difference_sets(difference_sets(owned, changed or {}), gone or {})


def _as_last_applied(config: Object) -> str:
    """A configuration as the last-applied annotation holds it."""
    kept = copy.deepcopy(config)
    annotations = (kept.get("metadata") or {}).get("annotations")
    if annotations:
        annotations.pop(LAST_APPLIED, None)
    return json.dumps(kept, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"


def conflict_error(conflicts: dict[ManagerId, Node], managed: Managed) -> ApiError:
    """Return a 409 that lists the fields that others own."""
    rows: list[tuple[str, str]] = []
    for key, fields in sorted(conflicts.items()):
        who = go_quote(key.manager)
        if key.subresource:
            who += f' with subresource "{key.subresource}"'
        if key.operation == "Update":
            who += f" using {managed.versions.get(key, '')}"
        rows += [(who, show_path(path)) for path in paths(fields)]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}
        for who, path in rows
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
