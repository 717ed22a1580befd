"""The core objects of every cluster: its namespaces, the service ``kubernetes``, the priority classes.

Source: k8s.io/kubernetes ``pkg/controlplane/controller``, ``pkg/registry/scheduling/rest``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND

MANAGER = "kube-apiserver"
_OBJECTS = Path(__file__).with_name("objects.json").read_bytes()


def bootstrap_objects() -> dict[str, Any]:
    """New copies of what ``objects.json`` has: core objects, and names of controllers."""
    objects: dict[str, Any] = orjson.loads(_OBJECTS)
    return objects


CORE_NAMES = frozenset(obj["metadata"]["name"] for _, _, obj in bootstrap_objects()["core"])


def bootstrap_core(registry: Registry) -> None:
    """Create the core objects that are missing; the controllers give each namespace its account and certificate."""
    for group, name, obj in bootstrap_objects()["core"]:
        kind, metadata = BY_KIND[group, name], obj["metadata"]
        if registry.find(kind, metadata.get("namespace", ""), metadata["name"]) is None:
            registry.create(kind, obj, manager=MANAGER)


class CoreController(BaseController):
    """Recreates the core objects that are deleted."""

    def __call__(self, change: Change) -> None:
        """React to the deletion of the service ``kubernetes``, of a namespace and of a priority class."""
        if change.new is None and change.kind.kind in ("Namespace", "PriorityClass", "Service") and change.old:
            metadata = change.old["metadata"]
            if metadata["name"] in CORE_NAMES and metadata.get("namespace", "default") == "default":
                bootstrap_core(self._registry)
