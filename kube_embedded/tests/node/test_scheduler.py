"""Why a pod cannot be placed, in the scheduler's own words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

NODE = "/api/v1/nodes/kube-embedded"
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
    return str(
        next((one.get("message", "") for one in conditions if one["type"] == "PodScheduled"), "")
    )


def test_a_taint_is_not_named(api: ClusterApi) -> None:
    api.must(api.admin.patch(NODE, TAINT))
    want = "0/1 nodes are available: 1 node(s) had untolerated taint(s)" + HELPLESS
    assert refusal(api) == want
    assert refusal(api, nodeSelector={"no": "where"}) == want  # taints are looked at first
    assert refusal(api, tolerations=[{"key": "a", "operator": "Exists"}]) == ""


def test_a_cordoned_node_and_a_wrong_label(api: ClusterApi) -> None:
    got = refusal(api, nodeSelector={"no": "where"})
    assert (
        got
        == "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector" + HELPLESS
    )
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


def test_requests_count_and_limits_only_where_they_are_the_requests(api: ClusterApi) -> None:
    cpus = int(api.admin.get(NODE).body["status"]["allocatable"]["cpu"])
    half, more = {"cpu": f"{cpus * 500}m"}, {"cpu": str(cpus + 1)}
    assert refusal(api, {"resources": {"requests": half, "limits": more}}) == ""
    assert (
        refusal(api, {"resources": {"limits": more}})
        == "0/1 nodes are available: 1 Insufficient cpu" + HELPLESS
    )
    assert refusal(api, {"resources": {"limits": half}}) == ""
    want = f"0/1 nodes are available: 1 Insufficient cpu. {TAIL}No preemption victims found for incoming pod."
    assert refusal(api, {"resources": {"requests": {"cpu": "1m"}}}) == want


def test_a_missing_claim_comes_before_the_node(api: ClusterApi) -> None:
    api.must(api.admin.patch(NODE, TAINT))
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "lost"}}]
    want = '0/1 nodes are available: persistentvolumeclaim "lost" not found. not found'
    assert refusal(api, volumes=volumes) == want


def test_a_pods_node_affinity(api: ClusterApi) -> None:
    def affinity(operator: str, *values: str) -> dict[str, Any]:
        term = {
            "matchExpressions": [
                {"key": "kubernetes.io/os", "operator": operator, "values": list(values)}
            ]
        }
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        return {"affinity": {"nodeAffinity": required}}

    want = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector" + HELPLESS
    assert refusal(api, **affinity("In", "windows")) == want
    assert refusal(api, **affinity("NotIn", "linux")) == want
    assert refusal(api, **affinity("In", "linux", "windows")) == ""


def test_a_port_of_the_node_is_taken_once(api: ClusterApi) -> None:
    port = {"ports": [{"containerPort": 80, "hostPort": 8080}]}
    assert refusal(api, port) == ""
    what = "1 node(s) didn't have free ports for the requested pod ports"
    want = f"0/1 nodes are available: {what}. {TAIL}No preemption victims found for incoming pod."
    assert refusal(api, port) == want


def test_a_node_takes_so_many_pods(api: ClusterApi) -> None:
    api.must(api.admin.patch(f"{NODE}/status", {"status": {"allocatable": {"pods": "1"}}}))
    assert refusal(api) == ""
    want = f"0/1 nodes are available: 1 Too many pods. {TAIL}No preemption victims found for incoming pod."
    assert refusal(api) == want


def placed(api: ClusterApi, **spec: Any) -> str:
    """Create a pod, and return the node that it is bound to."""
    body = {
        "metadata": {"generateName": "p"},
        "spec": {"containers": [{"name": "main", "image": "nginx"}], **spec},
    }
    name = api.must(api.admin.post(PODS, body))["metadata"]["name"]
    return str(api.admin.get(f"{PODS}/{name}").body["spec"].get("nodeName", ""))


def test_a_pod_waits_for_its_own_scheduler_and_for_its_gates(api: ClusterApi) -> None:
    assert placed(api) == "kube-embedded"
    assert placed(api, schedulerName="other") == ""
    assert placed(api, schedulingGates=[{"name": "example.com/wait"}]) == ""


def test_a_refusal_is_recorded_once(api: ClusterApi) -> None:
    refusal(api, nodeSelector={"no": "where"})
    for _ in range(5):
        api.clock.now += 10
        api.cluster.advance()
    events = api.admin.get("/api/v1/namespaces/lab/events").body["items"]
    assert [
        (one["reason"], one["count"]) for one in events if one["reason"] == "FailedScheduling"
    ] == [("FailedScheduling", 1)]


@pytest.mark.parametrize(
    ("effect", "node"),
    [("NoSchedule", ""), ("NoExecute", ""), ("PreferNoSchedule", "kube-embedded")],
)
def test_which_taints_keep_a_pod_away(api: ClusterApi, effect: str, node: str) -> None:
    api.must(api.admin.patch(NODE, {"spec": {"taints": [{"key": "a", "effect": effect}]}}))
    assert placed(api) == node


def test_a_cordoned_node_takes_who_tolerates_that(api: ClusterApi) -> None:
    api.must(api.admin.patch(NODE, {"spec": {"unschedulable": True}}))
    tolerations = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]
    assert (placed(api), placed(api, tolerations=tolerations)) == ("", "kube-embedded")


@pytest.mark.parametrize("code", [0, 1])
def test_a_pod_that_has_ended_needs_nothing(api: ClusterApi, code: int) -> None:
    cpus = int(api.admin.get(NODE).body["status"]["allocatable"]["cpu"])
    most = {"resources": {"requests": {"cpu": str(cpus)}}}
    ends = {"name": "main", "image": "busybox", "command": ["sh", "-c", f"exit {code}"], **most}
    body = {"metadata": {"name": "ends"}, "spec": {"restartPolicy": "Never", "containers": [ends]}}
    api.must(api.admin.post(PODS, body))
    assert api.admin.get(f"{PODS}/ends").body["status"]["phase"] == (
        "Failed" if code else "Succeeded"
    )
    assert refusal(api, most) == ""


def test_all_that_is_short_is_named_in_order(api: ClusterApi) -> None:
    requests = {"memory": "1Pi", "example.com/gpu": "1", "cpu": "9999"}
    limits = {"example.com/gpu": "1"}
    assert refusal(api, {"resources": {"requests": requests, "limits": limits}}) == (
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory"
        + HELPLESS
    )


def test_without_its_node_no_pod_is_placed(api: ClusterApi) -> None:
    api.must(api.admin.delete(NODE))
    assert refusal(api) == "no nodes available to schedule pods"


def test_a_pod_that_requests_none_of_a_resource_fits_where_it_is_used_up(api: ClusterApi) -> None:
    half = {"resources": {"requests": {"cpu": "500m"}}}
    assert refusal(api, half) == ""
    api.must(api.admin.patch(f"{NODE}/status", {"status": {"allocatable": {"cpu": "100m"}}}))
    assert "Insufficient cpu" in refusal(api, half)
    assert refusal(api, {"resources": {"requests": {"cpu": "0"}}}) == ""
