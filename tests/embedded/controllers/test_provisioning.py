"""Claims without a volume: what a control plane without drivers tells of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi

LAB = "/api/v1/namespaces/lab"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
PROVISIONER = "storage-provisioner"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    for name, provisioner, mode in (
        ("late", "example.com/x", "WaitForFirstConsumer"),
        ("soon", "example.com/x", "Immediate"),
        ("none", "kubernetes.io/no-provisioner", "Immediate"),
    ):
        body = {"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode}
        made.must(made.admin.post(CLASSES, body))
    return made


def claim(api: ClusterApi, **spec: Any) -> Any:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    api.must(api.admin.post(f"{LAB}/persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": spec}))
    return api.must(api.admin.get(f"{LAB}/persistentvolumeclaims/c"))


def events(api: ClusterApi) -> list[tuple[str, str, str]]:
    items = api.must(api.admin.get(f"{LAB}/events"))["items"]
    return [(item["type"], item["reason"], item["message"]) for item in items]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("", ("Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set")),
        ("ghost", ("Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "ghost" not found')),
    ],
)
def test_why_a_claim_waits(api: ClusterApi, name: str, event: tuple[str, str, str]) -> None:
    made = claim(api, storageClassName=name)
    assert made["status"] == {"phase": "Pending"}
    assert events(api) == [event]


@pytest.mark.parametrize("node", ["", "n1"])
def test_a_claim_stays_for_a_pod_that_has_a_node_only(api: ClusterApi, node: str) -> None:
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    spec = {"containers": [{"name": "c", "image": "x"}], "volumes": [volume], "nodeName": node}
    claim(api, storageClassName="late")
    api.must(api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": spec}))
    api.must(api.admin.delete(f"{LAB}/persistentvolumeclaims/c"))
    assert api.admin.get(f"{LAB}/persistentvolumeclaims/c").status == (200 if node else 404)


def test_nothing_is_told_of_a_claim_that_is_bound(api: ClusterApi) -> None:
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    api.must(api.admin.post("/api/v1/persistentvolumes", {"metadata": {"name": "v"}, "spec": spec}))
    assert claim(api, storageClassName="")["status"]["phase"] == "Bound"
    assert events(api) == []
