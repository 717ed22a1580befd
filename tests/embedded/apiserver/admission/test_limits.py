"""LimitRanges: defaults, and the four ways to be outside of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi, Reply

LAB = "/api/v1/namespaces/lab"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def limit(api: ClusterApi, **limits: Any) -> None:
    body = {"metadata": {"name": "lr"}, "spec": {"limits": [{"type": "Container", **limits}]}}
    api.must(api.admin.post(f"{LAB}/limitranges", body))


def pod(api: ClusterApi, *containers: dict[str, Any]) -> Reply:
    made = [{"name": f"c{number}", "image": "x", "resources": one} for number, one in enumerate(containers)]
    return api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": {"containers": made}})


def test_defaults_are_filled_in_and_written_down(api: ClusterApi) -> None:
    limit(api, default={"cpu": "200m", "memory": "1Gi"}, defaultRequest={"cpu": "100m"})
    made = api.must(pod(api, {}, {"requests": {"cpu": "50m", "memory": "1Mi"}}))
    first, second = (container["resources"] for container in made["spec"]["containers"])
    assert first == {"limits": {"cpu": "200m", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}}
    assert second["requests"] == {"cpu": "50m", "memory": "1Mi"}
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; "
        "cpu, memory limit for container c1"
    )
    assert made["status"]["qosClass"] == "Burstable"


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({"limits": {"cpu": "2"}}, "maximum cpu usage per Container is 1, but limit is 2"),
        ({"requests": {"cpu": "1m"}}, "minimum cpu usage per Container is 10m, but request is 1m"),
        (
            {"limits": {"cpu": "900m"}, "requests": {"cpu": "20m"}},
            "cpu max limit to request ratio per Container is 4, but provided ratio is 45.000000",
        ),
    ],
)
def test_a_pod_outside_of_the_range_is_forbidden(api: ClusterApi, resources: dict[str, Any], why: str) -> None:
    limit(api, min={"cpu": "10m"}, max={"cpu": "1"}, default={"cpu": "1"})
    if "ratio" in why:
        body = {
            "metadata": {"name": "more"},
            "spec": {"limits": [{"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}}]},
        }
        api.must(api.admin.post(f"{LAB}/limitranges", body))
    refused = pod(api, resources)
    assert refused.status == 403
    assert refused.body["reason"] == "Forbidden"
    assert refused.message.startswith('pods "p" is forbidden: ')
    assert why in refused.message


def test_a_pod_is_measured_as_a_whole(api: ClusterApi) -> None:
    body = {"metadata": {"name": "lr"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "1", "memory": "1Gi"}}]}}
    api.must(api.admin.post(f"{LAB}/limitranges", body))
    refused = pod(api, {"limits": {"cpu": "600m"}}, {"limits": {"cpu": "600m"}})
    assert refused.message == (
        'pods "p" is forbidden: [maximum cpu usage per Pod is 1, but limit is 1200m, '
        "maximum memory usage per Pod is 1Gi.  No limit is specified]"
    )


def test_a_claim_is_measured_by_its_request(api: ClusterApi) -> None:
    limits = [{"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}]
    api.must(api.admin.post(f"{LAB}/limitranges", {"metadata": {"name": "lr"}, "spec": {"limits": limits}}))

    def claim(size: str) -> Reply:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        return api.admin.post(f"{LAB}/persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": spec})

    start = 'persistentvolumeclaims "c" is forbidden: '
    assert claim("3Gi").message == f"{start}maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"
    assert claim("1Mi").message == f"{start}minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"
    assert claim("1Gi").status == 201


def pod_limit(api: ClusterApi, **limits: Any) -> None:
    body = {"metadata": {"name": "whole"}, "spec": {"limits": [{"type": "Pod", **limits}]}}
    api.must(api.admin.post(f"{LAB}/limitranges", body))


def test_the_sum_of_a_pod_is_shown_in_its_first_containers_form(api: ClusterApi) -> None:
    pod_limit(api, max={"memory": "1Gi"})
    refused = pod(api, {"limits": {"memory": "512Mi"}}, {"limits": {"memory": "600M"}})
    assert refused.message.endswith("maximum memory usage per Pod is 1Gi, but limit is 1136870912")
    refused = pod(api, {"limits": {"memory": "600Mi"}}, {"limits": {"memory": "600Mi"}})
    assert refused.message.endswith("maximum memory usage per Pod is 1Gi, but limit is 1200Mi")


def test_a_pod_that_asks_as_a_whole(api: ClusterApi) -> None:
    pod_limit(api, max={"cpu": "1"})
    spec = {"containers": [{"name": "c", "image": "x"}], "resources": {"limits": {"cpu": "2"}}}
    refused = api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": spec})
    assert refused.message.endswith("maximum cpu usage per Pod is 1, but limit is 2")


def test_a_resize_is_held_to_the_range(api: ClusterApi) -> None:
    api.must(pod(api, {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}}))
    limit(api, max={"cpu": "500m"})
    spec = {"containers": [{"name": "c0", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "2"}}}]}
    refused = api.admin.call(
        "PATCH",
        f"{LAB}/pods/p/resize",
        {"spec": spec},
        headers={"content-type": "application/strategic-merge-patch+json"},
    )
    assert (refused.status, refused.message.rpartition(": ")[2]) == (
        403,
        "maximum cpu usage per Container is 500m, but limit is 2",
    )


def test_a_claim_that_grows_is_held_to_the_range_until_it_ends(api: ClusterApi) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kept = {"name": "c", "finalizers": ["example.com/kept"]}
    api.must(api.admin.post(f"{LAB}/persistentvolumeclaims", {"metadata": kept, "spec": spec}))
    bounds = {"type": "PersistentVolumeClaim", "max": {"storage": "500Mi"}}
    api.must(api.admin.post(f"{LAB}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [bounds]}}))
    path, change = f"{LAB}/persistentvolumeclaims/c", {"metadata": {"labels": {"a": "b"}}}
    assert api.admin.patch(path, change).message.endswith(
        "maximum storage usage per PersistentVolumeClaim is 500Mi, but request is 1Gi"
    )
    assert api.must(api.admin.delete(path))["metadata"]["deletionTimestamp"]
    api.must(api.admin.patch(path, change))
