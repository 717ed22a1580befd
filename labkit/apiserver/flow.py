"""Which priority level a user's requests belong to.

Requests are never queued here; the headers are there because every real answer has them.
Source: k8s.io/apiserver ``pkg/apis/flowcontrol/bootstrap``, ``pkg/server/filters/priority-and-fairness.go``.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.apiserver.request import User

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
    """The headers for a user.

    Args:
        new_uid: Makes the uids of flow schemas and priority levels.
    """

    def __init__(self, new_uid: Callable[[], str]) -> None:
        levels = {level: new_uid() for _, _, level in BY_GROUP}
        self._headers = [
            (
                group,
                {
                    "X-Kubernetes-Pf-Flowschema-Uid": new_uid(),
                    "X-Kubernetes-Pf-Prioritylevel-Uid": levels[level],
                },
            )
            for group, _, level in BY_GROUP
        ]

    def __call__(self, user: User) -> dict[str, str]:
        """The two headers; do not change the dict."""
        for group, headers in self._headers:
            if group in user.groups:
                return headers
        return self._headers[-1][1]
