import asyncio

import kr8s
import pytest
from cleaner import clean


def pod(name, **labels):
    spec = {"containers": [{"name": "main", "image": "busybox"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }


def test_it_deletes_expired_pods_alone(cluster):
    account = cluster.account(
        "jobs/cleaner", manifests=["rbac.yaml", pod("old", expired=""), pod("new")]
    )
    assert asyncio.run(clean(account.kubeconfig)) == ["old"]
    account.check()
    assert [right.verb for right in account.rights().used] == ["list", "delete"]


def test_it_says_so_if_it_has_no_rights(cluster):
    account = cluster.account("jobs/cleaner")
    with pytest.raises(kr8s.ServerError, match='cannot list resource "pods"'):
        asyncio.run(clean(account.kubeconfig))
    assert [right.verb for right in account.rights().lacked] == ["list"]
