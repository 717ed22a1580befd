"""Why a pod cannot be placed, in the scheduler's own words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi

NODE = "/api/v1/nodes/labkit"
PODS = "/api/v1/namespaces/lab/pods"
TAINT = {"spec": {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]}}
TAIL = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 "
HELPLESS = f". {TAIL}Preemption is not helpful for scheduling."


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


def refusal(api: ClusterApi, container: dict[str, Any] | None = None, **spec: Any) -> str:
    """Create a pod, and return what its condition says."""
    containers = [{"name": "main", "image": "nginx", **(container or {})}]
    body = {"metadata": {"generateName": "p"}, "spec": {"containers": containers, **spec}}
    name = api.must(api.admin.post(PODS, body))["metadata"]["name"]
    conditions = api.admin.get(f"{PODS}/{name}").body["status"].get("conditions") or []
    return str(next((one.get("message", "") for one in conditions if one["type"] == "PodScheduled"), ""))


def test_a_taint_is_not_named(api: ClusterApi) -> None:
    api.must(api.admin.patch(NODE, TAINT))
    want = "0/1 nodes are available: 1 node(s) had untolerated taint(s)" + HELPLESS
    assert refusal(api) == want
    assert refusal(api, nodeSelector={"no": "where"}) == want  # taints are looked at first
    assert refusal(api, tolerations=[{"key": "a", "operator": "Exists"}]) == ""


def test_a_cordoned_node_and_a_wrong_label(api: ClusterApi) -> None:
    got = refusal(api, nodeSelector={"no": "where"})
    assert got == "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector" + HELPLESS
    api.must(api.admin.patch(NODE, {"spec": {"unschedulable": True}}))
    assert refusal(api) == "0/1 nodes are available: 1 node(s) were unschedulable" + HELPLESS


def test_preemption_helps_only_where_the_node_is_large_enough(api: ClusterApi) -> None:
    cpus = int(api.admin.get(NODE).body["status"]["allocatable"]["cpu"])
    most = {"resources": {"requests": {"cpu": str(cpus)}}}
    more = {"resources": {"requests": {"cpu": str(cpus + 1)}}}
    assert refusal(api, more) == "0/1 nodes are available: 1 Insufficient cpu" + HELPLESS
    assert refusal(api, most) == ""
    want = f"0/1 nodes are available: 1 Insufficient cpu. {TAIL}No preemption victims found for incoming pod."
    assert refusal(api, most) == want


def test_a_missing_claim_comes_before_the_node(api: ClusterApi) -> None:
    api.must(api.admin.patch(NODE, TAINT))
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "lost"}}]
    want = '0/1 nodes are available: persistentvolumeclaim "lost" not found. not found'
    assert refusal(api, volumes=volumes) == want
