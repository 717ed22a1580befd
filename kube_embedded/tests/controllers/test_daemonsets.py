"""Daemon sets: which nodes get a pod, how pods are replaced, and the revisions that are kept."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

APPS = "/apis/apps/v1/namespaces/lab"
SETS, REVISIONS = f"{APPS}/daemonsets", f"{APPS}/controllerrevisions"
PODS = "/api/v1/namespaces/lab/pods"
EVENTS = "/api/v1/namespaces/lab/events"
HASH = "controller-revision-hash"


@pytest.fixture
def api() -> ClusterApi:
    """With one node, on which pods run."""
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


@pytest.fixture
def three() -> ClusterApi:
    """With three nodes on which nothing runs: pods stay as they are told to be."""
    made = ClusterApi()
    made.namespace("lab")
    for name in ("a", "b", "c"):
        labels = {"disk": "ssd"} if name != "c" else {}
        made.must(made.admin.post("/api/v1/nodes", {"metadata": {"name": name, "labels": labels}}))
        made.must(made.admin.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": None}}))
    return made


def make(api: ClusterApi, pod: Any = None, **spec: Any) -> None:
    containers = [{"name": "c", "image": "nginx"}]
    template = {
        "metadata": {"labels": {"app": "d"}},
        "spec": {"containers": containers, **(pod or {})},
    }
    body = {"selector": {"matchLabels": {"app": "d"}}, "template": template, **spec}
    api.must(api.admin.post(SETS, {"metadata": {"name": "d"}, "spec": body}))


def change(api: ClusterApi, **spec: Any) -> None:
    api.must(api.admin.patch(f"{SETS}/d", {"spec": spec}))


def relabel(api: ClusterApi, version: str) -> None:
    change(api, template={"metadata": {"labels": {"v": version}}})


def items(api: ClusterApi, path: str) -> list[Any]:
    found: list[Any] = api.must(api.admin.get(path))["items"]
    return found


def target(pod: Any) -> str:
    (term,) = pod["spec"]["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]["nodeSelectorTerms"]
    (field,) = term["matchFields"]
    assert (field["key"], field["operator"]) == ("metadata.name", "In")
    (name,) = field["values"]
    return str(name)


def targets(api: ClusterApi) -> list[str]:
    return sorted(map(target, items(api, PODS)))


def status(api: ClusterApi) -> dict[str, int]:
    told = api.must(api.admin.get(f"{SETS}/d"))["status"]
    return {name: value for name, value in told.items() if value and name != "observedGeneration"}


def be_ready(api: ClusterApi, pod: Any) -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2027-01-15T08:00:00Z"}
    body = {"status": {"phase": "Running", "conditions": [ready]}}
    api.must(api.admin.patch(f"{PODS}/{pod['metadata']['name']}/status", body))


def events(api: ClusterApi, reason: str) -> list[str]:
    return [one["message"] for one in items(api, EVENTS) if one["reason"] == reason]


def test_a_pod_on_the_node(api: ClusterApi) -> None:
    make(api)
    (pod,) = items(api, PODS)
    (revision,) = items(api, REVISIONS)
    suffix = revision["metadata"]["labels"][HASH]
    assert pod["metadata"]["labels"] == {"app": "d", HASH: suffix, "pod-template-generation": "1"}
    assert (pod["spec"]["nodeName"], target(pod)) == ("kube-embedded", "kube-embedded")
    assert status(api) == {
        "currentNumberScheduled": 1,
        "desiredNumberScheduled": 1,
        "numberReady": 1,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
    }
    assert events(api, "SuccessfulCreate") == [f"Created pod: {pod['metadata']['name']}"]
    assert (revision["metadata"]["name"], revision["revision"]) == (f"d-{suffix}", 1)
    assert revision["data"]["spec"]["template"]["$patch"] == "replace"
    api.must(api.admin.delete(f"{PODS}/{pod['metadata']['name']}"))
    assert len(items(api, PODS)) == 1, "another one comes"


def test_what_daemons_tolerate(three: ClusterApi) -> None:
    own = {"key": "mine", "operator": "Exists"}
    make(three, {"tolerations": [own], "hostNetwork": True})
    found = items(three, PODS)[0]["spec"]["tolerations"]
    assert found[0] == own
    assert [
        (one["key"].removeprefix("node.kubernetes.io/"), one["effect"]) for one in found[1:]
    ] == [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    ]


def test_a_cordoned_node_still_gets_its_daemons(api: ClusterApi) -> None:
    api.must(api.admin.patch("/api/v1/nodes/kube-embedded", {"spec": {"unschedulable": True}}))
    make(api)
    assert status(api)["numberReady"] == 1


def test_only_nodes_that_suit(three: ClusterApi) -> None:
    make(three, {"nodeSelector": {"disk": "ssd"}})
    assert targets(three) == ["a", "b"]
    three.must(three.admin.patch("/api/v1/nodes/c", {"metadata": {"labels": {"disk": "ssd"}}}))
    three.must(three.admin.patch("/api/v1/nodes/a", {"metadata": {"labels": {"disk": None}}}))
    assert targets(three) == ["b", "c"]
    three.must(three.admin.delete("/api/v1/nodes/b"))
    assert targets(three) == ["c"]
    assert status(three) == {
        "currentNumberScheduled": 1,
        "desiredNumberScheduled": 1,
        "updatedNumberScheduled": 1,
        "numberUnavailable": 1,
    }


def test_a_node_s_affinity_is_asked_first_and_then_replaced(three: ClusterApi) -> None:
    terms = [{"matchExpressions": [{"key": "disk", "operator": "DoesNotExist"}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    make(three, {"affinity": {"nodeAffinity": required}})
    assert targets(three) == ["c"]


@pytest.mark.parametrize(("effect", "left", "wrong"), [("NoSchedule", 1, 1), ("NoExecute", 0, 0)])
def test_taints(api: ClusterApi, effect: str, left: int, wrong: int) -> None:
    make(api)
    taints = [{"key": "mine", "effect": effect}]
    api.must(api.admin.patch("/api/v1/nodes/kube-embedded", {"spec": {"taints": taints}}))
    assert len(items(api, PODS)) == left
    assert status(api).get("numberMisscheduled", 0) == wrong
    assert "desiredNumberScheduled" not in status(api)


def test_pods_are_replaced_a_few_at_a_time(three: ClusterApi) -> None:
    make(three)
    for pod in items(three, PODS):
        be_ready(three, pod)
    relabel(three, "2")
    for new, old in ((1, 2), (2, 1), (3, 0)):
        versions = [pod["metadata"]["labels"].get("v", "1") for pod in items(three, PODS)]
        assert (versions.count("2"), versions.count("1")) == (new, old)
        assert status(three)["updatedNumberScheduled"] == new
        for pod in items(three, PODS):
            if "v" in pod["metadata"]["labels"]:
                be_ready(three, pod)
    assert status(three)["numberAvailable"] == 3
    assert targets(three) == ["a", "b", "c"]


def test_pods_that_do_not_work_are_replaced_at_once(three: ClusterApi) -> None:
    make(three)
    relabel(three, "2")
    assert [pod["metadata"]["labels"].get("v") for pod in items(three, PODS)] == ["2", "2", "2"]


def test_on_delete_nothing_is_replaced(three: ClusterApi) -> None:
    make(three, updateStrategy={"type": "OnDelete"})
    relabel(three, "2")
    assert not [pod for pod in items(three, PODS) if "v" in pod["metadata"]["labels"]]
    assert "updatedNumberScheduled" not in status(three)
    first = items(three, PODS)[0]
    three.must(three.admin.delete(f"{PODS}/{first['metadata']['name']}"))
    (new,) = [pod for pod in items(three, PODS) if "v" in pod["metadata"]["labels"]]
    assert target(new) == target(first)


def test_revisions_are_found_again_and_forgotten(api: ClusterApi) -> None:
    make(api, revisionHistoryLimit=1)
    relabel(api, "2")
    first, second = sorted(items(api, REVISIONS), key=lambda one: one["revision"])
    change(api, template={"metadata": {"labels": {"v": None}}})
    again = {one["metadata"]["name"]: one["revision"] for one in items(api, REVISIONS)}
    assert again == {first["metadata"]["name"]: 3, second["metadata"]["name"]: 2}
    relabel(api, "3")
    assert sorted(one["revision"] for one in items(api, REVISIONS)) == [3, 4]


def test_a_pod_that_has_ended_is_replaced(three: ClusterApi) -> None:
    make(three)
    pod = items(three, PODS)[0]
    name = pod["metadata"]["name"]
    three.must(three.admin.patch(f"{PODS}/{name}/status", {"status": {"phase": "Failed"}}))
    assert name not in [one["metadata"]["name"] for one in items(three, PODS)]
    assert targets(three) == ["a", "b", "c"]


def test_what_a_quota_forbids(three: ClusterApi) -> None:
    quotas = "/api/v1/namespaces/lab/resourcequotas"
    three.must(
        three.admin.post(quotas, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}})
    )
    make(three)
    assert (len(items(three, PODS)), status(three)["currentNumberScheduled"]) == (2, 2)
    assert "exceeded quota: q" in events(three, "FailedCreate")[0]
    three.must(three.admin.patch(f"{quotas}/q", {"spec": {"hard": {"pods": "9"}}}))
    assert targets(three) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("propagation", "left"), [("Background", 0), ("Foreground", 0), ("Orphan", 1)]
)
def test_the_end_of_a_daemon_set(api: ClusterApi, propagation: str, left: int) -> None:
    make(api)
    api.must(api.admin.call("DELETE", f"{SETS}/d", {"propagationPolicy": propagation}))
    assert (len(items(api, PODS)), len(items(api, REVISIONS))) == (left, left)
    assert api.admin.get(f"{SETS}/d").status == 404
    if left:
        (before,) = items(api, PODS)
        make(api)
        (pod,) = items(api, PODS)
        assert pod["metadata"]["name"] == before["metadata"]["name"], "it is adopted"
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet"
