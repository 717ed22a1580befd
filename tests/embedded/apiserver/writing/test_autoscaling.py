"""Autoscalers: stored in version 2, and seen in version 1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.cluster import ClusterApi, causes

V1 = "/apis/autoscaling/v1/namespaces/lab/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/lab/horizontalpodautoscalers"
TARGET = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
NOTES = "autoscaling.alpha.kubernetes.io/"
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}


def autoscaler(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec}}


def test_version_1_is_a_view_of_version_2(api: ClusterApi) -> None:
    made = api.must(api.admin.post(V1, autoscaler()))
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


def test_what_version_1_lacks_is_in_annotations(api: ClusterApi) -> None:
    metrics = [
        {
            "type": "Resource",
            "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "100Mi"}},
        },
        {"type": "Pods", "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "5"}}},
    ]
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 5}}
    made = api.must(api.admin.post(V2, autoscaler(metrics=metrics, behavior=behavior)))
    assert made["spec"]["behavior"] == {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 15},
                {"type": "Percent", "value": 100, "periodSeconds": 15},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": 5,
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        },
    }
    seen = api.must(api.admin.get(f"{V1}/web"))
    notes = seen["metadata"]["annotations"]
    assert json.loads(notes[f"{NOTES}metrics"]) == metrics
    assert json.loads(notes[f"{NOTES}behavior"]) == made["spec"]["behavior"]
    assert "targetCPUUtilizationPercentage" not in seen["spec"]
    api.must(api.admin.patch(f"{V1}/web", {"spec": {"targetCPUUtilizationPercentage": 55}}))
    after = api.must(api.admin.get(f"{V2}/web"))
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}}}
    assert after["spec"]["metrics"] == [*metrics, cpu]
    assert after["spec"]["behavior"] == made["spec"]["behavior"]
    assert "annotations" not in after["metadata"]


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


def test_what_can_be_scaled(api: ClusterApi) -> None:
    target = {"kind": "ReplicationController", "name": "rc", "apiVersion": "v1"}
    spec = {"maxReplicas": 3, "scaleTargetRef": target}
    api.must(api.admin.post(V2, {"metadata": {"name": "rc"}, "spec": spec}))
    why = [("spec.scaleTargetRef.apiVersion", 'Invalid value: "v1": apiVersion must specify API group')]
    assert causes(api.admin.patch(f"{V2}/rc", {"spec": {"scaleTargetRef": {**target, "kind": "Pod"}}})) == why


def test_rules(api: ClusterApi) -> None:
    assert causes(api.admin.post(V1, {"metadata": {"name": "x"}, "spec": {}})) == [
        ("spec.maxReplicas", "Required value: must be set and greater than 0"),
        ("spec.maxReplicas", "Invalid value: 0: must be greater than or equal to `minReplicas`"),
        ("spec.scaleTargetRef.kind", "Required value"),
        ("spec.scaleTargetRef.name", "Required value"),
        ("spec.scaleTargetRef.apiVersion", 'Invalid value: "": apiVersion must specify API group'),
    ]
    assert causes(api.admin.post(V2, autoscaler(minReplicas=0))) == [
        ("spec.minReplicas", "Invalid value: 0: must be greater than or equal to 1"),
    ]


@pytest.mark.parametrize(
    "metric",
    [
        {
            "type": "Object",
            "object": {
                "describedObject": {"kind": "Service", "name": "s"},
                "target": {"type": "Value", "value": "3"},
                "metric": {"name": "m", "selector": {"matchLabels": {"a": "b"}}},
            },
        },
        {"type": "External", "external": {"metric": {"name": "m"}, "target": {"type": "Value", "value": "3"}}},
        {
            "type": "External",
            "external": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "3"}},
        },
        {
            "type": "ContainerResource",
            "containerResource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 7},
                "container": "main",
            },
        },
    ],
    ids=lambda metric: metric["type"],
)
def test_every_metric_survives_version_1(api: ClusterApi, metric: dict[str, Any]) -> None:
    api.must(api.admin.post(V2, autoscaler(metrics=[metric])))
    seen = api.must(api.admin.get(f"{V1}/web"))
    seen["metadata"]["labels"] = {"a": "b"}
    api.must(api.admin.put(f"{V1}/web", seen))
    after = api.must(api.admin.get(f"{V2}/web"))
    assert after["spec"]["metrics"] == [metric]
    assert after["metadata"]["labels"] == {"a": "b"}


def test_measured_metrics_and_conditions_survive_version_1(api: ClusterApi) -> None:
    api.must(api.admin.post(V2, autoscaler()))
    current = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageValue": "10m", "averageUtilization": 5}},
        },
        {"type": "Pods", "pods": {"metric": {"name": "q"}, "current": {"averageValue": "1"}}},
        {"type": "External", "external": {"metric": {"name": "q"}, "current": {"value": "1", "averageValue": "2"}}},
        {
            "type": "Object",
            "object": {
                "metric": {"name": "q"},
                "current": {"value": "1"},
                "describedObject": {"kind": "Service", "name": "s"},
            },
        },
    ]
    conditions = [{"type": "AbleToScale", "status": "True", "lastTransitionTime": None}]
    status = {"desiredReplicas": 1, "currentMetrics": current, "conditions": conditions}
    api.must(api.admin.patch(f"{V2}/web/status", {"status": status}))
    seen = api.must(api.admin.get(f"{V1}/web"))
    assert seen["status"]["currentCPUUtilizationPercentage"] == 5
    assert json.loads(seen["metadata"]["annotations"][f"{NOTES}conditions"])[0]["type"] == "AbleToScale"
    api.must(api.admin.call("PUT", f"{V1}/web/status", seen))
    assert api.must(api.admin.get(f"{V2}/web"))["status"]["currentMetrics"] == current


@pytest.mark.parametrize("metrics", ["{", "[1]", '[{"type":"Pods","pods":{"metric":3}}]', '{"a":1}', "7"])
@pytest.mark.parametrize("behavior", ["[]", '{"scaleUp":{"policies":3}}', '{"scaleUp":{"policies":[3]}}'])
def test_annotations_that_make_no_sense_are_dropped(api: ClusterApi, metrics: str, behavior: str) -> None:
    body = autoscaler()
    notes = {f"{NOTES}metrics": metrics, f"{NOTES}behavior": behavior, "mine": "1"}
    body["metadata"]["annotations"] = notes | {f"{NOTES}conditions": "[1]", f"{NOTES}current-metrics": "[1]"}
    api.must(api.admin.post(V1, body))
    stored = api.must(api.admin.get(f"{V2}/web"))
    assert stored["metadata"]["annotations"] == {"mine": "1"}
    assert stored["spec"]["metrics"] == [CPU]


def test_what_another_version_owned_is_lost_with_a_change(api: ClusterApi) -> None:
    made = api.must(api.admin.post(f"{V2}?fieldManager=first", autoscaler(metrics=[CPU])))
    assert "f:metrics" in made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    change = {"spec": {"targetCPUUtilizationPercentage": 55}}
    after = api.must(api.admin.patch(f"{V1}/web?fieldManager=second", change))
    owned = {entry["manager"]: entry["fieldsV1"]["f:spec"] for entry in after["metadata"]["managedFields"]}
    assert owned["second"] == {"f:targetCPUUtilizationPercentage": {}}
    assert "f:metrics" not in owned["first"]
    assert "f:maxReplicas" in owned["first"]
