"""Reads, updates and writes the entries of ``metadata.managedFields``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from kube_embedded.files import read_json
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema import Struct
from kube_embedded.machinery.schema.decoding import Decoder
from kube_embedded.machinery.work import charge

from .fieldset import (
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
from .typed import joined, problems

UNOWNED = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
           "managedFields", "resourceVersion")  # fmt: skip
STRIPPED: Node = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {f"f:{name}": {} for name in UNOWNED},
}
"""Fields without owners."""
MAX_UPDATERS = 10
"""How many updating managers have entries of their own."""

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


Elsewhere = Callable[[str, Object], "tuple[Struct, Object] | None"]
"""An ``apiVersion`` and an object to the schema of that version and the object in it, None if there is no such."""


class ManagerId(NamedTuple):
    """The key of a manager; an applier is the same in every version, and so has an empty one."""

    manager: str
    operation: str
    api_version: str
    subresource: str


@dataclass(slots=True)
class Entry:
    """The fields that a manager owns, in the ``apiVersion`` of its last write, and the time of its last change."""

    fields: Node
    version: str
    time: str = ""


Managed = dict[ManagerId, Entry]
"""The managers of one object."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """A write as field ownership sees it.

    Args:
        struct: The kind's schema.
        manager: The name of the writer.
        version: The ``apiVersion`` in which it writes.
        now: The time for the manager's entry.
        subresource: The subresource to which it writes, if any.
        elsewhere: Converts to other versions of the kind, in which fields of other managers are compared.
    """

    struct: Struct
    manager: str
    version: str
    now: str
    subresource: str = ""
    elsewhere: Elsewhere | None = None

    def key(self, operation: str) -> ManagerId:
        """The key of the writer's entry."""
        return manager_id(self.manager, operation, self.version, self.subresource)


def manager_id(manager: str, operation: str, version: str, subresource: str) -> ManagerId:
    """Make a key."""
    return ManagerId(manager, operation, "" if operation == "Apply" else version, subresource)


def decode_managed(entries: Any) -> Managed | None:
    """Decode the entries of an object; None if they are invalid."""
    managed: Managed = {}
    for entry in entries or ():
        fields = entry.get("fieldsV1") or {}
        if (
            entry.get("operation") not in ("Apply", "Update")
            or entry.get("fieldsType", "FieldsV1") != "FieldsV1"
            or not valid_node(fields)
        ):
            return None
        version = entry.get("apiVersion", "")
        key = manager_id(
            entry.get("manager", ""), entry["operation"], version, entry.get("subresource", "")
        )
        known = managed.setdefault(key, Entry({}, version))
        known.fields = union_sets(known.fields, fields)
        known.version = version
        known.time = entry.get("time") or known.time
    return managed


def valid_node(node: Any, depth: int = 0) -> bool:
    """Return whether this is a FieldsV1 document."""
    # Clients can send any JSON here.
    if not isinstance(node, dict) or depth > 100:
        return False
    return all(
        (name == "." or name[:2] in ("f:", "k:", "v:", "i:"))
        and (inner == {} or valid_node(inner, depth + 1))
        for name, inner in node.items()
    )


def set_managed(obj: Object, managed: Managed) -> None:
    """Write the entries into an object's metadata, sorted as the real server sorts them."""
    entries: list[Object] = []
    for key, known in managed.items():
        entry: Object = {
            "manager": key.manager,
            "operation": key.operation,
            "apiVersion": known.version,
        }
        if known.time:
            entry["time"] = known.time
        entry["fieldsType"] = "FieldsV1"
        entry["fieldsV1"] = ordered(known.fields)
        if key.subresource:
            entry["subresource"] = key.subresource
        entries.append(entry)
    order = ("operation", "time", "manager", "apiVersion", "subresource")
    entries.sort(key=lambda entry: [entry.get(name, "") for name in order])
    keep_managers(obj["metadata"], {"managedFields": entries} if entries else {})


def keep_managers(metadata: Object, noted: Object) -> None:
    """Copy ``managedFields`` from another copy of the metadata."""
    managed = noted.get("managedFields")
    metadata.pop("managedFields", None)
    if managed is not None:
        metadata["managedFields"] = managed


def managers_of(obj: Object | None) -> Managed:
    """Return the managers of a stored object: none if there is no object, or if its entries are invalid."""
    entries = obj["metadata"].get("managedFields") if obj is not None else None
    return decode_managed(entries) or {}


def _live_or_new(old: Object | None, new: Object, subresource: str) -> Managed:
    """Return the managers that a write starts from: the ones that it sends, else the stored object's."""
    sent = new["metadata"].get("managedFields")
    # An empty list removes all managers; so does a list of one empty entry, which JSON patches can write.
    if not subresource and sent in ([], [{}]):
        return {}
    return (decode_managed(sent) if not subresource else None) or managers_of(old)


