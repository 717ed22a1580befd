"""The core objects of every cluster: its namespaces, the service ``kubernetes``, the priority classes.

Source: k8s.io/kubernetes ``pkg/controlplane/controller``, ``pkg/registry/scheduling/rest``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND

MANAGER = "kube-apiserver"
NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
SERVICE_ADDRESS = "10.96.0.1"
SECURE_PORT = 6443
PRIORITY_CLASSES: tuple[dict[str, Any], ...] = (
    {
        "metadata": {"name": "system-node-critical"},
        "value": 2000001000,
        "description": "Used for system critical pods that must not be moved from their current node.",
    },
    {
        "metadata": {"name": "system-cluster-critical"},
        "value": 2000000000,
        "description": "Used for system critical pods that must run in the cluster, but can be moved to another "
        "node if necessary.",
    },
)

CORE_NAMES = ("kubernetes", *NAMESPACES, *(row["metadata"]["name"] for row in PRIORITY_CLASSES))


def bootstrap_core(registry: Registry) -> None:
    """Create the core objects that are missing; the controllers give each namespace its account and certificate."""
    namespaces = BY_KIND["", "Namespace"]
    for name in NAMESPACES:
        if registry.find(namespaces, "", name) is None:
            registry.create(namespaces, {"metadata": {"name": name}}, manager=MANAGER)
    classes = BY_KIND["scheduling.k8s.io", "PriorityClass"]
    for row in PRIORITY_CLASSES:
        if registry.find(classes, "", row["metadata"]["name"]) is None:
            registry.create(classes, row, manager=MANAGER)
    services = BY_KIND["", "Service"]
    if registry.find(services, "default", "kubernetes") is None:
        service = {
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": SECURE_PORT}],
                "clusterIP": SERVICE_ADDRESS,
                "ipFamilyPolicy": "SingleStack",
                "sessionAffinity": "None",
                "type": "ClusterIP",
            },
        }
        registry.create(services, service, manager=MANAGER)


class CoreController(BaseController):
    """Recreates the core objects that are deleted."""

    def __call__(self, change: Change) -> None:
        """React to the deletion of the service ``kubernetes``, of a namespace and of a priority class."""
        if change.new is None and change.kind.kind in ("Namespace", "PriorityClass", "Service") and change.old:
            metadata = change.old["metadata"]
            if metadata["name"] in CORE_NAMES and metadata.get("namespace", "default") == "default":
                bootstrap_core(self._registry)
