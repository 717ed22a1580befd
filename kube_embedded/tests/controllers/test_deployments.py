"""Deployments, their replica sets and their pods, as the real controllers leave them.

A control plane without a node did the same, step by step; only the hashes in names differ.
"""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import MERGE_PATCH, ClusterApi
from kube_embedded.tests.support.some import some

APPS = "/apis/apps/v1/namespaces/lab"
PODS = "/api/v1/namespaces/lab/pods"
EVENTS = "/api/v1/namespaces/lab/events"
TEMPLATE = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {"containers": [{"name": "c", "image": "nginx"}]},
}
SPEC = {"replicas": 2, "selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
PREFIX = "deployment.kubernetes.io/"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def deploy(api: ClusterApi, **spec: Any) -> None:
    api.must(
        api.admin.post(f"{APPS}/deployments", {"metadata": {"name": "d"}, "spec": {**SPEC, **spec}})
    )


def change(api: ClusterApi, spec: Any) -> None:
    api.must(api.admin.call("PATCH", f"{APPS}/deployments/d", {"spec": spec}, headers=MERGE_PATCH))


def relabel(version: str) -> Any:
    return {"template": {"metadata": {"labels": {"v": version}}}}


def items(api: ClusterApi, path: str) -> list[Any]:
    found: list[Any] = api.must(api.admin.get(path))["items"]
    return found


def sizes(api: ClusterApi) -> list[tuple[str, int]]:
    """Revision and size of each replica set."""
    sets = items(api, f"{APPS}/replicasets")
    return sorted(
        (one["metadata"]["annotations"][PREFIX + "revision"], one["spec"]["replicas"])
        for one in sets
    )


def messages(api: ClusterApi, reason: str) -> list[str]:
    return [event["message"] for event in items(api, EVENTS) if event["reason"] == reason]


def conditions(obj: Any) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item["reason"]) for item in obj["status"]["conditions"]}


def test_a_deployment_has_a_replica_set_and_that_has_pods(api: ClusterApi) -> None:
    deploy(api)
    (made,) = items(api, f"{APPS}/replicasets")
    suffix = made["metadata"]["labels"]["pod-template-hash"]
    assert made["metadata"]["name"] == f"d-{suffix}"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "a", "pod-template-hash": suffix}
    assert made["metadata"]["annotations"] == {
        PREFIX + "desired-replicas": "2",
        PREFIX + "max-replicas": "3",
        PREFIX + "revision": "1",
    }
    assert made["status"] == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "terminatingReplicas": 0,
        "observedGeneration": 1,
    }
    pods = items(api, PODS)
    assert [pod["status"]["phase"] for pod in pods] == ["Pending", "Pending"]
    assert all(pod["metadata"]["ownerReferences"][0]["name"] == f"d-{suffix}" for pod in some(pods))
    assert all(pod["spec"]["serviceAccountName"] == "default" for pod in some(pods))
    shown = api.must(api.admin.get(f"{APPS}/deployments/d"))
    assert {name: value for name, value in shown["status"].items() if name != "conditions"} == {
        "observedGeneration": 1,
        "replicas": 2,
        "updatedReplicas": 2,
        "unavailableReplicas": 2,
        "terminatingReplicas": 0,
    }
    assert conditions(shown) == {
        "Available": ("False", "MinimumReplicasUnavailable"),
        "Progressing": ("True", "ReplicaSetUpdated"),
    }
    assert messages(api, "ScalingReplicaSet") == [f"Scaled up replica set d-{suffix} from 0 to 2"]
    assert len(messages(api, "SuccessfulCreate")) == 2


def test_scaling(api: ClusterApi) -> None:
    deploy(api)
    change(api, {"replicas": 5})
    assert (sizes(api), len(items(api, PODS))) == ([("1", 5)], 5)
    change(api, {"replicas": 0})
    assert (sizes(api), items(api, PODS)) == ([("1", 0)], [])
    scaled = {message.split(" ")[1]: message for message in messages(api, "ScalingReplicaSet")}
    assert scaled["down"].endswith(" from 5 to 0")
    assert len(messages(api, "SuccessfulDelete")) == 5


def test_a_rollout_waits_for_pods_that_never_come(api: ClusterApi) -> None:
    deploy(api)
    change(api, relabel("2"))
    assert sizes(api) == [("1", 2), ("2", 1)]
    change(api, {"paused": True})
    assert conditions(api.must(api.admin.get(f"{APPS}/deployments/d")))["Progressing"] == (
        "Unknown",
        "DeploymentPaused",
    )


def test_scaling_amid_a_rollout_changes_the_newest_pods(api: ClusterApi) -> None:
    deploy(api, replicas=4)
    change(api, relabel("1"))
    assert sizes(api) == [("1", 3), ("2", 2)]
    change(api, {"replicas": 10})
    assert sizes(api) == [("1", 3), ("2", 10)], "and the rollout goes on"
    change(api, {"paused": True, "replicas": 5})
    assert sizes(api) == [("1", 3), ("2", 2)]
    change(api, {"replicas": 0})
    assert sizes(api) == [("1", 0), ("2", 0)]
    change(api, {"replicas": 2})
    assert sizes(api) == [("1", 0), ("2", 2)]


def test_annotations_of_a_deployment_count_as_changes(api: ClusterApi) -> None:
    deploy(api)
    note = {"metadata": {"annotations": {"a": "b"}}}
    noted = api.must(api.admin.call("PATCH", f"{APPS}/deployments/d", note, headers=MERGE_PATCH))
    assert noted["metadata"]["generation"] == 2
    assert api.must(api.admin.get(f"{APPS}/deployments/d"))["status"]["observedGeneration"] == 2
    label = {"metadata": {"labels": {"a": "b"}}}
    labelled = api.must(
        api.admin.call("PATCH", f"{APPS}/deployments/d", label, headers=MERGE_PATCH)
    )
    assert labelled["metadata"]["generation"] == 2


