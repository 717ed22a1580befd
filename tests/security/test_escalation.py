"""Mallory has some rights in one namespace. By no route does she get more."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import RBAC, Caller, ClusterApi, binding, rule

GROUP = "rbac.authorization.k8s.io"
ROLES = f"{RBAC}/namespaces/lab/roles"
BINDINGS = f"{RBAC}/namespaces/lab/rolebindings"
ALL = rule("*", "*", "*")
SOME = "get list watch create update patch delete deletecollection"
ME = {"kind": "User", "name": "mallory", "apiGroup": GROUP}


@pytest.fixture
def api() -> ClusterApi:
    """Mallory can write roles and bindings in ``lab``, and all cluster-wide RBAC objects."""
    api = ClusterApi()
    api.namespace("lab")
    api.namespace("other")
    writer = rule(SOME, "roles rolebindings clusterroles clusterrolebindings", GROUP)
    api.role("writer", writer, rule(SOME, "pods configmaps"))
    api.bind("writer", "ClusterRole/writer", "User/mallory")
    api.role("strong", ALL, namespace="lab")
    api.bind("strong", "Role/strong", "User/boss", namespace="lab")
    return api


@pytest.fixture
def mallory(api: ClusterApi) -> Caller:
    return api.user("mallory", "dev")


SECRETS = "/api/v1/namespaces/lab/secrets"


@pytest.fixture(autouse=True)
def _nothing_gained(api: ClusterApi, mallory: Caller) -> Any:
    yield
    for path in (SECRETS, "/api/v1/secrets", "/api/v1/nodes", "/metrics"):
        assert mallory.get(path).status == 403, path


@pytest.mark.parametrize(
    "given",
    [
        ALL,
        rule("get", "secrets"),
        rule("*", "pods"),
        rule("get", "*"),
        rule("get", "*/log"),
        rule("get", "pods", "*"),
        rule("get", "secrets", names="one"),
        rule("impersonate", "users"),
        rule("escalate", "roles", GROUP),
        rule("bind", "clusterroles", GROUP),
        rule("create", "serviceaccounts/token"),
    ],
)
def test_a_role(mallory: Caller, given: Any) -> None:
    for path in (ROLES, f"{RBAC}/clusterroles"):
        assert mallory.post(path, {"metadata": {"name": "r"}, "rules": [given]}).status == 403
        assert mallory.put(f"{path}/r", {"metadata": {"name": "r"}, "rules": [given]}).status in (
            403,
            404,
        )
        assert mallory.get(f"{path}/r").status == 404


def test_a_cluster_role_with_paths(mallory: Caller) -> None:
    body = {"metadata": {"name": "r"}, "rules": [rule("get", urls="/metrics")]}
    assert mallory.post(f"{RBAC}/clusterroles", body).status == 403


@pytest.mark.parametrize("kind", ["merge", "json", "strategic", "apply"])
def test_patching_a_role(mallory: Caller, kind: str) -> None:
    mallory.post(ROLES, {"metadata": {"name": "mine"}, "rules": [rule("get", "pods")]})
    bodies: dict[str, tuple[str, Any]] = {
        "merge": ("application/merge-patch+json", {"rules": [ALL]}),
        "json": (
            "application/json-patch+json",
            [{"op": "replace", "path": "/rules/0/verbs", "value": ["*"]}],
        ),
        "strategic": ("application/strategic-merge-patch+json", {"rules": [ALL]}),
        "apply": (
            "application/apply-patch+yaml",
            {
                "apiVersion": f"{GROUP}/v1",
                "kind": "Role",
                "metadata": {"name": "mine"},
                "rules": [ALL],
            },
        ),
    }
    media_type, body = bodies[kind]
    path = f"{ROLES}/mine?fieldManager=m&force=true" if kind == "apply" else f"{ROLES}/mine"
    reply = mallory.call("PATCH", path, body, headers={"content-type": media_type})
    assert reply.status == 403, reply
    assert "attempting to grant RBAC permissions not currently held" in reply.message


def test_applying_a_new_role(mallory: Caller) -> None:
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Role",
        "metadata": {"name": "new"},
        "rules": [ALL],
    }
    headers = {"content-type": "application/apply-patch+yaml"}
    assert mallory.call("PATCH", f"{ROLES}/new?fieldManager=m", body, headers=headers).status == 403
    assert mallory.get(f"{ROLES}/new").status == 404


@pytest.mark.parametrize(
    "role", ["Role/strong", "ClusterRole/cluster-admin", "ClusterRole/admin", "ClusterRole/view"]
)
def test_a_binding(mallory: Caller, role: str) -> None:
    for subject in ("User/mallory", "Group/dev", "Group/system:authenticated"):
        assert mallory.post(BINDINGS, binding("b", role, subject)).status == 403
        if role.startswith("ClusterRole/"):
            assert (
                mallory.post(f"{RBAC}/clusterrolebindings", binding("b", role, subject)).status
                == 403
            )


def test_joining_a_binding(mallory: Caller) -> None:
    for path in (f"{BINDINGS}/strong", f"{RBAC}/clusterrolebindings/cluster-admin"):
        assert mallory.patch(path, {"subjects": [ME]}).status == 403
        stored = mallory.get(path).body
        assert mallory.put(path, {**stored, "subjects": [ME]}).status == 403


def test_turning_a_binding_to_another_role(api: ClusterApi, mallory: Caller) -> None:
    api.role("weak", rule("get", "pods"), namespace="lab")
    api.must(mallory.post(BINDINGS, binding("mine", "Role/weak", "User/mallory")))
    reference = {"apiGroup": GROUP, "kind": "Role", "name": "strong"}
    assert mallory.patch(f"{BINDINGS}/mine", {"roleRef": reference}).status in (403, 422)


def test_a_binding_made_before_its_role(api: ClusterApi, mallory: Caller) -> None:
    """A missing role cannot be bound, so it cannot be filled in later."""
    assert mallory.post(BINDINGS, binding("early", "Role/later", "User/mallory")).status == 404


def test_deleting_and_making_again(mallory: Caller) -> None:
    assert mallory.delete(f"{BINDINGS}/strong").status == 200
    assert mallory.post(BINDINGS, binding("strong", "Role/strong", "User/mallory")).status == 403


def test_a_dry_run_says_no_too(mallory: Caller) -> None:
    body = {"metadata": {"name": "r"}, "rules": [ALL]}
    assert mallory.post(f"{ROLES}?dryRun=All", body).status == 403


def test_an_aggregated_role(api: ClusterApi, mallory: Caller) -> None:
    """Labels can pull strong rules into a role, and rules into a role that others hold."""
    path = f"{RBAC}/clusterroles"
    everything = {
        "clusterRoleSelectors": [{"matchLabels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}]
    }
    assert (
        mallory.post(path, {"metadata": {"name": "a"}, "aggregationRule": everything}).status == 403
    )
    api.must(mallory.post(path, {"metadata": {"name": "mine"}, "rules": [rule("get", "pods")]}))
    assert mallory.patch(f"{path}/mine", {"aggregationRule": everything}).status == 403
    label = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    body = {"metadata": {"name": "into-view", "labels": label}, "rules": [rule("get", "secrets")]}
    assert mallory.post(path, body).status == 403
    api.role("secrets", rule("get", "secrets"))
    assert mallory.patch(f"{path}/secrets", {"metadata": {"labels": label}}).status == 403


def test_impersonation(mallory: Caller) -> None:
    for name, groups in (
        ("boss", ()),
        ("mallory", ("system:masters",)),
        ("system:serviceaccount:lab:x", ()),
    ):
        reply = mallory.as_user(name, *groups).get(SECRETS)
        assert reply.status == 403
        assert "impersonate" in reply.message


def test_impersonation_without_a_user(mallory: Caller) -> None:
    for header in ("impersonate-group", "impersonate-uid", "impersonate-extra-scopes"):
        assert mallory.get(SECRETS, headers={header: "system:masters"}).status == 400


def test_headers_of_a_front_proxy_mean_nothing(mallory: Caller, api: ClusterApi) -> None:
    headers = {"x-remote-user": "boss", "x-remote-group": "system:masters"}
    assert mallory.get(SECRETS, headers=headers).status == 403
    assert api.anonymous.get(SECRETS, headers=headers).status == 403


def test_another_namespace(mallory: Caller) -> None:
    """A role of one namespace has no effect in another."""
    reply = mallory.post(
        f"{RBAC}/namespaces/other/rolebindings", binding("b", "Role/strong", "User/mallory")
    )
    assert reply.status == 404


def test_a_name_in_the_path_is_not_the_name_in_the_body(mallory: Caller) -> None:
    body = {"metadata": {"name": "r", "namespace": "other"}, "rules": [rule("get", "pods")]}
    assert mallory.post(ROLES, body).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/lab/secrets/",
        "//api/v1/namespaces/lab/secrets",
        "/api//v1/namespaces/lab/secrets",
        "/api/v1/namespaces/lab/./secrets",
        "/api/v1/namespaces/lab/pods/../secrets",
        "/api/v1/namespaces/lab/pods/%2e%2e/secrets",
        "/api/v1/namespaces/lab/%73ecrets",
        "/api/v1/namespaces/lab/secrets?watch=1",
        "/api/v1/namespaces/lab/secrets?fieldSelector=metadata.name%3Dx",
        "/api/v1/watch/namespaces/lab/secrets",
        "/API/v1/namespaces/lab/secrets",
    ],
)
def test_other_spellings_of_a_path(api: ClusterApi, path: str) -> None:
    api.must(api.admin.post(SECRETS, {"metadata": {"name": "x"}, "stringData": {"k": "hidden"}}))
    nobody = api.user("nobody")
    reply = nobody.get(path)
    assert reply.status in (301, 400, 403, 404), reply
    assert "hidden" not in str(reply.body)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_snapshots_are_for_administrators(api: ClusterApi, mallory: Caller, method: str) -> None:
    for path in ("/kube-embedded/snapshots/pristine", "/kube-embedded/snapshots/pristine/restore"):
        for caller in (mallory, api.anonymous, api.account("lab", "default")):
            assert caller.call(method, path).status == 403
