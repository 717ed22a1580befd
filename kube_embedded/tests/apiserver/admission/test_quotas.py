"""ResourceQuota: what would use more than a namespace may is refused, in the real server's words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, Reply

LAB = "/api/v1/namespaces/lab"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/lab/roles"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def quota(api: ClusterApi, name: str = "q", hard: Any = None, **spec: Any) -> None:
    api.must(
        api.admin.post(
            f"{LAB}/resourcequotas", {"metadata": {"name": name}, "spec": {"hard": hard, **spec}}
        )
    )


def used(api: ClusterApi, name: str = "q") -> Any:
    return api.must(api.admin.get(f"{LAB}/resourcequotas/{name}"))["status"]["used"]


def config(api: ClusterApi, name: str, query: str = "") -> Reply:
    return api.admin.post(f"{LAB}/configmaps{query}", {"metadata": {"name": name}})


def pod(api: ClusterApi, name: str) -> Reply:
    return api.admin.post(
        f"{LAB}/pods",
        {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "x"}]}},
    )


def test_the_body_of_a_refusal(api: ClusterApi) -> None:
    quota(api, hard={"configmaps": "2"})
    api.must(config(api, "a"))
    refused = config(api, "b")
    assert refused.status == 403
    assert refused.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, '
        "limited: configmaps=2",
        "reason": "Forbidden",
        "details": {"name": "b", "kind": "configmaps"},
        "code": 403,
    }


def test_a_deletion_makes_room(api: ClusterApi) -> None:
    quota(api, hard={"count/configmaps": "2"})
    api.must(config(api, "a"))
    assert config(api, "b").status == 403
    api.must(api.admin.delete(f"{LAB}/configmaps/a"))
    api.must(config(api, "b"))


def test_a_dry_run_is_held_to_the_quota_but_uses_nothing(api: ClusterApi) -> None:
    quota(api, hard={"configmaps": "2"})
    api.must(config(api, "a", "?dryRun=All"))
    assert used(api) == {"configmaps": "1"}
    api.must(config(api, "a"))
    assert config(api, "b", "?dryRun=All").status == 403


def test_the_first_quota_by_name_refuses(api: ClusterApi) -> None:
    quota(api, "b", hard={"configmaps": "1"})
    quota(api, "a", hard={"count/configmaps": "1"})
    assert "exceeded quota: a, requested: count/configmaps=1" in config(api, "x").message


def test_all_that_is_exceeded_is_named_by_resource(api: ClusterApi) -> None:
    quota(api, hard={"count/pods": "1", "pods": "1", "services": "1", "requests.cpu": "0"})
    api.must(pod(api, "a"))
    assert pod(api, "b").message == (
        'pods "b" is forbidden: exceeded quota: q, requested: count/pods=1,pods=1, used: count/pods=1,pods=1, '
        "limited: count/pods=1,pods=1"
    )


def test_amounts_and_scopes_count_nothing(api: ClusterApi) -> None:
    quota(api, hard={"requests.cpu": "0", "limits.memory": "0"})
    quota(api, "scoped", hard={"pods": "0"}, scopes=["BestEffort"])
    api.must(pod(api, "a"))
    assert "used" not in api.must(api.admin.get(f"{LAB}/resourcequotas/scoped"))["status"]


def test_who_creates_by_put_or_apply_is_held_to_it_too(api: ClusterApi) -> None:
    quota(api, hard={"count/roles.rbac.authorization.k8s.io": "0"})
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "r"},
        "rules": [],
    }
    assert "exceeded quota: q" in api.admin.put(f"{RBAC}/r", role).message
    headers = {"content-type": "application/apply-patch+yaml"}
    applied = api.admin.call("PATCH", f"{RBAC}/r?fieldManager=me", role, headers=headers)
    assert applied.message.startswith(
        'roles.rbac.authorization.k8s.io "r" is forbidden: exceeded quota: q'
    )


def test_nobody_is_above_a_quota_but_other_namespaces_are(api: ClusterApi) -> None:
    quota(api, hard={"configmaps": "0", "count/namespaces": "0"})
    api.namespace("other")
    api.must(api.admin.post("/api/v1/namespaces/other/configmaps", {"metadata": {"name": "a"}}))


def test_a_quota_without_known_usage_lets_nothing_in(api: ClusterApi) -> None:
    quota(api, hard={"configmaps": "5", "count/configmaps": "5"})
    api.must(
        api.admin.patch(
            f"{LAB}/resourcequotas/q/status", {"status": {"used": {"configmaps": None}}}
        )
    )
    assert config(api, "a").message == (
        'configmaps "a" is forbidden: status unknown for quota: q, resources: configmaps,count/configmaps'
    )


def test_reviews_tokens_and_events_are_not_counted(api: ClusterApi) -> None:
    quota(
        api, hard={"count/events": "0", "count/localsubjectaccessreviews.authorization.k8s.io": "0"}
    )
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "lab"}}
    api.must(api.admin.post(f"{LAB}/events", event))
    api.token("lab", "default")
    assert "used" not in api.must(api.admin.get(f"{LAB}/resourcequotas/q"))["status"]
