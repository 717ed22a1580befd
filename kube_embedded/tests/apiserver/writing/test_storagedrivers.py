"""What storage drivers tell of themselves."""

from __future__ import annotations

from kube_embedded.tests.support.cluster import ClusterApi

STORAGE = "/apis/storage.k8s.io/v1"
DRIVERS, NODES, ATTACHMENTS = (
    f"{STORAGE}/{name}" for name in ("csidrivers", "csinodes", "volumeattachments")
)
CLASSES, CAPACITIES = (
    f"{STORAGE}/volumeattributesclasses",
    f"{STORAGE}/namespaces/lab/csistoragecapacities",
)


def test_a_driver_gets_its_defaults(api: ClusterApi) -> None:
    made = api.must(api.admin.post(DRIVERS, {"metadata": {"name": "d.example.com"}, "spec": {}}))
    assert made["spec"] == {
        "attachRequired": True,
        "podInfoOnMount": False,
        "volumeLifecycleModes": ["Persistent"],
        "storageCapacity": False,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "requiresRepublish": False,
        "seLinuxMount": False,
    }
    assert api.must(api.admin.delete(f"{DRIVERS}/d.example.com"))["kind"] == "CSIDriver"


def test_a_cluster_with_a_node_knows_its_drivers() -> None:
    api = ClusterApi(node=True)
    made = api.must(api.admin.get(f"{NODES}/kube-embedded"))
    node = api.must(api.admin.get("/api/v1/nodes/kube-embedded"))
    assert made["spec"] == {"drivers": None}
    assert made["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "name": "kube-embedded",
            "uid": node["metadata"]["uid"],
        }
    ]
    plugins = made["metadata"]["annotations"]["storage.alpha.kubernetes.io/migrated-plugins"].split(
        ","
    )
    assert plugins[0] == "kubernetes.io/aws-ebs"
    assert plugins == sorted(plugins)
    api.must(api.admin.delete("/api/v1/nodes/kube-embedded"))
    assert api.admin.get(f"{NODES}/kube-embedded").status == 404


def test_attachments(api: ClusterApi) -> None:
    spec = {"attacher": "a.b", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}
    body = {"metadata": {"name": "v"}, "spec": spec, "status": {"attached": True}}
    assert api.must(api.admin.post(ATTACHMENTS, body))["status"] == {"attached": False}
    error = {"message": "x", "errorCode": 3}
    status = api.must(
        api.admin.patch(f"{ATTACHMENTS}/v/status", {"status": {"attachError": error}})
    )["status"]
    assert status == {"attached": False, "attachError": {"time": None, **error}}
    assert api.must(api.admin.delete(f"{ATTACHMENTS}/v"))["spec"] == spec


def test_capacities(api: ClusterApi) -> None:
    body = {"metadata": {"name": "c"}, "storageClassName": "fast", "capacity": "1Gi"}
    api.must(api.admin.post(CAPACITIES, body))
    api.must(api.admin.patch(f"{CAPACITIES}/c", {"capacity": "2Gi"}))


def test_a_class_of_attributes_stays_while_it_is_used(api: ClusterApi) -> None:
    classes, volumes = (
        "/apis/storage.k8s.io/v1/volumeattributesclasses",
        "/api/v1/persistentvolumes",
    )
    made = api.must(
        api.admin.post(
            classes, {"metadata": {"name": "fast"}, "driverName": "a.b", "parameters": {"a": "b"}}
        )
    )
    assert made["metadata"]["finalizers"] == ["kubernetes.io/vac-protection"]
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": "a.b", "volumeHandle": "v"},
        "volumeAttributesClassName": "fast",
    }
    api.must(api.admin.post(volumes, {"metadata": {"name": "pv"}, "spec": spec}))
    api.must(api.admin.delete(f"{classes}/fast"))
    assert "deletionTimestamp" in api.must(api.admin.get(f"{classes}/fast"))["metadata"]
    api.must(api.admin.delete(f"{volumes}/pv"))
    assert api.admin.get(f"{classes}/fast").status == 404
