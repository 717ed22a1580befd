"""What storage drivers tell of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi, causes

STORAGE = "/apis/storage.k8s.io/v1"
DRIVERS, NODES, ATTACHMENTS = (
    f"{STORAGE}/{name}" for name in ("csidrivers", "csinodes", "volumeattachments")
)
CLASSES, CAPACITIES = (
    f"{STORAGE}/volumeattributesclasses",
    f"{STORAGE}/namespaces/lab/csistoragecapacities",
)
IMMUTABLE = "field is immutable"


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
    assert "generation" not in made["metadata"]
    changed = api.must(
        api.admin.patch(f"{DRIVERS}/d.example.com", {"spec": {"podInfoOnMount": True}})
    )
    assert changed["metadata"]["generation"] == 1
    assert api.must(api.admin.delete(f"{DRIVERS}/d.example.com"))["kind"] == "CSIDriver"


def test_an_update_of_a_driver_names_its_version(api: ClusterApi) -> None:
    body = {"metadata": {"name": "d"}, "spec": {}}
    api.must(api.admin.post(DRIVERS, body))
    assert causes(api.admin.put(f"{DRIVERS}/d", body)) == [
        ("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
    ]


def test_a_field_behind_a_closed_gate_is_dropped(api: ClusterApi) -> None:
    gated = {"spec": {"preventPodSchedulingIfMissing": True}}
    made = api.must(api.admin.post(DRIVERS, {"metadata": {"name": "d"}, **gated}))
    changed = api.must(api.admin.patch(f"{DRIVERS}/d", gated))
    assert "preventPodSchedulingIfMissing" not in {**made["spec"], **changed["spec"]}
    assert "generation" not in changed["metadata"]


def test_a_cluster_with_a_node_knows_its_drivers() -> None:
    api = ClusterApi(node=True)
    made = api.must(api.admin.get(f"{NODES}/labkit"))
    node = api.must(api.admin.get("/api/v1/nodes/labkit"))
    assert made["spec"] == {"drivers": None}
    assert made["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Node", "name": "labkit", "uid": node["metadata"]["uid"]}
    ]
    plugins = made["metadata"]["annotations"]["storage.alpha.kubernetes.io/migrated-plugins"].split(
        ","
    )
    assert plugins[0] == "kubernetes.io/aws-ebs"
    assert plugins == sorted(plugins)
    api.must(api.admin.delete("/api/v1/nodes/labkit"))
    assert api.admin.get(f"{NODES}/labkit").status == 404


def test_drivers_of_a_node(api: ClusterApi) -> None:
    driver: dict[str, Any] = {"name": "a.b", "nodeID": "x", "topologyKeys": ["k"]}
    api.must(api.admin.post(NODES, {"metadata": {"name": "n"}, "spec": {"drivers": [driver]}}))
    counted = [
        {**driver, "allocatable": {"count": 3}},
        {"name": "c.d", "nodeID": "y", "topologyKeys": None},
    ]
    api.must(api.admin.patch(f"{NODES}/n", {"spec": {"drivers": counted}}))
    bad = [{"name": "a", "nodeID": ""}, {"name": "a", "nodeID": "x", "allocatable": {"count": -1}}]
    found = causes(api.admin.post(NODES, {"metadata": {"name": "m"}, "spec": {"drivers": bad}}))
    assert [field for field, _ in found] == [
        "spec.drivers[0].nodeID",
        "spec.drivers[1].allocatable.count",
        "spec.drivers[1].name",
    ]
    assert found[2][1] == 'Duplicate value: "a"'
    assert api.must(api.admin.delete(f"{NODES}/n"))["kind"] == "CSINode"


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


@pytest.mark.parametrize(
    ("source", "field", "message"),
    [
        (
            {},
            "spec.source",
            "Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
        ),
        (
            {"persistentVolumeName": "pv", "inlineVolumeSpec": {}},
            "spec.source",
            "Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
        ),
    ],
)
def test_an_attachment_has_one_source(
    api: ClusterApi, source: object, field: str, message: str
) -> None:
    spec = {"attacher": "a.b", "nodeName": "n", "source": source}
    assert causes(api.admin.post(ATTACHMENTS, {"metadata": {"name": "v"}, "spec": spec})) == [
        (field, message)
    ]


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


def test_only_changed_token_requests_are_warned_of(api: ClusterApi) -> None:
    path = f"{DRIVERS}/w"
    made = api.admin.post(
        DRIVERS, {"metadata": {"name": "w"}, "spec": {"tokenRequests": [{"audience": "a"}]}}
    )
    assert made.warnings[0].startswith("spec.serviceAccountTokenInSecrets is unset")
    assert api.admin.patch(path, {"metadata": {"labels": {"a": "b"}}}).warnings == ()
    assert (
        api.admin.patch(path, {"spec": {"tokenRequests": [{"audience": "b"}]}}).warnings
        == made.warnings
    )
