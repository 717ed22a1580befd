"""Discovery: the groups, versions, resources and verbs that are served.

Clients read this first, in one of two forms: one document per group version, or all in one
(aggregated). Both are made once, from the table of kinds.

Source: k8s.io/apiserver ``pkg/endpoints/discovery``; KEP-3352 (aggregated discovery).
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cached_property

import orjson

from ...machinery.kinds import GROUPS, SUBRESOURCE_KINDS, CustomKind, Kind, stored_kind
from ...machinery.request import Object

KUBE_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?", re.ASCII)
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""The verbs of a custom kind, in the order in which they are listed."""
TERMINATING_VERBS = ("delete", "deletecollection", "get", "list", "watch")
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def subresource_kind(kind: Kind, subresource: str) -> tuple[str, str, str]:
    """Group, version (both empty if they are the resource's own) and kind of a subresource."""
    if subresource == "proxy":
        return "", "", f"{kind.kind}ProxyOptions"
    group, version, name = SUBRESOURCE_KINDS.get(subresource, (kind.group, kind.version, kind.kind))
    return (
        ("", "", name) if (group, version) == (kind.group, kind.version) else (group, version, name)
    )


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Sorts stable versions before beta before alpha, and higher before lower; all others come last, by name."""
    match = KUBE_VERSION.fullmatch(version)
    if match is None:
        return 3, 0, 0, version
    stage = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return stage, -int(match[1]), -int(match[3] or 0), ""


class Discovery:
    """The discovery documents of some kinds."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._versions: dict[str, dict[str, list[Kind]]] = {}
        for kind in kinds:
            self._versions.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
        # Sorted here once, since every document lists resources by name.
        for versions in self._versions.values():
            for rows in versions.values():
                rows.sort(key=lambda kind: kind.plural)

    @property
    def groups(self) -> Sequence[str]:
        """Names of the groups served, without the core group, in the real server's order."""
        # Groups of definitions come last in the real server, whose priorities they cannot set.
        custom = sorted(group for group in self._versions if group not in GROUPS)
        return [*(group for group in GROUPS if group and group in self._versions), *custom]

    def versions(self, group: str) -> Sequence[str]:
        """Versions of a group, the preferred one first; empty if the group is not served."""
        return sorted(self._versions.get(group, {}), key=version_rank)

    def kinds(self, group: str, version: str) -> Sequence[Kind]:
        """The rows of a group version, by name."""
        return self._versions.get(group, {}).get(version, [])

    def core_versions(self, address: str) -> Object:
        """``/api``, with the host and port at which the server is reached."""
        return {
            "kind": "APIVersions",
            "versions": list(self.versions("")),
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }

    def group(self, group: str) -> Object:
        """One group of ``/apis``, without kind and apiVersion."""
        versions = [
            {"groupVersion": f"{group}/{version}", "version": version}
            for version in self.versions(group)
        ]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}

    def group_list(self) -> Object:
        """``/apis``."""
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [self.group(group) for group in self.groups],
        }

    def resource_list(self, group: str, version: str) -> Object:
        """``/api/v1`` or ``/apis/{group}/{version}``."""
        head: Object = {"kind": "APIResourceList"}
        if group:
            head["apiVersion"] = "v1"
        head["groupVersion"] = f"{group}/{version}" if group else version
        resources: list[Object] = []
        for kind in self.kinds(group, version):
            resources.append(_resource(kind))
            resources += [_subresource(kind, name, verbs) for name, verbs in _subresources(kind)]
        return {**head, "resources": resources}

    @cached_property
    def aggregated_core(self) -> bytes:
        """``/api`` in the aggregated form."""
        return orjson.dumps(self._aggregated([""])) + b"\n"

    @cached_property
    def aggregated_groups(self) -> bytes:
        """``/apis`` in the aggregated form."""
        return orjson.dumps(self._aggregated(self.groups)) + b"\n"

    def _aggregated(self, groups: Iterable[str]) -> Object:
        items = [
            {
                "metadata": {"name": group} if group else {},
                "versions": [
                    {
                        "version": version,
                        "resources": [
                            _aggregated_resource(kind) for kind in self.kinds(group, version)
                        ],
                        "freshness": "Current",
                    }
                    for version in self.versions(group)
                ],
            }
            for group in groups
        ]
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": items,
        }


def _resource(kind: Kind) -> Object:
    resource: Object = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _verbs(kind),
        **_other_names(kind),
    }
    stored = stored_kind(kind)
    # Of a custom kind, only if the version in which it is stored is served too.
    served = not isinstance(stored, CustomKind) or bool(stored.version_spec["served"])
    if "list" in kind.verbs and "create" in kind.verbs and served:
        resource["storageVersionHash"] = storage_version_hash(kind)
    return resource


def _verbs(kind: Kind) -> list[str]:
    if not isinstance(kind, CustomKind):
        return sorted(kind.verbs)
    conditions = kind.definition["status"].get("conditions") or ()
    ending = any((row["type"], row["status"]) == ("Terminating", "True") for row in conditions)
    return list(TERMINATING_VERBS if ending else CUSTOM_VERBS)


def _subresources(kind: Kind) -> list[tuple[str, tuple[str, ...]]]:
    rows = list(kind.subresources.items())
    return rows if isinstance(kind, CustomKind) else sorted(rows)


def _other_names(kind: Kind) -> Object:
    names = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
    return {field: texts for field, texts in names.items() if texts}


def storage_version_hash(kind: Kind) -> str:
    """A hash of the version in which a kind is stored.

    Source: k8s.io/apiserver ``pkg/endpoints/discovery/storageversionhash.go``.
    """
    kind = stored_kind(kind)
    text = f"{kind.group}/{kind.version}/{kind.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _subresource(kind: Kind, name: str, verbs: Sequence[str]) -> Object:
    group, version, other = subresource_kind(kind, name)
    # Group and version are omitted if they are the resource's own.
    return {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        **({"group": group, "version": version} if group else {}),
        "kind": other,
        "verbs": sorted(verbs),
    }


def _aggregated_resource(kind: Kind) -> Object:
    subresources = [
        {
            "subresource": name,
            "responseKind": _response_kind(kind, subresource_kind(kind, name)),
            "verbs": sorted(verbs),
        }
        for name, verbs in _subresources(kind)
    ]
    return {
        "resource": kind.plural,
        "responseKind": _response_kind(kind, ("", "", kind.kind)),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(kind),
        **_other_names(kind),
        **({"subresources": subresources} if subresources else {}),
    }


def _response_kind(kind: Kind, gvk: tuple[str, str, str]) -> Object:
    group, version, name = gvk
    # The real server fills them in for custom kinds only.
    if isinstance(kind, CustomKind) and not version:
        group = kind.group
        version = kind.version
    return {"group": group, "version": version, "kind": name}
