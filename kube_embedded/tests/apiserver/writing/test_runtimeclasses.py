"""Runtime classes, and pods that name one."""

from __future__ import annotations

from typing import Any

from kube_embedded.tests.support.cluster import ClusterApi

CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
PODS = "/api/v1/namespaces/lab/pods"


def runtime(api: ClusterApi, name: str, **more: Any) -> Any:
    return api.must(
        api.admin.post(CLASSES, {"metadata": {"name": name}, "handler": "runc", **more})
    )


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
    }


def test_a_pods_class_must_exist(api: ClusterApi) -> None:
    refused = api.admin.post(PODS, pod(runtimeClassName="nope"))
    assert (refused.status, refused.message) == (
        403,
        'pods "p" is forbidden: pod rejected: RuntimeClass "nope" not found',
    )


def test_a_class_adds_nothing(api: ClusterApi) -> None:
    runtime(
        api, "r", overhead={"podFixed": {"cpu": "250m"}}, scheduling={"nodeSelector": {"a": "b"}}
    )
    spec = api.must(api.admin.post(PODS, pod(runtimeClassName="r", nodeSelector={"z": "y"})))[
        "spec"
    ]
    assert (spec["runtimeClassName"], spec["nodeSelector"]) == ("r", {"z": "y"})
    assert "overhead" not in spec


def test_overhead_comes_from_a_class(api: ClusterApi) -> None:
    refused = api.admin.post(PODS, pod(overhead={"cpu": "1"}))
    assert (
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        in refused.message
    )
