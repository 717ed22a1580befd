"""``pods/resize``: what may change and what may not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kube_embedded.apiserver.registry.strategies.pods.resize import refused_as_a_whole
from kube_embedded.tests.support.cluster import ClusterApi, Reply, causes

PODS = "/api/v1/namespaces/lab/pods"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def both(cpu: str, memory: str = "64Mi", **more: str) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": memory, **more}
    return {"requests": amounts, "limits": dict(amounts)}


def make(api: ClusterApi, **metadata: Any) -> Any:
    spec = {
        "containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "100m"}}}],
        "initContainers": [
            {"name": "i", "image": "x", "resources": {"requests": {"cpu": "100m"}}},
            {
                "name": "s",
                "image": "x",
                "restartPolicy": "Always",
                "resources": {"requests": {"cpu": "100m"}},
            },
        ],
    }
    return api.must(api.admin.post(PODS, {"metadata": {"name": "p", **metadata}, "spec": spec}))


def resize(api: ClusterApi, pod: Any, **resources: Any) -> Reply:
    """PUT with other resources of some containers."""
    new = copy.deepcopy(pod)
    for list_name in ("containers", "initContainers"):
        for container in new["spec"][list_name]:
            if container["name"] in resources:
                container["resources"] = resources[container["name"]]
    return api.admin.put(f"{PODS}/p/resize", new)


def test_cpu_and_memory_of_containers_and_sidecars(api: ClusterApi) -> None:
    pod = make(api)
    more = {"requests": {"cpu": "200m", "memory": "1Mi"}}
    made = api.must(resize(api, pod, c=more, s=more))
    assert made["spec"]["containers"][0]["resources"] == more
    assert made["spec"]["initContainers"][1]["resources"] == more
    assert made["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ({"i": {"requests": {"cpu": "100m", "ephemeral-storage": "1Gi"}}},
         [("spec.initContainers[0]",
           "Forbidden: only cpu and memory resources for init or sidecar containers are mutable")]),
        ({"c": {"requests": {"cpu": "100m", "ephemeral-storage": "1Gi"}}},
         [("spec", "Forbidden: only cpu and memory resources are mutable")]),
        ({"s": {"requests": {"cpu": "100m", "ephemeral-storage": "1Gi"}}},
         [("spec.initContainers[1]",
           "Forbidden: only cpu and memory resources for init or sidecar containers are mutable")]),
        ({"c": {"requests": {"memory": "1Mi"}}},
         [("spec.containers[0].resources.requests", "Forbidden: resource requests cannot be removed")]),
    ],
)  # fmt: skip
def test_nothing_else(api: ClusterApi, resources: Any, found: list[tuple[str, str]]) -> None:
    assert causes(resize(api, make(api), **resources)) == found


def test_the_quality_of_service_stays(api: ClusterApi) -> None:
    spec = {"containers": [{"name": "c", "image": "x", "resources": both("100m")}]}
    pod = api.must(
        api.admin.post(PODS, {"metadata": {"name": "p"}, "spec": {**spec, "initContainers": []}})
    )
    pod["spec"].setdefault("initContainers", [])
    burst = {**both("100m"), "limits": {"cpu": "200m", "memory": "64Mi"}}
    assert causes(resize(api, pod, c=burst)) == [
        (
            "spec",
            'Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing',
        )
    ]
    api.must(resize(api, pod, c=both("200m", "32Mi")))


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        ({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}, "spec": {}},
         "static pods cannot be resized"),
        ({"metadata": {}, "spec": {"os": {"name": "windows"}}}, "windows pods cannot be resized"),
        ({"metadata": {}, "spec": {"os": {"name": "linux"}}}, ""),
    ],
)  # fmt: skip
def test_some_pods_never(pod: Any, why: str) -> None:
    assert refused_as_a_whole(pod) == why