def test_going_back_takes_the_old_replica_set_again(api: ClusterApi) -> None:
    deploy(api, replicas=1)
    change(api, relabel("2"))
    api.must(
        api.admin.call(
            "PATCH",
            f"{APPS}/deployments/d",
            {"spec": {"template": {"metadata": {"labels": {"v": None}}}}},
            headers=MERGE_PATCH,
        )
    )
    found = {
        one["metadata"]["annotations"][PREFIX + "revision"]: one["metadata"]["annotations"]
        for one in items(api, f"{APPS}/replicasets")
    }
    assert sorted(found) == ["2", "3"]
    assert found["3"][PREFIX + "revision-history"] == "1"


def test_replacing_all_pods_at_once(api: ClusterApi) -> None:
    deploy(api, strategy={"type": "Recreate"})
    change(api, relabel("2"))
    assert sizes(api) == [("1", 0), ("2", 2)]
    assert len(items(api, PODS)) == 2


def test_with_a_node_a_deployment_becomes_available() -> None:
    api = ClusterApi(node=True)
    api.namespace("lab")
    deploy(api, revisionHistoryLimit=0)
    for _ in range(5):
        api.clock.now += 2
        api.cluster.advance()
    shown = api.must(api.admin.get(f"{APPS}/deployments/d"))
    assert (shown["status"]["availableReplicas"], shown["status"].get("unavailableReplicas")) == (
        2,
        None,
    )
    assert conditions(shown)["Progressing"] == ("True", "NewReplicaSetAvailable")
    change(api, relabel("2"))
    for _ in range(10):
        api.clock.now += 20
        api.cluster.advance()
    assert sizes(api) == [("2", 2)]


def test_a_replica_set_adopts_and_lets_go(api: ClusterApi) -> None:
    api.must(
        api.admin.post(
            f"{APPS}/replicasets", {"metadata": {"name": "r"}, "spec": {**SPEC, "replicas": 1}}
        )
    )
    (pod,) = items(api, PODS)
    path = f"{PODS}/{pod['metadata']['name']}"
    api.must(
        api.admin.call("PATCH", path, {"metadata": {"labels": {"app": "b"}}}, headers=MERGE_PATCH)
    )
    assert "ownerReferences" not in api.must(api.admin.get(path))["metadata"]
    assert len(items(api, PODS)) == 2
    api.must(
        api.admin.call("PATCH", path, {"metadata": {"labels": {"app": "a"}}}, headers=MERGE_PATCH)
    )
    assert len(items(api, PODS)) == 1


def test_a_deployment_releases_a_replica_set_that_it_no_longer_selects(api: ClusterApi) -> None:
    deploy(api)
    (before,) = items(api, f"{APPS}/replicasets")
    path = f"{APPS}/replicasets/{before['metadata']['name']}"
    api.must(
        api.admin.call("PATCH", path, {"metadata": {"labels": {"app": "b"}}}, headers=MERGE_PATCH)
    )
    released, created = sorted(
        items(api, f"{APPS}/replicasets"), key=lambda one: "ownerReferences" in one["metadata"]
    )
    assert released["metadata"]["uid"] == before["metadata"]["uid"]
    assert (released["metadata"]["labels"]["app"], created["metadata"]["labels"]["app"]) == (
        "b",
        "a",
    )
    assert [one["spec"]["replicas"] for one in (released, created)] == [2, 2]


def test_a_quota_keeps_pods_away_until_it_is_gone(api: ClusterApi) -> None:
    quotas = "/api/v1/namespaces/lab/resourcequotas"
    api.must(api.admin.post(quotas, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}))
    deploy(api)
    assert len(items(api, PODS)) == 1
    shown = api.must(api.admin.get(f"{APPS}/deployments/d"))
    assert conditions(shown)["ReplicaFailure"] == ("True", "FailedCreate")
    assert "exceeded quota: q" in messages(api, "FailedCreate")[0]
    api.must(api.admin.delete(f"{quotas}/q"))
    assert len(items(api, PODS)) == 2
    assert "ReplicaFailure" not in conditions(api.must(api.admin.get(f"{APPS}/deployments/d")))


def test_everything_goes_with_the_deployment(api: ClusterApi) -> None:
    deploy(api)
    api.must(api.admin.delete(f"{APPS}/deployments/d"))
    assert (items(api, f"{APPS}/replicasets"), items(api, PODS)) == ([], [])


def test_no_more_pods_than_a_machine_can_bear(api: ClusterApi) -> None:
    api.must(
        api.admin.post(
            f"{APPS}/replicasets",
            {"metadata": {"name": "r"}, "spec": {**SPEC, "replicas": 2**31 - 1}},
        )
    )
    assert len(items(api, PODS)) == 100


def test_a_long_tail_of_events_is_dropped(api: ClusterApi) -> None:
    deploy(api, replicas=30)
    created = [event for event in items(api, EVENTS) if event["reason"] == "SuccessfulCreate"]
    assert len(created) == 25
    assert {event["count"] for event in created} == {1}
    assert created[0]["source"] == {"component": "replicaset-controller"}


def test_replication_controllers_have_pods_too(api: ClusterApi) -> None:
    spec = {"replicas": 2, "selector": {"app": "a"}, "template": TEMPLATE}
    path = "/api/v1/namespaces/lab/replicationcontrollers"
    api.must(api.admin.post(path, {"metadata": {"name": "rc"}, "spec": spec}))
    assert api.must(api.admin.get(f"{path}/rc"))["status"] == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "observedGeneration": 1,
    }
