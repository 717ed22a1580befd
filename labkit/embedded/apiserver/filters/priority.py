"""Which priority level a user's requests belong to.

Requests are never queued here; the headers are there because every real answer has them.
Source: k8s.io/apiserver ``pkg/apis/flowcontrol/bootstrap``, ``pkg/server/filters/priority-and-fairness.go``.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.embedded.machinery.request import Object
from labkit.rbac.attributes import User

SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io"
LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
BY_GROUP = (
    ("system:masters", "exempt", "exempt"),
    ("system:serviceaccounts:kube-system", "kube-system-service-accounts", "workload-high"),
    ("system:nodes", "system-nodes", "system"),
    ("system:serviceaccounts", "service-accounts", "workload-low"),
    ("system:authenticated", "global-default", "global-default"),
    ("", "catch-all", "catch-all"),
)
"""(group, flow schema, priority level); the first that fits counts, the last fits everyone."""


class FlowHeaders:
    """The headers for a user. Only the flow schemas that every cluster has are asked, and only for the user.

    Args:
        lookup: (resource, namespace, name) to the stored object.
    """

    def __init__(self, lookup: Callable[[str, str, str], Object | None]) -> None:
        self._lookup = lookup

    def __call__(self, user: User) -> dict[str, str]:
        """The two headers; none if there is neither a schema nor a level that fits."""
        for group, name, level in BY_GROUP:
            if group and group not in user.groups:
                continue
            schema, priority = self._lookup(SCHEMAS, "", name), self._lookup(LEVELS, "", level)
            if schema is not None and priority is not None:
                return {
                    "X-Kubernetes-Pf-Flowschema-Uid": schema["metadata"]["uid"],
                    "X-Kubernetes-Pf-Prioritylevel-Uid": priority["metadata"]["uid"],
                }
        return {}
