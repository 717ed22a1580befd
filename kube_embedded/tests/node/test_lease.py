"""The node's Lease, as its kubelet keeps it."""

from __future__ import annotations

from functools import partial

from kube_embedded.apiserver.storage import Store
from kube_embedded.cluster import Cluster
from kube_embedded.tests.support.cluster import Caller, ClusterApi, keys

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/kube-embedded"


def test_a_node_that_joins_takes_a_lease() -> None:
    api = ClusterApi(node=True)
    lease = api.must(api.admin.get(LEASE))
    node = api.must(api.admin.get("/api/v1/nodes/kube-embedded"))
    assert lease["spec"] == {
        "holderIdentity": "kube-embedded",
        "leaseDurationSeconds": 40,
        "renewTime": "2027-01-15T08:00:00.000000Z",
    }
    assert lease["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "name": "kube-embedded",
            "uid": node["metadata"]["uid"],
        }
    ]
    assert lease["metadata"]["managedFields"][0]["manager"] == "kubelet"


def test_it_is_renewed_with_each_start() -> None:
    api, store = ClusterApi(), Store()
    for now, renewed in (
        (1_800_000_000.0, "08:00:00.000000"),
        (1_800_000_061.5, "08:01:01.500000"),
    ):
        cluster = Cluster(keys(), store, clock=partial(float, now))
        admin = Caller(cluster, api.admin.certificate)
        lease = admin.get(LEASE).body
        assert lease["spec"]["renewTime"] == f"2027-01-15T{renewed}Z"


def test_it_ends_with_its_node() -> None:
    api = ClusterApi(node=True)
    api.must(api.admin.delete("/api/v1/nodes/kube-embedded"))
    assert api.admin.get(LEASE).status == 404


def test_without_a_node_there_is_none() -> None:
    assert ClusterApi().admin.get(LEASE).status == 404


def test_the_api_server_has_a_slice_of_endpoints() -> None:
    api = ClusterApi(node=True)
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    (found,) = api.must(api.admin.get(path))["items"]
    labels = found["metadata"]["labels"]
    assert (found["metadata"]["name"], labels) == (
        "kubernetes",
        {"kubernetes.io/service-name": "kubernetes"},
    )
    assert found["addressType"] == "IPv4"
    assert found["endpoints"] == [{"addresses": ["172.18.0.2"], "conditions": {"ready": True}}]
    assert found["ports"] == [{"name": "https", "port": 6443, "protocol": "TCP"}]
