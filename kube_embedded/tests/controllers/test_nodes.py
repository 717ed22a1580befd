"""Nodes made by hand: their taints, their conditions, their annotation."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

NODE = "/api/v1/nodes/n"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
SILENT = "Kubelet stopped posting node status."
NEVER = "Kubelet never posted node status."
PREFIX = "node.kubernetes.io/"


@pytest.fixture
def api() -> ClusterApi:
    """A cluster with a node of its own, which is ready, and one made by hand."""
    made = ClusterApi(node=True)
    made.must(made.admin.post("/api/v1/nodes", {"metadata": {"name": "n", "labels": {"a": "b"}}}))
    return made


def node(api: ClusterApi, path: str = NODE) -> Any:
    return api.must(api.admin.get(path))


def taints(api: ClusterApi) -> list[tuple[str, str]]:
    return [
        (one["key"].removeprefix(PREFIX), one["effect"])
        for one in node(api)["spec"].get("taints", ())
    ]


def say(api: ClusterApi, **conditions: str) -> None:
    """Set conditions, as a kubelet does, with a heartbeat."""
    beat = f"2027-01-15T08:00:{int(api.clock.now) % 60:02}Z"
    found = [
        {"type": name, "status": status, "lastHeartbeatTime": beat}
        for name, status in conditions.items()
    ]
    api.must(api.admin.patch(f"{NODE}/status", {"status": {"conditions": found}}))


def pass_time(api: ClusterApi, seconds: int) -> None:
    for _ in range(seconds // 5):
        api.clock.now += 5
        api.cluster.advance()


def told(api: ClusterApi) -> dict[str, tuple[str, str, str]]:
    return {
        one["type"]: (one["status"], one.get("reason", ""), one.get("message", ""))
        for one in node(api)["status"]["conditions"]
    }


def test_a_node_is_annotated_and_its_taints_follow_its_conditions(api: ClusterApi) -> None:
    made = node(api)
    assert made["metadata"]["annotations"] == {"node.alpha.kubernetes.io/ttl": "0"}
    assert taints(api) == []
    managers = {(one["manager"], one["operation"]) for one in made["metadata"]["managedFields"]}
    assert managers == {("unknown", "Update"), ("kube-controller-manager", "Update")}
    own = node(api, "/api/v1/nodes/kube-embedded")
    assert own["metadata"]["annotations"] == {"node.alpha.kubernetes.io/ttl": "0"}
    say(api, Ready="False", DiskPressure="True", MemoryPressure="False")
    assert taints(api) == [("not-ready", "NoSchedule"), ("disk-pressure", "NoSchedule")]
    say(api, Ready="True", DiskPressure="False")
    assert taints(api) == []
    assert "taints" not in node(api)["spec"]


def test_a_cordoned_node_has_a_taint_beside_those_of_others(api: ClusterApi) -> None:
    mine = {"key": PREFIX + "unschedulable", "effect": "NoExecute"}
    api.must(api.admin.patch(NODE, {"spec": {"unschedulable": True, "taints": [mine]}}))
    cordoned = {
        "key": PREFIX + "unschedulable",
        "effect": "NoSchedule",
        "timeAdded": "2027-01-15T08:00:00Z",
    }
    assert node(api)["spec"]["taints"] == [mine, cordoned]
    owned = [
        one["fieldsV1"]
        for one in node(api)["metadata"]["managedFields"]
        if one["manager"].startswith("kube-c")
    ]
    assert any("f:taints" in fields.get("f:spec", {}) for fields in owned)
    api.must(api.admin.patch(NODE, {"spec": {"unschedulable": None}}))
    assert node(api)["spec"]["taints"] == [mine]
    pass_time(api, 5)
    assert node(api)["spec"]["taints"] == [mine]


def test_a_daemon_set_has_a_pod_on_a_node_that_becomes_ready(api: ClusterApi) -> None:
    api.namespace("lab")
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    }
    body = {
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }
    daemons = "/apis/apps/v1/namespaces/lab/daemonsets"
    say(api, Ready="False")
    api.must(api.admin.post(daemons, body))
    assert api.must(api.admin.get(f"{daemons}/d"))["status"]["desiredNumberScheduled"] == 1
    say(api, Ready="True")
    assert api.must(api.admin.get(f"{daemons}/d"))["status"]["currentNumberScheduled"] == 2
