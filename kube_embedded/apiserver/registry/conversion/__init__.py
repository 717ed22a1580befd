"""Conversion of kinds that are served in more than one version.

An object is stored in the version that its row names in ``stored_as``. Requests are decoded,
defaulted and patched in their own version, and converted before they are checked and stored;
answers are converted last. Tables, selectors and controllers see the stored version.
Source: the ``conversion.go`` files of k8s.io/kubernetes ``pkg/apis``.
"""

from collections.abc import Mapping

from kube_embedded.machinery.kinds import KINDS, CustomKind, Kind, stored_kind
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema import Struct, schemas
from kube_embedded.machinery.schema.decoding import Decoder

from ..custom.decoding import in_version_of
from ..managed.fieldset import Unownable

# Only events and autoscalers: other kinds of Kubernetes with several versions are served in one here.
BY_STORE: Mapping[str, tuple[Kind, ...]] = {
    row.resource: tuple(kind for kind in KINDS if kind.resource == row.resource)
    for row in KINDS
    if row.stored_as is not None
}
"""Where objects of several versions are stored, to the rows of these."""

EVENT_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
"""Fields of ``events.k8s.io/v1`` that the core group calls otherwise."""

CORE_EVENT_NAMES = {core: name for name, core in EVENT_NAMES.items()}

# Conversions of autoscalers are loaded with the first object that needs one.


def to_stored(kind: Kind, obj: Object) -> Object:
    """Convert an object, whose parts can become parts of the result, to the version in which its kind is stored."""
    if kind.stored_as is None or isinstance(kind, CustomKind):
        return obj
    if kind.group == "events.k8s.io":
        return _complete(stored_kind(kind), _renamed(obj, EVENT_NAMES))
    from .autoscaling import to_v2

    return _complete(stored_kind(kind), to_v2(obj))


def from_stored(kind: Kind, obj: Object) -> Object:
    """Convert a stored object, which stays as it is, to the version of ``kind``."""
    if kind.stored_as is None:
        return obj
    if isinstance(kind, CustomKind):
        return in_version_of(kind, obj)
    if kind.group == "events.k8s.io":
        return _complete(kind, _renamed(obj, CORE_EVENT_NAMES))
    from .autoscaling import from_v2

    return _complete(kind, from_v2(obj))


def in_version(kind: Kind, api_version: str, obj: Object) -> tuple[Struct, Object] | None:
    """Return an object of ``kind`` in another version, and its schema; None if the kind has no such version.

    A custom object retains the fields that the other version does not have; ``Unownable`` if there is no such
    version.
    """
    if isinstance(kind, CustomKind):
        row = kind.versions.get(api_version.removeprefix(f"{kind.group}/"))
        if row is None:
            raise Unownable(f"request to convert CR to an invalid group/version: {api_version}")
        return row.struct, {**obj, "apiVersion": api_version}
    for other in BY_STORE.get(kind.resource, ()):
        if other.group_version == api_version:
            struct = schemas().of_kind(other.group, other.version, other.kind)
            assert struct is not None
            return struct, from_stored(other, to_stored(kind, obj))
    return None


def has_versions(kind: Kind) -> bool:
    """Return whether an object's managers can name another version, served or (for a custom kind) formerly served."""
    return isinstance(kind, CustomKind) or kind.resource in BY_STORE


def _renamed(obj: Object, names: Mapping[str, str]) -> Object:
    return {names.get(name, name): value for name, value in obj.items()}


def _complete(kind: Kind, obj: Object) -> Object:
    """Add the empty fields that a version always prints."""
    struct = schemas().of_kind(kind.group, kind.version, kind.kind)
    assert struct is not None
    # Only the decoder has the list of empty fields that a version prints.
    decoded = Decoder().decode(struct, {**obj, "kind": kind.kind, "apiVersion": kind.group_version})
    return {**decoded, "kind": kind.kind, "apiVersion": kind.group_version}
