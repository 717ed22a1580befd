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
