import pytest
from syncer import sync

OBJECTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: trust, namespace: certificates}
data: {ca.crt: "…"}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {sync: trust}}
"""
COPY = "/api/v1/namespaces/shop/configmaps/trust"


@pytest.fixture
def account(cluster):
    return cluster.account("certificates/syncer", manifests=["rbac.yaml", OBJECTS])


@pytest.mark.parametrize("times", [1, 2])
def test_it_copies_once_and_again(cluster, account, times):
    for _ in range(times):
        assert sync(account.lightkube(), "trust", "certificates") == ["shop"]
    assert cluster.request("GET", COPY)["data"] == {"ca.crt": "…"}
    account.check()
    # An apply that creates asks for "create" as well, but its audit event only has "patch".
    assert [right.verb for right in account.rights().unused] == ["create"]


def test_each_test_begins_without_copies(cluster, account):
    assert cluster.request("GET", COPY) is None


def test_it_reads_no_other_config_map(account):
    account.allowed("get", "configmaps", name="trust")
    account.refused("get", "configmaps", name="other")
    account.refused("list", "secrets", namespace="")
