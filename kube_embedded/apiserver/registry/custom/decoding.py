"""JSON to an object of a custom kind, and from one of its versions to another.

Source: k8s.io/apiextensions-apiserver ``pkg/apiserver/customresource_handler.go``.
"""

import copy
from typing import Any

from kube_embedded.machinery.golang.json import Pairs
from kube_embedded.machinery.kinds import CustomKind
from kube_embedded.machinery.request import Object, Unstructured
from kube_embedded.machinery.schema.decoding import (
    MAX_PLAIN_DEPTH,
    TOO_DEEP,
    DecodeProblem,
    inexact,
)
from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import charge

from ..sizes import Growth
from .structural import drop_nulls, prune, read_metadata, set_defaults

ITEM_COST = 10


def decode_custom(kind: CustomKind, data: Any, strict: list[str] | None = None) -> Object:
    """Decode an object of a custom kind: pruned, with its defaults.

    Its kind and apiVersion stay as they are. ``strict`` collects unknown and repeated fields.

    Raises:
        DecodeProblem: The metadata has the wrong type.
        ApiError: Its defaults are too large.
    """
    repeated: list[str] = []
    obj: Object = _copied(data, "", repeated, 0)
    unknown: list[str] = []
    metadata = read_metadata(obj["metadata"], unknown) if "metadata" in obj else {}
    # An object of another kind is refused later; its fields cannot be judged by this schema.
    if (obj.get("kind"), obj.get("apiVersion")) == (kind.kind, kind.group_version):
        pruned: list[str] = []
        prune(obj, kind.schema, pruned, root=True)
        drop_nulls(obj, kind.schema)
        set_defaults(obj, kind.schema, Growth())
        unknown += sorted(pruned)
    # Metadata always has the server's own schema, even if the definition declares another one.
    obj["metadata"] = metadata
    if strict is not None:
        strict += [*repeated, *(f'unknown field "{path}"' for path in unknown)]
    return obj


def in_version_of(kind: CustomKind, obj: Object) -> Unstructured:
    """A stored object, with the defaults of the version in which it is stored, in a version of its kind.

    Raises:
        ApiError: 500 if its definition no longer has the version in which it is stored.
    """
    if isinstance(obj, Unstructured) and obj["apiVersion"] == kind.group_version:
        return obj
    # Metadata was decoded when the object was written, and can be large.
    content = {name: value for name, value in obj.items() if name != "metadata"}
    converted = pruned_for(kind, decode_custom(version_of(kind, obj), content))
    return Unstructured({**converted, "metadata": copy.copy(obj["metadata"])})


def version_of(kind: CustomKind, obj: Object) -> CustomKind:
    """The version in which an object is stored; 500 if its definition no longer has it."""
    # A definition should drop a version only after its objects were written in another, but this is not enforced.
    row = kind.versions.get(obj["apiVersion"].removeprefix(f"{kind.group}/"))
    if row is None:
        text = f"request to convert CR from an invalid group/version: {obj['apiVersion']}"
        raise ApiError(500, "", text)
    return row


def pruned_for(kind: CustomKind, obj: Object) -> Object:
    """An object in a version of its kind, without the fields that this version does not have."""
    if obj["apiVersion"] == kind.group_version:
        return obj
    converted = {**copy.deepcopy(dict(obj)), "apiVersion": kind.group_version}
    prune(converted, kind.schema, [], root=True)
    return converted


def _copied(value: Any, path: str, repeated: list[str], depth: int) -> Any:
    """Copy free-form JSON with numbers as Go reads them, and collect repeated fields."""
    if depth > MAX_PLAIN_DEPTH:
        raise DecodeProblem(TOO_DEEP)
    if isinstance(value, dict | list):
        charge(ITEM_COST * len(value))
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        if isinstance(value, Pairs):
            repeated += [f'duplicate field "{prefix}{name}"' for name in value.duplicates]
        # Most values are texts, which need neither a call nor a path.
        return {
            name: item
            if isinstance(item, str)
            else _copied(item, prefix + name, repeated, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [
            item
            if isinstance(item, str)
            else _copied(item, f"{path}[{index}]", repeated, depth + 1)
            for index, item in enumerate(value)
        ]
    # Go's unstructured JSON reads a whole number as int64, or as float64 if it does not fit.
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return inexact(value)
    return value