def ignored_fields(struct: Struct, subresource: str) -> Node:
    """The fields that writes through a subresource never own."""
    if struct.resets is not None:
        return struct.resets.get(subresource, {})
    own = RESET.get(struct.name, {}).get(subresource)
    if own is not None:
        return own
    if subresource == "status":
        owned = ["status", "kind", "apiVersion"]
        if struct.name not in STATUS_ONLY:
            owned.append("metadata")
        return {f"f:{name}": {} for name in struct.fields if name not in owned}
    return {"f:status": {}} if "status" in struct.fields else {}


def changes(struct: Struct, old: Object | None, new: Object, subresource: str) -> tuple[Node, Node]:
    """Return the fields that a write sets and removes, without fields that have no owners; raise ``Unownable``."""
    before = old if old is not None else Decoder(defaults=False).decode(struct, {})
    # An object of a custom kind can have values of any type.
    if struct.resets is not None and any(
        problems(struct, obj, repeats=True) for obj in (new, before)
    ):
        raise Unownable
    touched, gone = compare(
        shape_of_struct(struct),
        {**before, "metadata": {**(before.get("metadata") or {}), "managedFields": ABSENT}},
        {**new, "metadata": {**(new.get("metadata") or {}), "managedFields": ABSENT}},
    )
    ignored = ignored_fields(struct, subresource)
    return without(without(touched or {}, STRIPPED), ignored), without(gone or {}, ignored)


def converted(
    elsewhere: Elsewhere, version: str, obj: Object, doing: str = ""
) -> tuple[Struct, Object] | None:
    """Return an object in another version of its kind; None if the kind has no such version.

    Raises:
        Unownable: The other version lacks fields of the object.
    """
    other = elsewhere(version, obj)
    errors = problems(*other, repeats=True) if other and other[0].resets is not None else []
    if errors:
        raise Unownable(f"{doing}{joined(errors)}")
    return other


def changes_for(
    write: Ownership, version: str, old: Object | None, new: Object, own: tuple[Node, Node]
) -> tuple[Node, Node] | None:
    """Return the changes of a write in the version of another manager, ``own`` if it is the same.

    None if there is no such version; raise ``Unownable``.
    """
    if version == write.version:
        return own
    if write.elsewhere is None or old is None:
        return None
    before = converted(write.elsewhere, version, old)
    after = converted(write.elsewhere, version, new, "failed to convert new object: ")
    # A conversion costs as much as the write.
    charge(1000)
    if before is None or after is None:
        return None
    return changes(*before, after[1], write.subresource)


def update_managed_fields(write: Ownership, old: Object | None, new: Object) -> None:
    """Record in ``new``, which is about to be stored, which manager changed it from ``old``.

    Args:
        write: The writer.
        old: The stored object, None for a creation.
        new: The object, complete with defaults.
    """
    managed = _live_or_new(old, new, write.subresource)
    # An object without managers gets none before its first apply (they are off, or it is from before 1.18).
    if not managed and old is not None and old["metadata"].get("uid"):
        set_managed(new, managed)
        return
    try:
        own = changes(write.struct, old, new, write.subresource)
        _disown(write, managed, old, new, own)
    except Unownable:
        new["metadata"].pop("managedFields", None)
        return
    if own[0]:
        key = manager_id(write.manager or "unknown", "Update", write.version, write.subresource)
        before = managed[key].fields if key in managed else {}
        managed[key] = Entry(union_sets(before, own[0]), write.version, write.now)
    # A manager without fields cannot cause a conflict.
    managed = {key: entry for key, entry in managed.items() if entry.fields}
    _merge_oldest(managed)
    set_managed(new, managed)


def _disown(
    write: Ownership, managed: Managed, old: Object | None, new: Object, own: tuple[Node, Node]
) -> None:
    """Remove from all managers the fields that a write sets or removes."""
    for key, entry in list(managed.items()):
        charge(20)
        changed = changes_for(write, entry.version, old, new, own)
        if changed is None:
            group = write.version.rpartition("/")[0]
            if entry.version.rpartition("/")[0] != group:
                del managed[key]  # the object has no such version
                continue
            changed = own
        for fields in changed:
            entry.fields = difference_sets(entry.fields, fields)


def _merge_oldest(managed: Managed) -> None:
    """Merge the oldest updaters into one entry per version when there are more than ``MAX_UPDATERS``."""
    updates = [key for key in managed if key.operation == "Update"]
    updates.sort(key=lambda key: (managed[key].time, key))
    surplus = len(updates) - MAX_UPDATERS
    oldest: dict[str, ManagerId] = {}
    for key in updates:
        # KEP-555 limits the number of entries, since each controller with a version in its name would add one.
        if surplus <= 0:
            return
        version = managed[key].version
        if version not in oldest:
            oldest[version] = key
            continue
        bucket = manager_id("ancient-changes", "Update", version, "")
        if bucket not in managed:
            managed[bucket] = managed.pop(oldest[version])
        merged = managed.pop(key)
        fields = union_sets(merged.fields, managed[bucket].fields)
        managed[bucket] = Entry(fields, version, merged.time or managed[bucket].time)
        surplus -= 1
