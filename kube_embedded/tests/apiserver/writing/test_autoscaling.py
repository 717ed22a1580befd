"""Autoscalers: stored in version 2, and seen in version 1."""

from __future__ import annotations

from typing import Any

from kube_embedded.tests.support.cluster import ClusterApi

V1 = "/apis/autoscaling/v1/namespaces/lab/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/lab/horizontalpodautoscalers"
TARGET = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def autoscaler(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec},
    }


def test_version_1_is_a_view_of_version_2(api: ClusterApi) -> None:
    made = api.must(api.admin.post(V1, autoscaler(targetCPUUtilizationPercentage=80)))
    assert made["spec"] == {
        "scaleTargetRef": TARGET,
        "minReplicas": 1,
        "maxReplicas": 3,
        "targetCPUUtilizationPercentage": 80,
    }
    assert made["status"] == {"currentReplicas": 0, "desiredReplicas": 0}
    owned = made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    assert "f:targetCPUUtilizationPercentage" in owned
    stored = api.must(api.admin.get(f"{V2}/web"))
    assert stored["spec"]["metrics"] == [CPU]
    assert stored["status"] == {"desiredReplicas": 0, "currentMetrics": None}


def test_version_1_shows_and_keeps_one_metric(api: ClusterApi) -> None:
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "100Mi"}}
    metrics = [{"type": "Resource", "resource": memory}, CPU]
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 5}}
    made = api.must(api.admin.post(V2, autoscaler(metrics=metrics, behavior=behavior)))
    assert made["spec"]["behavior"] == behavior
    seen = api.must(api.admin.get(f"{V1}/web"))
    assert seen["spec"]["targetCPUUtilizationPercentage"] == 80
    assert "annotations" not in seen["metadata"]
    api.must(api.admin.patch(f"{V1}/web", {"spec": {"targetCPUUtilizationPercentage": 55}}))
    after = api.must(api.admin.get(f"{V2}/web"))
    cpu = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}},
    }
    assert after["spec"]["metrics"] == [cpu]
    assert "behavior" not in after["spec"]


def test_status_in_both_versions(api: ClusterApi) -> None:
    api.must(api.admin.post(V1, autoscaler()))
    status = {"currentReplicas": 2, "desiredReplicas": 2, "currentCPUUtilizationPercentage": 5}
    seen = api.must(api.admin.patch(f"{V1}/web/status", {"status": status}))
    assert seen["status"] == status
    assert api.must(api.admin.get(f"{V2}/web"))["status"]["currentMetrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 5}}}
    ]
    ignored = api.must(api.admin.patch(f"{V2}/web", {"status": {"currentReplicas": 9}}))
    assert ignored["status"]["currentReplicas"] == 2


def test_what_another_version_owned_is_lost_with_a_change(api: ClusterApi) -> None:
    made = api.must(api.admin.post(f"{V2}?fieldManager=first", autoscaler(metrics=[CPU])))
    assert "f:metrics" in made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    change = {"spec": {"targetCPUUtilizationPercentage": 55}}
    after = api.must(api.admin.patch(f"{V1}/web?fieldManager=second", change))
    owned = {
        entry["manager"]: entry["fieldsV1"]["f:spec"]
        for entry in after["metadata"]["managedFields"]
    }
    assert owned["second"] == {"f:targetCPUUtilizationPercentage": {}}
    assert "f:metrics" not in owned["first"]
    assert "f:maxReplicas" in owned["first"]
