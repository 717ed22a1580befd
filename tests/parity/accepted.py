"""The differences we accept, from ``accepted.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.parity.compare import Difference

FILE = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True)
class Accepted:
    """One accepted difference; ``path`` can be a pattern."""

    step: str
    aspect: str
    path: str
    why: str

    def covers(self, difference: Difference) -> bool:
        """Return whether this entry covers a difference."""
        return (
            self.step == difference.step
            and self.aspect == difference.aspect
            and fnmatchcase(difference.path, self.path)
        )


@dataclass(frozen=True)
class LeftOut:
    """Features that the server omits on purpose: one kind of feature, and its names."""

    kind: str
    names: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Agreement:
    """The whole of ``accepted.toml``."""

    accepted: tuple[Accepted, ...]
    left_out: tuple[LeftOut, ...]

    @classmethod
    def read(cls, path: Path = FILE) -> Agreement:
        """Read the file, and check that every entry has a reason."""
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        accepted = tuple(
            Accepted(entry["step"], entry["aspect"], entry.get("path", ""), entry["why"])
            for entry in raw.get("accepted", [])
        )
        left_out = []
        for entry in raw.get("left_out", []):
            (kind,) = entry.keys() - {"why"}
            names = entry[kind] if isinstance(entry[kind], list) else [entry[kind]]
            left_out.append(LeftOut(kind, tuple(names), entry["why"]))
        return cls(accepted, tuple(left_out))

    def unlisted(self, found: Sequence[Difference]) -> list[Difference]:
        """The differences that no entry covers."""
        return [item for item in found if not any(entry.covers(item) for entry in self.accepted)]

    def outdated(self, found: Sequence[Difference], prefix: str) -> list[Accepted]:
        """The entries for steps that begin with ``prefix`` and that no longer differ."""
        return [
            entry
            for entry in self.accepted
            if entry.step.startswith(prefix) and not any(entry.covers(item) for item in found)
        ]

    def _names(self, kind: str) -> tuple[str, ...]:
        return tuple(name for entry in self.left_out if entry.kind == kind for name in entry.names)

    def leaves_out(self, kind: str, name: str) -> bool:
        """Return whether a feature of that kind and name is left out on purpose."""
        return any(fnmatchcase(name, pattern) for pattern in self._names(kind))

    def without_left_out(self, body: Any) -> Any:
        """A recorded body as it reads on a server that leaves those things out.

        Args:
            body: A decoded and masked body; other bodies than lists of groups, resources,
                paths and bootstrap objects come back as they are.
        """
        if not isinstance(body, dict) or not self.left_out:
            return body
        kind = body.get("kind")
        if kind == "APIGroupList":
            return {
                **body,
                "groups": [
                    item for item in body["groups"] if not self.leaves_out("group", item["name"])
                ],
            }
        if kind == "APIGroupDiscoveryList":
            kept = [
                item
                for item in body["items"]
                if not self.leaves_out("group", item["metadata"].get("name", ""))
            ]
            return {**body, "items": [self._served(item) for item in kept]}
        if kind == "APIResourceList":
            served = [
                item
                for item in body["resources"]
                if not self._skips(body["groupVersion"], item["name"])
            ]
            return {**body, "resources": served}
        if isinstance(kind, str) and kind.endswith(("RoleList", "RoleBindingList")):
            kept = [
                item
                for item in body["items"]
                if not self.leaves_out("object", item["metadata"]["name"])
            ]
            return {**body, "items": kept}
        if kind is None and isinstance(body.get("paths"), list):
            return {**body, "paths": [path for path in body["paths"] if not self._hides(path)]}
        return body

    def _served(self, group: dict[str, Any]) -> dict[str, Any]:
        name = group["metadata"].get("name", "")
        versions = []
        for version in group["versions"]:
            label = f"{name}/{version['version']}" if name else version["version"]
            served = [
                item
                for item in version.get("resources", [])
                if not self._skips(label, item["resource"])
            ]
            versions.append({**version, "resources": served})
        return {**group, "versions": versions}

    def _skips(self, group_version: str, resource: str) -> bool:
        return self.leaves_out("resource", f"{group_version}/{resource}")

    def _hides(self, path: str) -> bool:
        parts = path.split("/")
        group = parts[2] if path.startswith("/apis/") and len(parts) > 2 else ""
        return self.leaves_out("path", path) or (bool(group) and self.leaves_out("group", group))
