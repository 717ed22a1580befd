"""The garbage collector: owners that wait in the foreground for their dependents."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

CONFIG_MAPS = "/api/v1/namespaces/lab/configmaps"


@pytest.fixture
def api() -> ClusterApi:
    cluster = ClusterApi()
    cluster.namespace("lab")
    return cluster


def circle(api: ClusterApi, names: tuple[str, ...]) -> None:
    """Create config maps of which each is owned by the one before it, and the first by the last."""
    uids = {}
    for name in names:
        created = api.must(api.admin.post(CONFIG_MAPS, {"metadata": {"name": name}}))
        uids[name] = created["metadata"]["uid"]
    for name, owner in zip(names, (names[-1], *names), strict=False):
        reference: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner,
            "uid": uids[owner],
            "blockOwnerDeletion": True,
        }
        metadata = {"ownerReferences": [reference]}
        api.must(api.admin.patch(f"{CONFIG_MAPS}/{name}", {"metadata": metadata}))


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c")])
def test_owners_in_a_circle_do_not_wait_for_each_other(
    api: ClusterApi, names: tuple[str, ...]
) -> None:
    circle(api, names)
    api.must(api.admin.delete(f"{CONFIG_MAPS}/a?propagationPolicy=Foreground"))
    remaining = api.must(api.admin.get(CONFIG_MAPS))["items"]
    assert [item["metadata"]["name"] for item in remaining] == ["kube-root-ca.crt"]


def test_an_owner_waits_for_a_dependent_with_a_finalizer(api: ClusterApi) -> None:
    circle(api, ("a", "b"))
    finalizers = {"metadata": {"finalizers": ["example.com/wait"]}}
    api.must(api.admin.patch(f"{CONFIG_MAPS}/b", finalizers))
    api.must(api.admin.delete(f"{CONFIG_MAPS}/a?propagationPolicy=Foreground"))
    assert api.admin.get(f"{CONFIG_MAPS}/b").body["metadata"]["deletionTimestamp"]


def test_a_dependent_in_a_namespace_goes_with_its_cluster_scoped_owner(api: ClusterApi) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    owner = api.must(api.admin.post(roles, {"metadata": {"name": "owner"}}))
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": "ClusterRole",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
    }
    metadata = {"name": "dependent", "ownerReferences": [reference]}
    api.must(api.admin.post(CONFIG_MAPS, {"metadata": metadata}))
    assert api.admin.get(f"{CONFIG_MAPS}/dependent").status == 200
    api.must(api.admin.delete(f"{roles}/owner"))
    assert api.admin.get(f"{CONFIG_MAPS}/dependent").status == 404
