"""ResourceQuota: what would use more than a namespace may is refused, in the real server's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi, Reply

LAB = "/api/v1/namespaces/lab"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/lab/roles"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def quota(api: ClusterApi, name: str = "q", hard: Any = None, **spec: Any) -> None:
    api.must(api.admin.post(f"{LAB}/resourcequotas", {"metadata": {"name": name}, "spec": {"hard": hard, **spec}}))


def used(api: ClusterApi, name: str = "q") -> Any:
    return api.must(api.admin.get(f"{LAB}/resourcequotas/{name}"))["status"]["used"]


def config(api: ClusterApi, name: str, query: str = "") -> Reply:
    return api.admin.post(f"{LAB}/configmaps{query}", {"metadata": {"name": name}})


def pod(api: ClusterApi, name: str, *resources: Any, **spec: Any) -> Reply:
    containers = [{"name": f"c{number}", "image": "x", "resources": each} for number, each in enumerate(resources)]
    return api.admin.post(f"{LAB}/pods", {"metadata": {"name": name}, "spec": {"containers": containers, **spec}})


def both(**amounts: str) -> Any:
    return {"requests": amounts, "limits": amounts}


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


def test_all_that_is_exceeded_is_named_by_resource(api: ClusterApi) -> None:
    quota(api, hard={"requests.cpu": "1", "limits.memory": "1Gi", "pods": "5", "services": "1"})
    api.must(pod(api, "a", both(cpu="600m", memory="600Mi")))
    assert pod(api, "b", both(cpu="500m", memory="500Mi")).message == (
        'pods "b" is forbidden: exceeded quota: q, requested: limits.memory=500Mi,requests.cpu=500m, '
        "used: limits.memory=600Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1"
    )


def test_the_first_quota_by_name_refuses(api: ClusterApi) -> None:
    quota(api, "b", hard={"configmaps": "1"})
    quota(api, "a", hard={"count/configmaps": "1"})
    assert "exceeded quota: a, requested: count/configmaps=1" in config(api, "x").message


def test_a_bounded_amount_must_be_said(api: ClusterApi) -> None:
    quota(api, hard={"requests.cpu": "1", "limits.memory": "1Gi"})
    refused = pod(api, "p", {"requests": {"cpu": "1"}}, {})
    assert refused.message == (
        'pods "p" is forbidden: failed quota: q: must specify limits.memory for: c0,c1; requests.cpu for: c1'
    )
    api.must(pod(api, "p", both(cpu="1", memory="1Gi")))


def test_the_older_servers_words() -> None:
    api = ClusterApi(era="1.20")
    api.namespace("lab")
    quota(api, hard={"requests.cpu": "1", "limits.memory": "1Gi"})
    assert pod(api, "p", {}).message.endswith("failed quota: q: must specify limits.memory,requests.cpu")


def test_defaults_of_a_limit_range_come_first(api: ClusterApi) -> None:
    limits = [{"type": "Container", "default": {"cpu": "700m"}}]
    api.must(api.admin.post(f"{LAB}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": limits}}))
    quota(api, hard={"limits.cpu": "1"})
    api.must(pod(api, "a", {}))
    assert "requested: limits.cpu=700m, used: limits.cpu=700m, limited: limits.cpu=1" in pod(api, "b", {}).message


def test_a_quota_is_about_its_scopes(api: ClusterApi) -> None:
    quota(api, hard={"pods": "0"}, scopes=["BestEffort"])
    assert "exceeded quota: q" in pod(api, "a", {}).message
    api.must(pod(api, "b", both(cpu="1")))


def test_an_update_may_bring_a_pod_into_a_scope(api: ClusterApi) -> None:
    quota(api, hard={"pods": "1"}, scopes=["Terminating"])
    api.must(pod(api, "a", {}, activeDeadlineSeconds=5))
    api.must(pod(api, "b", {}))
    refused = api.admin.patch(f"{LAB}/pods/b", {"spec": {"activeDeadlineSeconds": 5}})
    assert refused.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    )


def test_a_resize_that_asks_for_more(api: ClusterApi) -> None:
    quota(api, hard={"requests.cpu": "1"})
    api.must(pod(api, "a", both(cpu="500m", memory="1Mi")))

    def resize(cpu: str) -> Reply:
        spec = {"containers": [{"name": "c0", "resources": both(cpu=cpu, memory="1Mi")}]}
        return api.admin.call(
            "PATCH",
            f"{LAB}/pods/a/resize",
            {"spec": spec},
            headers={"content-type": "application/strategic-merge-patch+json"},
        )

    assert resize("1500m").message.endswith(
        "exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=500m, limited: requests.cpu=1"
    )
    api.must(resize("900m"))
    assert used(api) == {"requests.cpu": "900m"}
    api.must(resize("100m"))
    assert used(api) == {"requests.cpu": "100m"}


def test_an_ephemeral_container_uses_nothing(api: ClusterApi) -> None:
    quota(api, hard={"requests.cpu": "1", "pods": "1"})
    api.must(pod(api, "a", both(cpu="1")))
    spec = {"ephemeralContainers": [{"name": "e", "image": "x"}]}
    api.must(api.admin.patch(f"{LAB}/pods/a/ephemeralcontainers", {"spec": spec}))
    assert used(api) == {"pods": "1", "requests.cpu": "1"}


def test_a_service_that_changes_its_type(api: ClusterApi) -> None:
    quota(api, hard={"services": "5", "services.nodeports": "1"})
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    api.must(api.admin.post(f"{LAB}/services", {"metadata": {"name": "s"}, "spec": {"ports": ports}}))
    assert api.admin.patch(f"{LAB}/services/s", {"spec": {"type": "NodePort"}}).message == (
        'services "s" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, '
        "limited: services.nodeports=1"
    )
    api.must(api.admin.patch(f"{LAB}/services/s", {"spec": {"type": "NodePort", "ports": ports[:1]}}))
    assert used(api)["services.nodeports"] == "1"
    api.must(api.admin.patch(f"{LAB}/services/s", {"spec": {"type": "ClusterIP"}}))
    assert used(api)["services.nodeports"] == "0"


def test_who_creates_by_put_or_apply_is_held_to_it_too(api: ClusterApi) -> None:
    quota(api, hard={"count/roles.rbac.authorization.k8s.io": "0"})
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": []}
    assert "exceeded quota: q" in api.admin.put(f"{RBAC}/r", role).message
    headers = {"content-type": "application/apply-patch+yaml"}
    applied = api.admin.call("PATCH", f"{RBAC}/r?fieldManager=me", role, headers=headers)
    assert applied.message.startswith('roles.rbac.authorization.k8s.io "r" is forbidden: exceeded quota: q')


def test_nobody_is_above_a_quota_but_other_namespaces_are(api: ClusterApi) -> None:
    quota(api, hard={"configmaps": "0", "count/namespaces": "0"})
    api.namespace("other")
    api.must(api.admin.post("/api/v1/namespaces/other/configmaps", {"metadata": {"name": "a"}}))


def test_a_quota_without_known_usage_lets_nothing_in(api: ClusterApi) -> None:
    quota(api, hard={"configmaps": "5", "count/configmaps": "5"})
    api.must(api.admin.patch(f"{LAB}/resourcequotas/q/status", {"status": {"used": {"configmaps": None}}}))
    assert config(api, "a").message == (
        'configmaps "a" is forbidden: status unknown for quota: q, resources: configmaps,count/configmaps'
    )


def test_reviews_tokens_and_events_are_not_counted(api: ClusterApi) -> None:
    quota(api, hard={"count/events": "0", "count/localsubjectaccessreviews.authorization.k8s.io": "0"})
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "lab"}}
    api.must(api.admin.post(f"{LAB}/events", event))
    api.token("lab", "default")
    assert "used" not in api.must(api.admin.get(f"{LAB}/resourcequotas/q"))["status"]


def test_a_pod_that_asks_as_a_whole_is_measured_so(api: ClusterApi) -> None:
    quota(api, hard={"requests.cpu": "1", "pods": "5"}, scopes=["NotBestEffort"])
    made = api.must(pod(api, "a", {}, {}, resources={"requests": {"cpu": "800m"}}))
    assert made["status"]["qosClass"] == "Burstable"
    assert used(api) == {"pods": "1", "requests.cpu": "800m"}
    assert "exceeded quota: q, requested: requests.cpu=800m" in (
        pod(api, "b", {}, resources={"requests": {"cpu": "800m"}}).message
    )
