"""Which objects a quota counts, and by which names."""

from __future__ import annotations

from typing import Any

from labkit.embedded.machinery.quota.evaluators import Evaluators

EVALUATORS = Evaluators(frozenset(("pods", "secrets", "roles.rbac.authorization.k8s.io")))
NAMES = ["count/roles.rbac.authorization.k8s.io", "count/events", "pods", "example.com/x"]


def test_kinds_are_counted_by_their_names() -> None:
    secrets = EVALUATORS.of("secrets")
    assert secrets is not None
    assert secrets.matching({"spec": {}}, ["secrets", "count/secrets", "pods"]) == [
        "secrets",
        "count/secrets",
    ]
    assert EVALUATORS.of("events") is None
    assert [(one.resource, names) for one, names in EVALUATORS.for_names({"spec": {}}, NAMES)] == [
        ("pods", ["pods"]),
        ("roles.rbac.authorization.k8s.io", ["count/roles.rbac.authorization.k8s.io"]),
    ]


def test_a_quota_with_scopes_counts_nothing() -> None:
    selector: dict[str, Any] = {
        "scopeSelector": {"matchExpressions": [{"scopeName": "BestEffort"}]}
    }
    for spec in ({"scopes": ["BestEffort"]}, selector):
        assert list(EVALUATORS.for_names({"spec": spec}, NAMES)) == []
