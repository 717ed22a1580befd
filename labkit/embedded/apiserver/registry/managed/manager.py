"""Reads, updates and writes the entries of ``metadata.managedFields``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from labkit.core.json_file import read_json
from labkit.embedded.apiserver.registry.managed.fieldset import (
    ABSENT,
    Node,
    Unownable,
    compare,
    difference_sets,
    ordered,
    shape_of_struct,
    union_sets,
    without,
)
from labkit.embedded.apiserver.registry.managed.typed import joined, problems
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import Struct
from labkit.embedded.machinery.schema.decoding import Decoder
from labkit.embedded.machinery.work import charge

UNOWNED = (
    *(
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
    ),
    "resourceVersion",
)
STRIPPED: Node = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {f"f:{name}": {} for name in UNOWNED},
}
"""Fields without owners."""


MAX_UPDATERS = 10
"""How many updating managers have entries of their own."""


class ManagerId(NamedTuple):
    """The key of a manager."""

    manager: str
    operation: str
    api_version: str
    subresource: str


@dataclass(slots=True)
class Managed:
    """The managers of one object: what each owns, when it last changed something, its ``apiVersion``."""

    fields: dict[ManagerId, Node] = field(default_factory=dict)
    times: dict[ManagerId, str] = field(default_factory=dict)
    versions: dict[ManagerId, str] = field(default_factory=dict)


def manager_id(manager: str, operation: str, api_version: str, subresource: str) -> ManagerId:
    """Make an identifier; an applier is the same in every version."""
    return ManagerId(manager, operation, "" if operation == "Apply" else api_version, subresource)


def decode_managed(entries: Any) -> Managed | None:
    """Decode the entries of an object; None if they are invalid."""
    managed = Managed()
    for entry in entries or ():
        if (
            entry.get("operation") not in ("Apply", "Update")
            or entry.get("fieldsType", "FieldsV1") != "FieldsV1"
        ):
            return None
        fields = entry.get("fieldsV1") or {}
        if not valid_node(fields):
            return None
        key = manager_id(
            entry.get("manager", ""),
            entry["operation"],
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
        )
        managed.fields[key] = union_sets(managed.fields.get(key, {}), fields)
        managed.versions[key] = entry.get("apiVersion", "")
        if entry.get("time"):
            managed.times[key] = entry["time"]
    return managed


def valid_node(node: Any, depth: int = 0) -> bool:
    """Whether this is a FieldsV1 document."""
    if not isinstance(node, dict) or depth > 100:
        return False
    return all(
        (name == "." or name[:2] in ("f:", "k:", "v:", "i:"))
        and (inner == {} or valid_node(inner, depth + 1))
        for name, inner in node.items()
    )


def encode_managed(managed: Managed) -> list[Object]:
    """Encode the entries, sorted as the real server sorts them."""
    entries = []
    for key, fields in managed.fields.items():
        entry: Object = {
            "manager": key.manager,
            "operation": key.operation,
            "apiVersion": managed.versions.get(key, key.api_version),
        }
        if key in managed.times:
            entry["time"] = managed.times[key]
        entry["fieldsType"] = "FieldsV1"
        entry["fieldsV1"] = ordered(fields)
        if key.subresource:
            entry["subresource"] = key.subresource
        entries.append(entry)
    order = ("operation", "time", "manager", "apiVersion", "subresource")
    return sorted(entries, key=lambda entry: [entry.get(name, "") for name in order])


def set_managed(obj: Object, managed: Managed) -> None:
    """Write the entries into an object's metadata."""
    entries = encode_managed(managed)
    metadata = obj["metadata"]
    if entries:
        metadata["managedFields"] = entries
    else:
        metadata.pop("managedFields", None)


def keep_managers(metadata: Object, noted: Object) -> None:
    """Copy ``managedFields`` from another copy of the metadata."""
    if metadata is noted:
        return
    metadata.pop("managedFields", None)
    if "managedFields" in noted:
        metadata["managedFields"] = noted["managedFields"]


def managers_of(obj: Object | None) -> Managed:
    """The managers of a stored object: none if there is no object, or if its entries are invalid."""
    entries = obj["metadata"].get("managedFields") if obj is not None else None
    return decode_managed(entries) or Managed()


def live_or_new(old: Object | None, new: Object, subresource: str) -> Managed:
    """The managers a write starts from: those it sends, else those of the stored object."""
    live = managers_of(old)
    if subresource:
        return live
    sent = new["metadata"].get("managedFields")
    if sent in ([], [{}]):
        return Managed()
    managed = decode_managed(sent)
    return managed if managed is not None and managed.fields else live


RESET: dict[str, dict[str, Node]] = read_json(__file__, "reset_fields.json")
"""Struct and subresource to the fields that writes through it never own, where the default does not apply.

Source: k8s.io/kubernetes ``pkg/registry``, ``GetResetFields`` of the strategies.
"""

STATUS_ONLY = frozenset(
    (
        "kube-aggregator.pkg.apis.apiregistration.v1.APIService",
        "flowcontrol.v1.FlowSchema",
        "flowcontrol.v1.PriorityLevelConfiguration",
        "networking.v1.ServiceCIDR",
        "storage.v1.VolumeAttachment",
    )
)
"""Structs of which a write of the status owns no metadata either."""


