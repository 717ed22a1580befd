"""The objects that a node brings into a cluster, and which of them come back with a restart."""

from __future__ import annotations

from kube_embedded.apiserver.storage import Store
from kube_embedded.cluster import Cluster
from kube_embedded.tests.node.pods import ADMIN
from kube_embedded.tests.support.cluster import Caller, Clock, keys

NODE = "/api/v1/nodes/kube-embedded"
STORAGE_NODE = "/apis/storage.k8s.io/v1/csinodes/kube-embedded"
ENDPOINTS = "/api/v1/namespaces/default/endpoints/kubernetes"
SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
DNS = "/api/v1/namespaces/kube-system/services/kube-dns"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/kube-embedded"


def started(store: Store, *, node: bool = True) -> Caller:
    """An administrator of a cluster that has just started."""
    return Caller(Cluster(keys(), store, clock=Clock(), node=node), ADMIN)


def test_a_new_cluster_has_a_node_and_what_belongs_to_it() -> None:
    admin = started(Store())
    node = admin.get(NODE).body
    assert {one["type"]: one["status"] for one in node["status"]["conditions"]} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    assert node["status"]["addresses"][0] == {"type": "InternalIP", "address": "172.18.0.2"}
    storage = admin.get(STORAGE_NODE).body["metadata"]
    assert storage["ownerReferences"] == [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "name": "kube-embedded",
            "uid": node["metadata"]["uid"],
        }
    ]
    port = {"name": "https", "port": 6443, "protocol": "TCP"}
    assert admin.get(ENDPOINTS).body["subsets"] == [
        {"addresses": [{"ip": "172.18.0.2"}], "ports": [port]}
    ]
    assert admin.get(SLICE).body["ports"] == [port]
    dns = admin.get(DNS).body["spec"]
    assert dns["clusterIP"] == "10.96.0.10"
    assert [(one["port"], one["protocol"]) for one in dns["ports"]] == [
        (53, "UDP"),
        (53, "TCP"),
        (9153, "TCP"),
    ]


def test_who_has_made_them() -> None:
    admin = started(Store())
    for path, managers in (
        (NODE, {"kubelet", "kube-controller-manager"}),
        (STORAGE_NODE, {"kubelet"}),
        (LEASE, {"kubelet"}),
        (ENDPOINTS, {"kube-apiserver"}),
        (SLICE, {"kube-apiserver"}),
        (DNS, {"kubeadm"}),
    ):
        managed = admin.get(path).body["metadata"]["managedFields"]
        assert {entry["manager"] for entry in managed} == managers, path


def test_a_restart_brings_back_the_node_and_not_what_a_learner_deleted() -> None:
    store = Store()
    admin = started(store)
    for path in (STORAGE_NODE, LEASE, ENDPOINTS, SLICE, DNS):
        assert admin.delete(path).status == 200
    admin = started(store)
    assert [admin.get(path).status for path in (STORAGE_NODE, LEASE)] == [200, 200]
    assert [admin.get(path).status for path in (ENDPOINTS, SLICE, DNS)] == [404, 404, 404]
    assert admin.delete(NODE).status == 200
    admin = started(store)
    assert [admin.get(path).status for path in (NODE, ENDPOINTS, SLICE, DNS)] == [200] * 4


def test_without_a_node_there_is_none_of_it() -> None:
    admin = started(Store(), node=False)
    for path in (NODE, STORAGE_NODE, LEASE, ENDPOINTS, SLICE, DNS):
        assert admin.get(path).status == 404
