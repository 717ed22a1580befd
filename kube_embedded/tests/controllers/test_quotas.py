"""The status of quotas: at once, in the real server's order and hands."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

LAB = "/api/v1/namespaces/lab"
QUOTAS = f"{LAB}/resourcequotas"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def quota(api: ClusterApi, hard: Any, **spec: Any) -> Any:
    return api.must(
        api.admin.post(QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}})
    )


def status(api: ClusterApi) -> Any:
    return api.must(api.admin.get(f"{QUOTAS}/q"))["status"]


def pod(api: ClusterApi, name: str) -> Any:
    container = {"name": "c", "image": "x"}
    return api.must(
        api.admin.post(
            f"{LAB}/pods", {"metadata": {"name": name}, "spec": {"containers": [container]}}
        )
    )


def test_what_is_there_already_is_counted(api: ClusterApi) -> None:
    pod(api, "a")
    pod(api, "b")
    made = quota(api, {"requests.cpu": "2", "pods": "9", "count/nothings.example.com": "1"})
    assert made["status"] == {}
    found = status(api)
    assert found == {
        "hard": {"count/nothings.example.com": "1", "pods": "9", "requests.cpu": "2"},
        "used": {"pods": "2"},
    }
    assert list(found["hard"]) == sorted(found["hard"])


def test_a_quota_counts_itself(api: ClusterApi) -> None:
    quota(api, {"resourcequotas": "1", "count/resourcequotas": "2"})
    assert status(api)["used"] == {"count/resourcequotas": "1", "resourcequotas": "1"}
    assert api.admin.post(QUOTAS, {"metadata": {"name": "r"}, "spec": {}}).status == 403


def test_events_nodes_and_questions_are_not_counted(api: ClusterApi) -> None:
    """Kinds that end by themselves, that no namespace has, or that are not stored."""
    hard = {
        "count/configmaps": "9",
        "count/events": "9",
        "count/events.events.k8s.io": "9",
        "count/localsubjectaccessreviews.authorization.k8s.io": "9",
        "count/namespaces": "9",
        "count/nodes": "9",
        "count/clusterroles.rbac.authorization.k8s.io": "9",
        "count/rolebindings.rbac.authorization.k8s.io": "9",
    }
    quota(api, hard)
    assert status(api)["hard"] == hard
    assert status(api)["used"] == {
        "count/configmaps": "1",
        "count/rolebindings.rbac.authorization.k8s.io": "0",
    }


def test_who_wrote_the_status(api: ClusterApi) -> None:
    quota(api, {"pods": "9", "secrets": "9"})

    def owners() -> dict[str, Any]:
        managed = api.must(api.admin.get(f"{QUOTAS}/q"))["metadata"]["managedFields"]
        return {
            one["manager"]: one["fieldsV1"]["f:status"]
            for one in managed
            if one.get("subresource") == "status"
        }

    every: dict[str, Any] = {".": {}, "f:pods": {}, "f:secrets": {}}
    assert owners() == {"kube-controller-manager": {"f:hard": every, "f:used": every}}
    pod(api, "a")
    assert owners() == {
        "kube-controller-manager": {"f:hard": every, "f:used": {".": {}, "f:secrets": {}}},
        "kube-apiserver": {"f:used": {"f:pods": {}}},
    }


def test_other_bounds_are_counted_anew(api: ClusterApi) -> None:
    pod(api, "a")
    quota(api, {"secrets": "2"})
    api.must(api.admin.patch(f"{QUOTAS}/q", {"spec": {"hard": {"secrets": None, "pods": "3"}}}))
    assert status(api) == {"hard": {"pods": "3"}, "used": {"pods": "1"}}


def test_what_someone_writes_into_the_status_stays_until_something_ends(api: ClusterApi) -> None:
    quota(api, {"pods": "9"})
    pod(api, "a")
    pod(api, "b")
    api.must(api.admin.patch(f"{QUOTAS}/q/status", {"status": {"used": {"pods": "7"}}}))
    pod(api, "c")
    assert status(api)["used"] == {"pods": "8"}
    api.must(api.admin.delete(f"{LAB}/pods/a"))
    assert status(api)["used"] == {"pods": "2"}


def test_a_collection_is_deleted_and_what_returns_is_counted_once(api: ClusterApi) -> None:
    quota(api, {"configmaps": "9"})
    for name in "abc":
        api.must(api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": name}}))
    assert status(api)["used"] == {"configmaps": "4"}
    api.must(api.admin.delete(f"{LAB}/configmaps"))
    assert [
        one["metadata"]["name"] for one in api.admin.get(f"{LAB}/configmaps").body["items"]
    ] == ["kube-root-ca.crt"]
    assert status(api)["used"] == {"configmaps": "1"}


def test_a_namespace_with_quotas_ends(api: ClusterApi) -> None:
    quota(api, {"pods": "9", "resourcequotas": "3"})
    pod(api, "a")
    api.must(api.admin.delete("/api/v1/namespaces/lab"))
    assert api.admin.get("/api/v1/namespaces/lab").status == 404


def test_without_quotas_nothing_is_written(api: ClusterApi) -> None:
    before = api.cluster.store.revision
    api.must(api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "a"}}))
    assert api.cluster.store.revision == before + 1