def ignored_fields(struct: Struct, subresource: str) -> Node:
    """The fields that writes through a subresource never own."""
    if struct.resets is not None:
        return struct.resets.get(subresource, {})
    own = RESET.get(struct.name, {}).get(subresource)
    if own is not None:
        return own
    if subresource == "status":
        kept = (
            ("status", "kind", "apiVersion")
            if struct.name in STATUS_ONLY
            else ("status", "metadata", "kind", "apiVersion")
        )
        return {f"f:{name}": {} for name in struct.fields if name not in kept}
    return {"f:status": {}} if "status" in struct.fields else {}


def changes(struct: Struct, old: Object | None, new: Object, subresource: str) -> tuple[Node, Node]:
    """Return the fields that a write sets and removes, without fields that have no owners; raise ``Unownable``."""
    before = old if old is not None else Decoder(defaults=False).decode(struct, {})
    if struct.resets is not None and (
        problems(struct, new, repeats=True) or problems(struct, before, repeats=True)
    ):
        raise Unownable  # an object of a custom kind may have values of any type
    set_, gone = compare(
        shape_of_struct(struct),
        {**before, "metadata": {**(before.get("metadata") or {}), "managedFields": ABSENT}},
        {**new, "metadata": {**(new.get("metadata") or {}), "managedFields": ABSENT}},
    )
    ignored = ignored_fields(struct, subresource)
    touched = without(without(set_ or {}, STRIPPED), ignored)
    return touched, without(gone or {}, ignored)


Elsewhere = Callable[[str, Object], "tuple[Struct, Object] | None"]
"""An ``apiVersion`` and an object to the schema of that version and the object in it, None if there is no such."""


def converted(
    elsewhere: Elsewhere, version: str, obj: Object, doing: str = ""
) -> tuple[Struct, Object] | None:
    """An object in another version of its kind, None if there is no such; raise ``Unownable`` for fields it lacks."""
    other = elsewhere(version, obj)
    if other is not None and other[0].resets is not None:
        found = problems(*other, repeats=True)
        if found:
            raise Unownable(f"{doing}{joined(found)}")
    return other


def changes_in(
    elsewhere: Elsewhere, version: str, old: Object, new: Object, subresource: str
) -> tuple[Node, Node] | None:
    """What a write sets and removes in another version, None if there is no such; raise ``Unownable``."""
    before = converted(elsewhere, version, old)
    after = converted(elsewhere, version, new, "failed to convert new object: ")
    return None if before is None or after is None else changes(*before, after[1], subresource)


def update_managed_fields(
    struct: Struct,
    old: Object | None,
    new: Object,
    manager: str,
    api_version: str,
    subresource: str,
    now: str,
    elsewhere: Elsewhere | None = None,
) -> None:
    """Record in ``new``, which is about to be stored, which manager changed it from ``old``.

    Args:
        struct: The kind's schema.
        old: The stored object, None for a creation.
        new: The object, complete with defaults.
        manager: Who writes.
        api_version: In which version of the kind.
        subresource: Through which subresource, if any.
        now: The time of the entry.
        elsewhere: Converts to other versions of the kind, in which fields of other managers are compared.
    """
    managed = live_or_new(old, new, subresource)
    if not managed.fields and old is not None and old["metadata"].get("uid"):
        set_managed(new, managed)
        return
    try:
        set_, gone = changes(struct, old, new, subresource)
        _disown(managed, api_version, (set_, gone), old, new, subresource, elsewhere)
    except Unownable:
        new["metadata"].pop("managedFields", None)
        return
    if set_:
        key = manager_id(manager or "unknown", "Update", api_version, subresource)
        previous = managed.fields.get(key, {})
        managed.fields[key] = union_sets(previous, set_)
        managed.versions[key] = api_version
        managed.times[key] = now
    managed.fields = {key: fields for key, fields in managed.fields.items() if fields}
    _merge_oldest(managed)
    set_managed(new, managed)


def _disown(
    managed: Managed,
    api_version: str,
    changed: tuple[Node, Node],
    old: Object | None,
    new: Object,
    subresource: str,
    elsewhere: Elsewhere | None,
) -> None:
    """Remove from all managers the fields that a write sets or removes."""
    for key in list(managed.fields):
        version = managed.versions.get(key, api_version)
        other = None
        if elsewhere is not None and old is not None and version != api_version:
            other = changes_in(elsewhere, version, old, new, subresource)
        if other is None and version.rpartition("/")[0] != api_version.rpartition("/")[0]:
            del managed.fields[key]  # the object has no such version
            continue
        charge(1000 if other is not None else 20)
        touched, lost = other if other is not None else changed
        managed.fields[key] = difference_sets(difference_sets(managed.fields[key], touched), lost)


def _merge_oldest(managed: Managed) -> None:
    """Merge the oldest updaters into one entry per version when there are more than ``MAX_UPDATERS``."""
    updates = [key for key in managed.fields if key.operation == "Update"]
    updates.sort(key=lambda key: (managed.times.get(key, ""), key))
    surplus = len(updates) - MAX_UPDATERS
    oldest: dict[str, ManagerId] = {}
    for key in updates:
        version = managed.versions.get(key, key.api_version)
        if surplus <= 0:
            return
        if version not in oldest:
            oldest[version] = key
            continue
        bucket = manager_id("ancient-changes", "Update", version, "")
        if bucket not in managed.fields:
            managed.fields[bucket] = managed.fields.pop(oldest[version])
            managed.versions[bucket] = version
        managed.fields[bucket] = union_sets(managed.fields.pop(key), managed.fields[bucket])
        if key in managed.times:
            managed.times[bucket] = managed.times[key]
        surplus -= 1
