"""Which objects a quota counts, and by which names."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.quota.counts import counted_names

RESOURCES = {"pods", "secrets", "roles.rbac.authorization.k8s.io"}
NAMES = [
    "count/roles.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "count/events",
    "pods",
    "count/secrets",
    "secrets",
    "example.com/x",
]


def test_kinds_are_counted_by_their_names() -> None:
    assert counted_names({"spec": {}}, NAMES, lambda: RESOURCES) == {
        "count/roles.rbac.authorization.k8s.io": "roles.rbac.authorization.k8s.io",
        "pods": "pods",
        "count/secrets": "secrets",
        "secrets": "secrets",
    }


@pytest.mark.parametrize(
    "spec",
    [
        {"scopes": ["BestEffort"]},
        {"scopeSelector": {"matchExpressions": [{"scopeName": "BestEffort"}]}},
    ],
)
def test_a_quota_with_scopes_counts_nothing(spec: dict[str, Any]) -> None:
    assert counted_names({"spec": spec}, NAMES, lambda: RESOURCES) == {}
