"""The table of served kinds, from ``kinds.json``: one row each, in the order of discovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from kube_embedded.files import read_json

from .schema.tables import Struct

CRUD = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
"""The verbs of an ordinary stored kind."""


# Compared by identity: rows are made once, and are keys of many dicts.
@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One row of the table of kinds.

    Args:
        group: API group, empty for the core group.
        kind: The Kind, such as ``RoleBinding``.
        plural: The resource, such as ``rolebindings``.
        verbs: A kind with only ``create`` is a question (a review), never stored.
        short_names: The short names that kubectl accepts for it.
        categories: ``all`` for kinds that ``kubectl get all`` shows.
        subresources: Name of each subresource and the verbs it has.
        stored_as: (group, version) in which its objects are stored, if it differs; see
            ``kube_embedded.apiserver.registry.conversion``.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...] = CRUD
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stored_as: tuple[str, str] | None = None

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.kind.lower()

    @property
    def list_kind(self) -> str:
        """The Kind of its lists."""
        return f"{self.kind}List"

    @property
    def group_version(self) -> str:
        """``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Plural with its own group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def resource(self) -> str:
        """Plural with the group in which objects are stored."""
        group = self.group if self.stored_as is None else self.stored_as[0]
        return f"{self.plural}.{group}" if group else self.plural


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CustomKind(Kind):
    """One version of a kind that a CustomResourceDefinition declares; its objects are never structs.

    Args:
        definition: The definition.
        version_spec: Its entry for this version.
        schema: The structural schema of an object.
        struct: The same as field ownership sees it.
        versions: Each version's row by its name, this one's too.
    """

    definition: dict[str, Any]
    version_spec: dict[str, Any]
    schema: dict[str, Any]
    struct: Struct
    versions: dict[str, CustomKind]

    @property
    @override
    def singular(self) -> str:
        """The singular name in the definition."""
        return str(self.definition["status"]["acceptedNames"]["singular"])

    @property
    @override
    def list_kind(self) -> str:
        """The Kind of its lists in the definition."""
        return str(self.definition["status"]["acceptedNames"]["listKind"])


RBAC = "rbac.authorization.k8s.io"


def _kind(row: dict[str, Any]) -> Kind:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    subresources = {name: tuple(verbs) for name, verbs in row.get("subresources", {}).items()}
    return Kind(**{**row, **lists, "subresources": subresources})


_TABLE: dict[str, Any] = read_json(__file__, "kinds.json")
GROUPS: Mapping[str, list[int] | None] = _TABLE["groups"]
"""The real server's order of groups, in which clients look for a name.

They have the priorities of the group and of its version in its APIService; None if there is no such object.
"""
KINDS: tuple[Kind, ...] = tuple(map(_kind, _TABLE["kinds"]))

BY_RESOURCE: Mapping[tuple[str, str, str], Kind] = {
    (row.group, row.version, row.plural): row for row in KINDS
}
"""(group, version, plural) to its row."""

BY_KIND: Mapping[tuple[str, str], Kind] = {
    (row.group, row.kind): row for row in sorted(KINDS, key=lambda row: row.stored_as is None)
}
"""(group, kind) to its row; with several versions, the stored one."""


def stored_kind(kind: Kind) -> Kind:
    """The row of the version in which a kind's objects are stored."""
    # A custom kind is not in the table: it carries the rows of its versions.
    if isinstance(kind, CustomKind) and kind.stored_as is not None:
        return kind.versions[kind.stored_as[1]]
    return BY_RESOURCE[(*kind.stored_as, kind.plural)] if kind.stored_as is not None else kind


SUBRESOURCE_KINDS: Mapping[str, tuple[str, str, str]] = {
    name: (group, version, kind) for name, (group, version, kind) in _TABLE["subresources"].items()
}
"""Subresource to the (group, version, kind) of its bodies, where that is not the kind itself.

``proxy`` has ``NodeProxyOptions``, ``PodProxyOptions``, ``ServiceProxyOptions``.
"""
