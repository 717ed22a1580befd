"""The flow schemas and priority levels of every cluster.

Source: k8s.io/apiserver ``pkg/apis/flowcontrol/bootstrap``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.machinery.request import Object


def _level(shares: int, lendable: int, queues: int, hand: int) -> Object:
    queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": 50}
    return {
        "type": "Limited",
        "limited": {
            "nominalConcurrencyShares": shares,
            "limitResponse": {"type": "Queue", "queuing": queuing},
            "lendablePercent": lendable,
        },
    }


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _resources(verbs: list[str], group: str, resources: list[str], cluster: bool) -> Object:
    scope = {"clusterScope": True} if cluster else {}
    return {"verbs": verbs, "apiGroups": [group], "resources": resources, **scope, "namespaces": ["*"]}


def _schema(level: str, precedence: int, by: str, rule: dict[str, Any]) -> Object:
    method = {"distinguisherMethod": {"type": by}} if by else {}
    return {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        **method,
        "rules": [rule],
    }


def _all(subjects: list[Object]) -> dict[str, Any]:
    """A rule for every request of some subjects."""
    return {
        "subjects": subjects,
        "resourceRules": [_resources(["*"], "*", ["*"], True)],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }


EVERYONE = _groups("system:unauthenticated", "system:authenticated")
SYSTEM_ACCOUNTS = [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": "*"}}]
MANDATORY_LEVELS: dict[str, Object] = {
    "exempt": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    "catch-all": {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}, "lendablePercent": 0},
    },
}
"""Specs of the priority levels that may not be changed."""
LEVELS: dict[str, Object] = {
    **MANDATORY_LEVELS,
    "system": _level(30, 33, 64, 6),
    "node-high": _level(40, 25, 64, 6),
    "leader-election": _level(10, 0, 16, 4),
    "workload-high": _level(40, 50, 128, 6),
    "workload-low": _level(100, 90, 128, 6),
    "global-default": _level(20, 50, 128, 6),
}
MANDATORY_SCHEMAS: dict[str, Object] = {
    "exempt": _schema("exempt", 1, "", _all(_groups("system:masters"))),
    "catch-all": _schema("catch-all", 10000, "ByUser", _all(EVERYONE)),
}
"""Specs of the flow schemas that may not be changed."""
SCHEMAS: dict[str, Object] = {
    **MANDATORY_SCHEMAS,
    "probes": _schema(
        "exempt",
        2,
        "",
        {
            "subjects": EVERYONE,
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}],
        },
    ),
    "system-leader-election": _schema(
        "leader-election",
        100,
        "ByUser",
        {
            "subjects": [*_users("system:kube-controller-manager", "system:kube-scheduler"), *SYSTEM_ACCOUNTS],
            "resourceRules": [_resources(["get", "create", "update"], "coordination.k8s.io", ["leases"], False)],
        },
    ),
    "system-node-high": _schema(
        "node-high",
        400,
        "ByUser",
        {
            "subjects": _groups("system:nodes"),
            "resourceRules": [
                _resources(["*"], "", ["nodes", "nodes/status"], True),
                _resources(["*"], "coordination.k8s.io", ["leases"], False),
            ],
        },
    ),
    "system-nodes": _schema("system", 500, "ByUser", _all(_groups("system:nodes"))),
    "kube-controller-manager": _schema(
        "workload-high", 800, "ByNamespace", _all(_users("system:kube-controller-manager"))
    ),
    "kube-scheduler": _schema("workload-high", 800, "ByNamespace", _all(_users("system:kube-scheduler"))),
    "kube-system-service-accounts": _schema("workload-high", 900, "ByNamespace", _all(SYSTEM_ACCOUNTS)),
    "service-accounts": _schema("workload-low", 9000, "ByUser", _all(_groups("system:serviceaccounts"))),
    "global-default": _schema("global-default", 9900, "ByUser", _all(EVERYONE)),
}
