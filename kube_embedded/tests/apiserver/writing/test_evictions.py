"""Evictions, and the disruption budgets that do not forbid them."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, Reply

LAB = "/api/v1/namespaces/lab"
BUDGETS = "/apis/policy/v1/namespaces/lab/poddisruptionbudgets"
CONTAINERS = {"containers": [{"name": "c", "image": "nginx"}]}


@pytest.fixture
def pods(api: ClusterApi) -> ClusterApi:
    """A cluster with two running pods of which only ``good`` is ready."""
    for name in ("good", "bad"):
        body = {"metadata": {"name": name, "labels": {"app": "a"}}, "spec": CONTAINERS}
        api.must(api.admin.post(f"{LAB}/pods", body))
        condition = {"type": "Ready", "status": "True" if name == "good" else "False"}
        api.must(
            api.admin.patch(
                f"{LAB}/pods/{name}/status",
                {"status": {"phase": "Running", "conditions": [condition]}},
            )
        )
    return api


def budget(api: ClusterApi, name: str = "b", **spec: Any) -> None:
    api.must(
        api.admin.post(
            BUDGETS,
            {
                "metadata": {"name": name},
                "spec": {"selector": {"matchLabels": {"app": "a"}}} | spec,
            },
        )
    )


def evict(api: ClusterApi, name: str, query: str = "") -> Reply:
    return api.admin.post(f"{LAB}/pods/{name}/eviction{query}", {"metadata": {"name": name}})


def test_a_budget_forbids_no_eviction(pods: ClusterApi) -> None:
    budget(pods, minAvailable=2)
    assert evict(pods, "bad", "?dryRun=All").status == 201
    assert pods.admin.get(f"{LAB}/pods/bad").status == 200
    assert evict(pods, "bad").status == 201
    assert pods.admin.get(f"{LAB}/pods/bad").status == 404


@pytest.mark.parametrize("query", ["", "?dryRun=All"])
def test_several_budgets_are_too_many(pods: ClusterApi, query: str) -> None:
    budget(pods, "b", minAvailable=0)
    budget(pods, "c", minAvailable=0)
    reply = evict(pods, "good", query)
    text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    failure = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": text,
        "code": 500,
    }
    assert (reply.status, reply.body) == (500, failure)
    assert pods.admin.get(f"{LAB}/pods/good").status == 200


def test_several_budgets_do_not_hold_a_pending_pod(pods: ClusterApi) -> None:
    pods.must(pods.admin.patch(f"{LAB}/pods/good/status", {"status": {"phase": "Pending"}}))
    budget(pods, "b", minAvailable=2)
    budget(pods, "c", minAvailable=2)
    assert evict(pods, "good", "?dryRun=All").status == 201
