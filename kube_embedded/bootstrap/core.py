"""The core objects of every cluster: its namespaces, the service ``kubernetes``, the priority classes.

Source: k8s.io/kubernetes ``pkg/controlplane/controller``, ``pkg/registry/scheduling/rest``.
"""

from typing import Any

from kube_embedded.files import read_json

from ..apiserver.registry.registry import Change, Registry
from ..controllers.controller import BaseController
from ..machinery.kinds import BY_KIND
from ..machinery.objects import name_of

MANAGER = "kube-apiserver"


def bootstrap_objects() -> dict[str, Any]:
    """New copies of what ``objects.json`` has: core objects, and names of controllers."""
    objects: dict[str, Any] = read_json(__file__, "objects.json")
    return objects


CORE_NAMES = frozenset(name_of(obj) for _, _, obj in bootstrap_objects()["core"])


def bootstrap_core(registry: Registry) -> None:
    """Create the core objects that are missing; the controllers give each namespace its account and certificate."""
    for group, name, obj in bootstrap_objects()["core"]:
        kind = BY_KIND[group, name]
        metadata = obj["metadata"]
        # After a restart most exist already, perhaps changed by somebody: these stay as they are.
        if registry.find(kind, metadata.get("namespace", ""), metadata["name"]) is None:
            registry.create(kind, obj, manager=MANAGER)


class CoreController(BaseController):
    """Recreates the core objects that are deleted."""

    def __call__(self, change: Change) -> None:
        """React to the deletion of the service ``kubernetes``, of a namespace and of a priority class."""
        if (
            change.new is None
            and change.kind.kind in ("Namespace", "PriorityClass", "Service")
            and change.old
        ):
            metadata = change.old["metadata"]
            # The real server's controllers look at these every few seconds; here their deletion is undone at once.
            if metadata["name"] in CORE_NAMES and metadata.get("namespace", "default") == "default":
                bootstrap_core(self._registry)
