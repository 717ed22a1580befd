"""A cluster for tests: what it takes back, whom it believes, what it reports."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, watch

from kube_embedded.testing import Account, LocalCluster

POLICY = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules:
- {apiGroups: [""], resources: [pods, configmaps], verbs: [list, delete]}
- {apiGroups: [""], resources: [secrets], resourceNames: [a, b], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
"""
WEB = "system:serviceaccount:shop:web"
CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a"},
    "data": {"a": "1"},
}
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def served() -> Iterator[LocalCluster]:
    with LocalCluster(node=False) as cluster:
        yield cluster


@pytest.fixture
def cluster(served: LocalCluster) -> LocalCluster:
    served.rewind()
    return served


@pytest.fixture
def web(cluster: LocalCluster) -> Account:
    return cluster.account("shop/web", manifests=POLICY)


def call(account: Account, path: str) -> int:
    """The status of a GET over TLS with the account's token and the CA of its kubeconfig."""
    config = yaml.safe_load(Path(account.kubeconfig).read_text())
    server = config["clusters"][0]["cluster"]
    context = ssl.create_default_context(
        cadata=base64.b64decode(server["certificate-authority-data"]).decode()
    )
    request = urllib.request.Request(
        server["server"] + path, headers={"Authorization": f"Bearer {account.token}"}
    )
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            json.load(answer)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_it_starts_in_less_than_three_seconds() -> None:
    begun = time.monotonic()
    with LocalCluster() as cluster:
        assert cluster.request("GET", "/api/v1/namespaces/default")["metadata"]["name"] == "default"
    assert time.monotonic() - begun < 3  # it takes 0.1 s


def test_rewinding_takes_back_objects_rights_and_tokens(
    cluster: LocalCluster, web: Account
) -> None:
    cluster.apply(CONFIG_MAP)
    assert call(web, "/api/v1/namespaces/shop/pods") == 200
    cluster.rewind()
    assert cluster.request("GET", f"{MAPS}/a") is None
    assert cluster.request("GET", "/api/v1/namespaces/shop") is None
    bare = cluster.account("shop/web")
    assert call(bare, "/api/v1/namespaces/shop/pods") == 403
    assert not bare.rights().unused
    bare.token = web.token
    assert call(bare, "/api/v1/namespaces/shop/pods") == 401


def test_what_was_saved_stays() -> None:
    with LocalCluster(node=False) as cluster:
        cluster.apply(CONFIG_MAP)
        cluster.save()
        cluster.apply({**CONFIG_MAP, "data": {"a": "2"}})
        cluster.rewind()
        assert cluster.request("GET", f"{MAPS}/a")["data"] == {"a": "1"}


def test_two_clusters_at_once(cluster: LocalCluster, web: Account) -> None:
    with LocalCluster(node=False) as other:
        other.apply(CONFIG_MAP)
        assert cluster.request("GET", f"{MAPS}/a") is None
        theirs = other.account("shop/web", manifests=POLICY)
        assert call(theirs, "/api/v1/namespaces/shop/pods") == 200
        theirs.token = web.token
        assert call(theirs, "/api/v1/namespaces/shop/pods") == 401


def test_reasons(web: Account) -> None:
    assert web.allowed("list", "pods") == (
        'RBAC: allowed by RoleBinding "web/shop" of Role "web" to ServiceAccount "web/shop"'
    )
    assert web.refused("list", "pods", namespace="") == (
        f'pods is forbidden: User "{WEB}" cannot list resource "pods" in API group "" at the cluster scope'
    )
    assert web.refused("get", "secrets", name="c").startswith('secrets "c" is forbidden')
    web.allowed("get", "secrets", name="a")
    with pytest.raises(AssertionError) as granted:
        web.refused("list", "pods")
    assert str(granted.value).strip().endswith('to ServiceAccount "web/shop"')
    with pytest.raises(AssertionError) as missing:
        web.allowed("patch", "deployments.apps/scale")
    assert str(missing.value).splitlines()[1:] == [
        '# missing in a Role in the namespace "shop":',
        '- apiGroups: ["apps"]',
        '  resources: ["deployments/scale"]',
        '  verbs: ["patch"]',
    ]


def test_a_role_that_does_not_exist_is_a_reason(cluster: LocalCluster) -> None:
    account = cluster.account("shop/web", manifests=POLICY.partition("---")[2])
    assert account.refused("list", "pods").endswith(
        ': RBAC: role.rbac.authorization.k8s.io "web" not found'
    )


def test_a_misspelt_resource_is_an_error(web: Account) -> None:
    with pytest.raises(KeyError, match="podz"):
        web.refused("list", "podz")
    with pytest.raises(KeyError, match=r"pods\.apps"):
        web.refused("list", "pods.apps")


