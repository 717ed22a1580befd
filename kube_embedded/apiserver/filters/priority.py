"""The priority level of a user's requests, in the headers of every answer.

Requests are never queued.
Source: k8s.io/apiserver ``pkg/apis/flowcontrol/bootstrap``, ``pkg/server/filters/priority-and-fairness.go``.
"""

from kube_embedded.rbac.attributes import User

from ..storage import Key, Store

SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io"
LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
BY_GROUP = tuple(
    (group, Key(SCHEMAS, "", schema), Key(LEVELS, "", level))
    for group, schema, level in (
        ("system:masters", "exempt", "exempt"),
        ("system:serviceaccounts:kube-system", "kube-system-service-accounts", "workload-high"),
        ("system:nodes", "system-nodes", "system"),
        ("system:serviceaccounts", "service-accounts", "workload-low"),
        ("system:authenticated", "global-default", "global-default"),
        ("", "catch-all", "catch-all"),
    )
)
"""(group, flow schema, priority level): the first that matches counts; the last matches everybody."""


class FlowHeaders:
    """The headers that name a user's flow schema and priority level.

    Only the flow schemas that every cluster has count, and only by the user's groups.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, user: User) -> dict[str, str]:
        """The two headers; none where the schema or the level is missing."""
        for group, schema_key, level_key in BY_GROUP:
            # These schemas match by group alone. Schemas that users write have no effect here, since no request waits.
            if group and group not in user.groups:
                continue
            schema = self._store.get(schema_key)
            priority = self._store.get(level_key)
            if schema is not None and priority is not None:
                return {
                    "X-Kubernetes-Pf-Flowschema-Uid": schema["metadata"]["uid"],
                    "X-Kubernetes-Pf-Prioritylevel-Uid": priority["metadata"]["uid"],
                }
        return {}
