"""Kinds that the decoder recognizes although they are no longer served.

A body of one of them is refused with another error than a body of an unknown kind.

Source: k8s.io/kubernetes ``pkg/apis/*/install``, k8s.io/api ``*/*/register.go``.
"""

from typing import Any

from kube_embedded.files import read_json

_TABLE: dict[str, Any] = read_json(__file__, "older_versions.json")

KINDS: dict[str, str] = _TABLE["kinds"]
"""The kinds that are registered in each group and version."""

MOVED: dict[str, dict[str, str]] = _TABLE["moved"]
"""The current groups of kinds that moved elsewhere than the rest of their group."""
MOVED_ALL = {"extensions": "apps"}

EVERYWHERE = frozenset(_TABLE["everywhere"])
"""Kinds of every group and version."""
UNVERSIONED = frozenset(_TABLE["unversioned"])
"""Kinds that are known in any group and version."""


def is_registered(api_version: str, kind: str) -> bool:
    """Return whether the decoder recognizes an older version of a kind."""
    return kind in KINDS.get(api_version, "").split()


def is_older(api_version: str, kind: str, group: str, newer: str) -> bool:
    """Return whether a kind is an older version of ``newer``, which is now in ``group``."""
    named = api_version.rpartition("/")[0]
    home = MOVED.get(named, {}).get(kind, MOVED_ALL.get(named, named))
    today = MOVED.get(group, {}).get(newer, group)
    return is_registered(api_version, kind) and (home, kind) == (today, newer)