def test_the_report_tells_api_groups_apart(cluster: LocalCluster) -> None:
    rules = [{"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["list"]}]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "events"},
        "rules": rules,
    }
    binding = {
        **role,
        "kind": "ClusterRoleBinding",
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "events",
        },
        "subjects": [{"kind": "ServiceAccount", "namespace": "shop", "name": "web"}],
    }
    del binding["rules"]
    account = cluster.account("shop/web", manifests=[role, binding])
    call(account, "/api/v1/events")
    assert [right.group for right in account.rights().used] == [""]
    assert [right.group for right in account.rights().unused] == ["events.k8s.io"]


def test_the_report(cluster: LocalCluster, web: Account) -> None:
    web.check()
    for path in ("pods", "secrets/a", "secrets", "services"):
        call(web, f"/api/v1/namespaces/shop/{path}")
    call(web, "/version")
    call(web, "/metrics")
    assert (
        str(web.rights())
        == f"""{WEB}
used:
  list pods in the namespace "shop"
  get secrets in the namespace "shop"
lacked:
  list secrets in the namespace "shop"
  list services in the namespace "shop"
never used:
  delete pods in the namespace "shop"
  list configmaps in the namespace "shop"
  delete configmaps in the namespace "shop"
  get secrets b in the namespace "shop"
# missing in a Role in the namespace "shop":
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["list"]
# missing in a Role in the namespace "shop":
- apiGroups: [""]
  resources: ["services"]
  verbs: ["list"]"""
    )
    with pytest.raises(AssertionError, match="list services"):
        web.check()
    # Questions of tests are no requests of the program.
    other = cluster.account("shop/other")
    other.refused("list", "pods")
    other.check()


def test_waiting_ends_at_a_refusal_or_in_time(web: Account) -> None:
    assert web.until(lambda: "done") == "done"
    with pytest.raises(AssertionError, match=r"^not within 0\.05 s\n"):
        web.until(lambda: None, seconds=0.05)
    with pytest.raises(AssertionError, match="lacked:\n  list services"):
        web.until(lambda: call(web, "/api/v1/namespaces/shop/services") == 200)


def test_waiting_in_a_coroutine(web: Account) -> None:
    async def main() -> Any:
        answer = await asyncio.to_thread(call, web, "/api/v1/namespaces/shop/pods")
        return await asyncio.to_thread(web.until, lambda: answer)

    assert asyncio.run(main()) == 200


def test_kubeconfigs_are_private_and_go_with_the_cluster() -> None:
    with LocalCluster(node=False) as cluster:
        account = cluster.account("shop/web")
        path = account.kubeconfig
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        cluster.rewind()
        assert not os.path.exists(path)
        path = cluster.account("shop/web").kubeconfig
    assert not os.path.exists(path)


def test_manifests_of_all_forms(cluster: LocalCluster, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(CONFIG_MAP))
    for form in (
        tmp_path / "a.yaml",
        str(tmp_path / "a.yaml"),
        [CONFIG_MAP],
        "\n" + json.dumps(CONFIG_MAP),
    ):
        cluster.rewind()
        cluster.apply(form)
        assert cluster.request("GET", f"{MAPS}/a")["data"] == {"a": "1"}
    with pytest.raises(AssertionError, match="the cluster does not serve v1 Podd"):
        cluster.apply({**CONFIG_MAP, "kind": "Podd"})
    with pytest.raises(AssertionError, match="field not declared in schema"):
        cluster.apply({**CONFIG_MAP, "dada": {}})


def test_pods_run_again_after_rewinding() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "main", "image": "nginx"}]},
    }

    with LocalCluster() as cluster:
        for _ in range(2):
            cluster.rewind()
            cluster.apply(pod)
            end = time.monotonic() + 30
            path = "/api/v1/namespaces/default/pods/a"
            while cluster.request("GET", path)["status"].get("phase") != "Running":
                assert time.monotonic() < end
                time.sleep(0.01)


def test_an_open_watch_sees_the_objects_change_back() -> None:
    with LocalCluster(node=False) as cluster:
        account = cluster.account("shop/web", manifests=POLICY.replace("delete", "watch"))
        cluster.save()
        cluster.apply(CONFIG_MAP, "shop")
        seen = []
        with account.kubernetes() as api:
            maps = client.CoreV1Api(api).list_namespaced_config_map
            for event in watch.Watch().stream(maps, "shop", timeout_seconds=30):
                if event["object"].metadata.name == "a":
                    seen.append(event["type"])
                    if event["type"] == "DELETED":
                        break
                    cluster.rewind()
        assert seen == ["ADDED", "DELETED"]
