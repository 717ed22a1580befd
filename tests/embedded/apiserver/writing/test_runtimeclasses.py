"""Runtime classes, and what they add to pods."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded.apiserver.admission.pods import merged_tolerations
from tests.support.cluster import ClusterApi, causes

CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
PODS = "/api/v1/namespaces/lab/pods"


def runtime(api: ClusterApi, name: str, **more: Any) -> Any:
    return api.must(api.admin.post(CLASSES, {"metadata": {"name": name}, "handler": "runc", **more}))


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def test_rules(api: ClusterApi) -> None:
    twice = {"key": "x", "operator": "Exists"}
    body = {
        "metadata": {"name": "r"},
        "handler": "R_",
        "overhead": {"podFixed": {"cpu": "-1"}},
        "scheduling": {"nodeSelector": {"a b": "c"}, "tolerations": [twice, twice, {"operator": "Equal"}]},
    }
    assert [field for field, _ in causes(api.admin.post(CLASSES, body))] == [
        "handler",
        "overhead.limits[cpu]",
        "scheduling.nodeSelector",
        "scheduling.tolerations[2].operator",
        "scheduling.tolerations[1]",
    ]
    runtime(api, "r")
    assert causes(api.admin.patch(f"{CLASSES}/r", {"handler": "other"})) == [
        ("handler", 'Invalid value: "other": field is immutable')
    ]
    assert api.admin.put(f"{CLASSES}/new", {"metadata": {"name": "new"}, "handler": "x"}).status == 201


def test_a_pods_class_must_exist(api: ClusterApi) -> None:
    refused = api.admin.post(PODS, pod(runtimeClassName="nope"))
    assert (refused.status, refused.message) == (
        403,
        'pods "p" is forbidden: pod rejected: RuntimeClass "nope" not found',
    )


def test_a_class_adds_overhead_and_scheduling(api: ClusterApi) -> None:
    overhead = {"cpu": "250m", "memory": "120Mi"}
    scheduling = {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "q", "operator": "Exists"}]}
    runtime(api, "r", overhead={"podFixed": overhead}, scheduling=scheduling)
    spec = api.must(api.admin.post(PODS, pod(runtimeClassName="r", nodeSelector={"z": "y"})))["spec"]
    assert spec["overhead"] == overhead
    assert spec["nodeSelector"] == {"a": "b", "z": "y"}
    assert {"key": "q", "operator": "Exists"} in spec["tolerations"]
    mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
    assert mismatch in api.admin.post(PODS, pod(runtimeClassName="r", overhead={"cpu": "1"})).message
    conflict = "conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = c"
    assert conflict in api.admin.post(PODS, pod(runtimeClassName="r", nodeSelector={"a": "c"})).message


def test_overhead_comes_from_a_class(api: ClusterApi) -> None:
    refused = api.admin.post(PODS, pod(overhead={"cpu": "1"}))
    assert "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead" in refused.message


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ([{"key": "a", "operator": "Equal", "value": "1"}], [{"key": "a", "operator": "Exists"}], [1]),
        ([{"operator": "Exists"}], [{"key": "a", "operator": "Exists", "effect": "NoExecute"}], [0]),
        ([{"key": "a", "operator": "Exists"}], [{"key": "b", "operator": "Exists"}], [0, 1]),
        ([{"key": "a", "operator": "Exists"}], [{"key": "a", "operator": "Exists"}], [0]),
        (
            [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
            [{"key": "a", "operator": "Exists", "effect": "NoExecute"}],
            [1],
        ),
        (
            [{"key": "a", "operator": "Equal", "value": "1"}],
            [{"key": "a", "operator": "Equal", "value": "2"}],
            [0, 1],
        ),
    ],
)
def test_what_covers_another_stays(first: list[Any], second: list[Any], merged: list[int]) -> None:
    both = [*first, *second]
    assert merged_tolerations(first, second) == [both[index] for index in merged]
