"""Pod disruption budgets, as a control plane without a node counts for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import MERGE_PATCH, ClusterApi

BUDGETS = "/apis/policy/v1/namespaces/lab/poddisruptionbudgets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/lab/deployments"
PODS = "/api/v1/namespaces/lab/pods"
CONTAINERS = {"containers": [{"name": "c", "image": "nginx"}]}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": CONTAINERS}


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def budget(api: ClusterApi, **spec: Any) -> Any:
    body = {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "a"}}, **spec}}
    api.must(api.admin.post(BUDGETS, body))
    return status(api)


def status(api: ClusterApi) -> Any:
    return api.must(api.admin.get(f"{BUDGETS}/b"))["status"]


def counts(found: Any) -> tuple[int, int, int, int]:
    return found["expectedPods"], found["desiredHealthy"], found["currentHealthy"], found["disruptionsAllowed"]


def deploy(api: ClusterApi, replicas: int) -> None:
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
    api.must(api.admin.post(DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec}))


def events(api: ClusterApi) -> list[tuple[str, str, int]]:
    items = api.must(api.admin.get("/api/v1/namespaces/lab/events"))["items"]
    found = [item for item in items if item["involvedObject"]["kind"] == "PodDisruptionBudget"]
    return [(item["reason"], item["message"], item["count"]) for item in found]


def ready(api: ClusterApi, *names: str) -> None:
    for name in names:
        conditions = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        api.must(api.admin.call("PATCH", f"{PODS}/{name}/status", conditions, headers=MERGE_PATCH))


def test_without_pods(api: ClusterApi) -> None:
    found = budget(api, minAvailable=1)
    assert counts(found) == (0, 1, 0, 0)
    assert found["observedGeneration"] == 1
    condition = {name: found["conditions"][0][name] for name in ("type", "status", "reason", "observedGeneration")}
    expected = {"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "observedGeneration": 1}
    assert condition == expected
    assert events(api) == [("NoPods", "No matching pods found", 2)]


def test_shares_are_of_the_pods_that_are_there(api: ClusterApi) -> None:
    deploy(api, 4)
    assert counts(budget(api, maxUnavailable="30%")) == (4, 2, 0, 0)
    names = [item["metadata"]["name"] for item in api.must(api.admin.get(PODS))["items"]]
    ready(api, *names[:3])
    assert counts(status(api)) == (4, 2, 3, 1)
    assert status(api)["conditions"][0]["reason"] == "SufficientPods"
    change = {"spec": {"minAvailable": 3, "maxUnavailable": None}}
    api.must(api.admin.call("PATCH", f"{BUDGETS}/b", change, headers=MERGE_PATCH))
    assert counts(status(api)) == (4, 3, 3, 0)
    assert status(api)["observedGeneration"] == 2
