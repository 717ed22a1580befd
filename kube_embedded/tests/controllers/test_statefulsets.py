"""Stateful sets: in which order pods come and go, who they are, and what becomes of their claims."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

APPS = "/apis/apps/v1/namespaces/lab"
SETS, REVISIONS = f"{APPS}/statefulsets", f"{APPS}/controllerrevisions"
PODS = "/api/v1/namespaces/lab/pods"
CLAIMS = "/api/v1/namespaces/lab/persistentvolumeclaims"
EVENTS = "/api/v1/namespaces/lab/events"
CLAIM = {
    "metadata": {"name": "www"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def api() -> ClusterApi:
    """Without a node: pods are as well as they are told to be."""
    made = ClusterApi()
    made.namespace("lab")
    return made


@pytest.fixture
def live() -> ClusterApi:
    """With a node, on which pods run at once."""
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


def make(api: ClusterApi, **spec: Any) -> None:
    template = {
        "metadata": {"labels": {"app": "w"}},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    }
    body = {"replicas": 3, "selector": {"matchLabels": {"app": "w"}}, "template": template, **spec}
    api.must(api.admin.post(SETS, {"metadata": {"name": "w"}, "spec": body}))


def change(api: ClusterApi, **spec: Any) -> None:
    api.must(api.admin.patch(f"{SETS}/w", {"spec": spec}))


def relabel(version: str) -> Any:
    return {"metadata": {"labels": {"v": version}}}


def items(api: ClusterApi, path: str) -> list[Any]:
    found: list[Any] = api.must(api.admin.get(path))["items"]
    return found


def names(api: ClusterApi, path: str = PODS) -> list[str]:
    return [one["metadata"]["name"] for one in items(api, path)]


def versions(api: ClusterApi) -> list[str]:
    return [pod["metadata"]["labels"].get("v", "1") for pod in items(api, PODS)]


def be_ready(api: ClusterApi, *pods: str, since: str = "2027-01-15T08:00:00Z") -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": since}
    for name in pods:
        body = {"status": {"phase": "Running", "conditions": [ready]}}
        api.must(api.admin.patch(f"{PODS}/{name}/status", body))


def status(api: ClusterApi) -> dict[str, Any]:
    found: dict[str, Any] = api.must(api.admin.get(f"{SETS}/w"))["status"]
    return found


def counts(api: ClusterApi) -> dict[str, int]:
    return {
        name.removesuffix("Replicas"): value
        for name, value in status(api).items()
        if name.endswith("eplicas")
    }


def events(api: ClusterApi, reason: str) -> list[str]:
    return [one["message"] for one in items(api, EVENTS) if one["reason"] == reason]


def test_one_pod_after_the_other(api: ClusterApi) -> None:
    make(api)
    assert (names(api), counts(api)) == (
        ["w-0"],
        {"replicas": 1, "available": 0, "current": 1, "updated": 1},
    )
    be_ready(api, "w-0")
    assert names(api) == ["w-0", "w-1"]
    be_ready(api, "w-1")
    be_ready(api, "w-2")
    assert counts(api) == {"replicas": 3, "available": 3, "ready": 3, "current": 3, "updated": 3}
    assert sorted(events(api, "SuccessfulCreate")) == [
        f"create Pod w-{n} in StatefulSet w successful" for n in range(3)
    ]


def test_all_pods_at_once(api: ClusterApi) -> None:
    make(api, podManagementPolicy="Parallel")
    assert names(api) == ["w-0", "w-1", "w-2"]
    change(api, replicas=1)
    assert names(api) == ["w-0"]


def test_who_a_pod_is(api: ClusterApi) -> None:
    make(api, serviceName="web")
    (pod,) = items(api, PODS)
    (revision,) = names(api, REVISIONS)
    assert pod["metadata"]["labels"] == {
        "app": "w",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": "w-0",
    }
    assert (pod["metadata"]["generateName"], pod["spec"]["hostname"], pod["spec"]["subdomain"]) == (
        "w-",
        "w-0",
        "web",
    )
    assert (status(api)["currentRevision"], status(api)["updateRevision"]) == (revision, revision)


def test_ordinals_may_begin_elsewhere(live: ClusterApi) -> None:
    make(live, ordinals={"start": 5}, replicas=2)
    assert names(live) == ["w-5", "w-6"]
    change(live, ordinals={"start": 6})
    assert names(live) == ["w-6", "w-7"]
    change(live, ordinals={"start": 2_000_000_000})
    assert names(live) == ["w-2000000000", "w-2000000001"]


def test_the_last_pod_goes_first(api: ClusterApi) -> None:
    make(api, podManagementPolicy="OrderedReady")
    be_ready(api, "w-0")
    be_ready(api, "w-1")
    change(api, replicas=1)
    assert names(api) == ["w-0"], "one that is not ready may go if it is the first such"
    assert sorted(events(api, "SuccessfulDelete")) == [
        f"delete Pod w-{n} in StatefulSet w successful" for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("policy", "left"), [("OrderedReady", ["w-0", "w-1", "w-2"]), ("Parallel", ["w-0", "w-2"])]
)
def test_the_pod_before_it_waits_until_it_is_gone(
    live: ClusterApi, policy: str, left: list[str]
) -> None:
    make(live, podManagementPolicy=policy)
    live.must(live.admin.patch(f"{PODS}/w-2", {"metadata": {"finalizers": ["example.com/hold"]}}))
    change(live, replicas=1)
    assert names(live) == left
    live.must(live.admin.patch(f"{PODS}/w-2", {"metadata": {"finalizers": None}}))
    assert names(live) == ["w-0"]


def test_nothing_goes_while_a_pod_before_it_is_not_well(api: ClusterApi) -> None:
    make(api)
    be_ready(api, "w-0")
    be_ready(api, "w-1")
    be_ready(api, "w-2")
    api.must(api.admin.patch(f"{PODS}/w-0/status", {"status": {"conditions": None}}))
    change(api, replicas=2)
    assert names(api) == ["w-0", "w-1", "w-2"]
    be_ready(api, "w-0")
    assert names(api) == ["w-0", "w-1"]


def test_a_pod_that_is_gone_comes_again_under_its_name(live: ClusterApi) -> None:
    make(live)
    before = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in items(live, PODS)}
    live.must(live.admin.delete(f"{PODS}/w-1"))
    after = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in items(live, PODS)}
    assert sorted(after) == sorted(before)
    assert [name for name in before if before[name] != after[name]] == ["w-1"]


def test_a_pod_that_has_ended_is_replaced(api: ClusterApi) -> None:
    make(api)
    uid = items(api, PODS)[0]["metadata"]["uid"]
    api.must(api.admin.patch(f"{PODS}/w-0/status", {"status": {"phase": "Failed"}}))
    (pod,) = items(api, PODS)
    assert (pod["metadata"]["name"], pod["status"]["phase"]) == ("w-0", "Pending")
    assert pod["metadata"]["uid"] != uid


def test_pods_are_replaced_from_the_last(api: ClusterApi) -> None:
    make(api, podManagementPolicy="Parallel")
    be_ready(api, "w-0", "w-1", "w-2")
    (old,) = names(api, REVISIONS)
    change(api, template=relabel("2"))
    assert versions(api) == ["1", "1", "2"]
    told = status(api)
    assert (told["currentRevision"], told["updatedReplicas"], told["currentReplicas"]) == (
        old,
        1,
        2,
    )
    assert told["updateRevision"] != old
    be_ready(api, "w-2")
    assert versions(api) == ["1", "2", "2"]
    be_ready(api, "w-1")
    be_ready(api, "w-0")
    assert (versions(api), status(api)["currentRevision"]) == (
        ["2", "2", "2"],
        told["updateRevision"],
    )


def test_a_partition_keeps_the_first_ones(live: ClusterApi) -> None:
    make(live, updateStrategy={"rollingUpdate": {"partition": 2}})
    change(live, template=relabel("2"))
    assert versions(live) == ["1", "1", "2"]
    live.must(live.admin.delete(f"{PODS}/w-0"))
    assert versions(live) == ["1", "1", "2"], "it comes again as it was"
    change(live, updateStrategy={"rollingUpdate": {"partition": 0}})
    assert versions(live) == ["2", "2", "2"]


def test_on_delete_nothing_is_replaced(live: ClusterApi) -> None:
    make(live, updateStrategy={"type": "OnDelete"})
    change(live, template=relabel("2"))
    assert versions(live) == ["1", "1", "1"]
    live.must(live.admin.delete(f"{PODS}/w-1"))
    assert versions(live) == ["1", "2", "1"]


def test_pods_must_have_been_ready_for_so_long(live: ClusterApi) -> None:
    make(live, minReadySeconds=10)
    assert (names(live), counts(live)["available"]) == (["w-0"], 0)
    live.clock.now += 10
    live.cluster.advance()
    assert (names(live), counts(live)["available"]) == (["w-0", "w-1"], 1)


def test_each_pod_has_claims_that_stay(live: ClusterApi) -> None:
    make(live, volumeClaimTemplates=[CLAIM], replicas=2)
    assert names(live, CLAIMS) == ["www-w-0", "www-w-1"]
    claim = items(live, CLAIMS)[0]
    assert claim["metadata"]["labels"] == {"app": "w"}
    assert "ownerReferences" not in claim["metadata"]
    assert items(live, PODS)[0]["spec"]["volumes"][0] == {
        "name": "www",
        "persistentVolumeClaim": {"claimName": "www-w-0"},
    }
    assert "create Claim www-w-0 Pod w-0 in StatefulSet w success" in events(
        live, "SuccessfulCreate"
    )
    change(live, replicas=0)
    live.must(live.admin.delete(f"{SETS}/w"))
    assert names(live, CLAIMS) == ["www-w-0", "www-w-1"]


def test_a_name_that_is_taken(live: ClusterApi) -> None:
    live.pod("lab", "w-1")
    make(live)
    assert names(live) == ["w-0", "w-1"]
    assert events(live, "FailedCreate") == [
        'create Pod w-1 in StatefulSet w failed error: pods "w-1" already exists'
    ]
    live.must(live.admin.delete(f"{PODS}/w-1"))
    live.clock.now += 60
    live.cluster.advance()
    assert counts(live)["ready"] == 3


def test_what_a_quota_forbids(live: ClusterApi) -> None:
    quotas = "/api/v1/namespaces/lab/resourcequotas"
    hard = {"persistentvolumeclaims": "1"}
    live.must(live.admin.post(quotas, {"metadata": {"name": "q"}, "spec": {"hard": hard}}))
    make(live, volumeClaimTemplates=[CLAIM], replicas=2)
    assert names(live) == ["w-0"]
    assert events(live, "FailedCreate")[0].startswith(
        'create Claim www-w-1 for Pod w-1 in StatefulSet w failed error: persistentvolumeclaims "www-w-1" is forbidden'
    )
    live.must(live.admin.patch(f"{quotas}/q", {"spec": {"hard": {"persistentvolumeclaims": "2"}}}))
    assert names(live) == ["w-0", "w-1"]


@pytest.mark.parametrize(
    ("propagation", "left"), [("Background", 0), ("Foreground", 0), ("Orphan", 3)]
)
def test_the_end_of_a_stateful_set(live: ClusterApi, propagation: str, left: int) -> None:
    make(live)
    uids = [pod["metadata"]["uid"] for pod in items(live, PODS)]
    live.must(live.admin.call("DELETE", f"{SETS}/w", {"propagationPolicy": propagation}))
    assert (len(names(live)), len(names(live, REVISIONS)), live.admin.get(f"{SETS}/w").status) == (
        left,
        left // 3,
        404,
    )
    if left:
        make(live)
        assert [pod["metadata"]["uid"] for pod in items(live, PODS)] == uids, "they are adopted"
        assert counts(live)["updated"] == 3
