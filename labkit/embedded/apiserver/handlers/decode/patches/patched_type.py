"""The ``kind`` and ``apiVersion`` of a patched document: a patch may change them to an older version only.

Source: k8s.io/apimachinery ``pkg/conversion``; k8s.io/apiserver ``pkg/endpoints/handlers/patch.go``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.handlers.decode.older_versions import is_older
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.schema.decoding import DecodeProblem


def check_type(document: Any, kind: Kind) -> None:
    """Check that a patched document, not decoded yet, is still of its kind.

    Raises:
        DecodeProblem: It is of another or an unknown kind.
    """
    if not isinstance(document, dict):
        return
    version, name = document.get("apiVersion"), document.get("kind") or kind.kind
    if (version, name) == (kind.group_version, kind.kind):
        return
    if (
        isinstance(version, str)
        and isinstance(name, str)
        and is_older(version, name, kind.group, kind.kind)
    ):
        return
    short, internal = str(version or "").rpartition("/")[2], kind.group.partition(".")[0] or "core"
    raise DecodeProblem(
        f"converting ({short}.{name}) to ({internal}.{kind.kind}): unknown conversion"
    )
