"""Server-side apply: merge a configuration, prune the fields that it no longer names, find conflicts.

All of this works on plain JSON; the result is decoded and completed afterwards.
Source: structured-merge-diff ``merge/update.go``; k8s.io/apimachinery ``pkg/util/managedfields``.
"""

import copy
import json

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema import Struct
from kube_embedded.machinery.schema.decoding import Decoder
from kube_embedded.machinery.status import ApiError

from .fieldset import (
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
from .manager import (
    STRIPPED,
    Entry,
    Managed,
    ManagerId,
    Ownership,
    changes,
    changes_for,
    converted,
    ignored_fields,
    manager_id,
    managers_of,
)
from .merging import merge, remove
from .typed import joined, problems

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"
"""The manager that takes over from client-side apply."""


def apply(
    write: Ownership, live: Object | None, config: Object, *, force: bool
) -> tuple[Object | None, Managed]:
    """Apply a configuration to an object.

    Args:
        write: The applier.
        live: The stored object, None if there is none.
        config: The configuration as the client sent it.
        force: Take over fields that others own.

    Returns:
        The merged object, still to be decoded, or None if nothing changed; and its managers.

    Raises:
        ApiError: 409 with a cause for each conflict; 500 if there are parts that no manager can own.
        Unownable: Another manager's version does not have all fields of the object.
    """
    shape = shape_of_struct(write.struct)
    managed = managers_of(live)
    if live is None:
        # The object that an apply to a missing object starts from.
        base = Decoder(defaults=False).decode(write.struct, {})
        base.update({name: config[name] for name in ("kind", "apiVersion") if name in config})
    else:
        check_ownable(write.struct, live, write.version, first=not managed)
        versions = {entry.version for entry in managed.values()} - {write.version}
        if write.elsewhere is not None:
            for version in sorted(versions):
                converted(write.elsewhere, version, live)
        own = live["metadata"].items()
        base = {**live, "metadata": {name: item for name, item in own if name != "managedFields"}}
        if not managed:
            fields, _ = changes(write.struct, None, live, write.subresource)
            if fields:
                # Whatever is there already must not be lost to the first applier without a conflict.
                key = manager_id("before-first-apply", "Update", write.version, "")
                managed[key] = Entry(fields, write.version, write.now)
    me = write.key("Apply")
    applied = without(owned_by(shape, config), ignored_fields(write.struct, write.subresource))
    last = managed.get(me, Entry({}, write.version))
    merged = merge(shape, base, config)
    if last.fields:
        held = applied
        for key, entry in managed.items():
            if key != me:
                held = union_sets(held, entry.fields)
        merged = remove(shape, merged, difference_sets(last.fields, held), held)
    mine = managed[me] = Entry(without(applied, STRIPPED), write.version, last.time)
    _take_over(write, base, merged, managed, force=force)
    if not mine.fields:
        del managed[me]
    # An apply without effect does not change the time of its entry, and so is not written.
    if merged != base:
        mine.time = write.now
    merged = copy.deepcopy(merged)
    if write.manager == KUBECTL and _last_applied(merged):
        merged["metadata"]["annotations"][LAST_APPLIED] = _as_last_applied(config)
    return None if merged == base else merged, managed


def check_ownable(struct: Struct, live: Object, api_version: str, first: bool) -> None:
    """Raise a 500, as the real server does, for items without their key, which no manager can own.

    ``first``: the object has no managers yet.
    """
    errors = problems(struct, live, repeats=True)
    if not errors:
        return
    group, _, version = api_version.rpartition("/")
    metadata = live["metadata"]
    named = f"{metadata.get('namespace', '')}/{metadata['name']}"
    subject = f"({named}; {group}/{version}, Kind={live['kind']})"
    text = f"failed to create typed live object {subject}"
    if first:
        text = (
            "failed to create manager for existing fields: "
            f"failed to convert new object {subject} to smd typed"
        )
    raise ApiError(500, "", f"{text}: {joined(errors)}")


def _take_over(
    write: Ownership, live: Object, new: Object, managed: Managed, *, force: bool
) -> None:
    """Remove changed fields from other managers, or raise a 409 with a cause for each conflict."""
    own = changes(write.struct, live, new, write.subresource)
    me = write.key("Apply")
    conflicts: dict[ManagerId, Node] = {}
    versions = {key: entry.version for key, entry in managed.items()}
    for key, entry in list(managed.items()):
        if key == me:
            continue
        changed = changes_for(write, entry.version, live, new, own) or own
        common = intersection_sets(entry.fields, changed[0])
        if common:
            conflicts[key] = common
        for fields in changed:
            entry.fields = difference_sets(entry.fields, fields)
        if not entry.fields:
            del managed[key]
    if conflicts and not force:
        # kubectl replaces what kubectl set in the way that came before server-side apply.
        allowed = _allowed(write, live) if write.manager == KUBECTL else {}
        left = {key: difference_sets(fields, allowed) for key, fields in conflicts.items()}
        rows = [
            (_named(key, versions[key]), show_path(path))
            for key, fields in sorted(left.items())
            for path in (paths(fields) if fields else ())
        ]
        if rows:
            raise conflict_error(rows)


def _last_applied(obj: Object) -> str:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(LAST_APPLIED) or "")


def _allowed(write: Ownership, live: Object) -> Node:
    """Return the fields that client-side apply set and that are unchanged since: kubectl can take them over."""
    try:
        config = json.loads(_last_applied(live))
    except ValueError:
        return {}
    if (
        not isinstance(config, dict)
        or config.get("apiVersion") != write.version
        or problems(write.struct, config)
    ):
        return {}
    shape = shape_of_struct(write.struct)
    allowed = owned_by(shape, config)
    for fields in compare(shape, config, live):
        allowed = difference_sets(allowed, fields or {})
    return allowed


def _as_last_applied(config: Object) -> str:
    """A configuration as the last-applied annotation holds it."""
    applied = copy.deepcopy(config)
    annotations = (applied.get("metadata") or {}).get("annotations")
    if annotations:
        annotations.pop(LAST_APPLIED, None)
    return json.dumps(applied, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"


def _named(key: ManagerId, version: str) -> str:
    name = go_quote(key.manager)
    if key.subresource:
        name += f' with subresource "{key.subresource}"'
    return f"{name} using {version}" if key.operation == "Update" else name


def conflict_error(rows: list[tuple[str, str]]) -> ApiError:
    """Return a 409 that lists the fields that others own, each as its manager and its path."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {name}", "field": path}
        for name, path in rows
    ]
    if len(rows) == 1:
        text = f"Apply failed with 1 conflict: conflict with {rows[0][0]}: {rows[0][1]}"
    else:
        lines = [f"Apply failed with {len(rows)} conflicts: "]
        for manager in dict.fromkeys(name for name, _ in rows):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {path}" for name, path in rows if name == manager]
        text = lines[0] + "\n".join(lines[1:])
    return ApiError(409, "Conflict", text, {"causes": causes})
