"""The programs of the pods' images; importing this package registers them all."""

from __future__ import annotations

from labkit.apiserver.node.shell.commands import (
    apt,
    archive,
    awk,
    curl,
    disk,
    files,
    find,
    grep,
    kubectl,
    listing,
    network,
    run,
    sed,
    system,
    text,
    transform,
)

__all__ = [
    "apt",
    "archive",
    "awk",
    "curl",
    "disk",
    "files",
    "find",
    "grep",
    "kubectl",
    "listing",
    "network",
    "run",
    "sed",
    "system",
    "text",
    "transform",
]
