"""``pods/status``: what may be said of a pod."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi, causes

PODS = "/api/v1/namespaces/lab/pods"
HEALTH = 'Unsupported value: "": supported values: "Healthy", "Unhealthy", "Unknown"'
UNKNOWN = "must match the name of an entry in spec.initContainers.name or spec.containers.name"
REQUESTS = "must match one of the container's resource requests"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}
    made.must(made.admin.post(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [container]}}))
    return made


def told(name: str, *resources: Any) -> list[dict[str, Any]]:
    return [{"name": name, "image": "", "imageID": "", "allocatedResourcesStatus": list(resources)}]


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        (
            {"resourceClaimStatuses": [{"name": "a"}]},
            [
                (
                    "resourceClaimStatuses[0].name",
                    'Invalid value: "a": must match the name of an entry in `spec.resourceClaims`',
                )
            ],
        ),
        (
            {"extendedResourceClaimStatus": {"resourceClaimName": "r", "requestMappings": []}},
            [
                (
                    "extendedResourceClaimStatus.requestMappings",
                    "Required value: at least one request mapping is required",
                )
            ],
        ),
        (
            {
                "extendedResourceClaimStatus": {
                    "requestMappings": [{"containerName": "d", "resourceName": "g", "requestName": "r"}]
                }
            },
            [
                (
                    "extendedResourceClaimStatus.requestMappings[0].containerName",
                    f'Invalid value: "d": {UNKNOWN}',
                ),
                ("extendedResourceClaimStatus.resourceClaimName", "Required value"),
            ],
        ),
        (
            {"containerStatuses": told("c", {"name": "gpu"})},
            [("containerStatuses[0].allocatedResourcesStatus[0].name", f'Invalid value: "gpu": {REQUESTS}')],
        ),
        (
            {"containerStatuses": told("c", {"name": "cpu", "resources": [{"resourceID": "1"}]})},
            [("containerStatuses[0].allocatedResourcesStatus[0].resources[0].health", HEALTH)],
        ),
        ({"containerStatuses": told("elsewhere", {"name": "gpu"})}, []),
        (
            {"ephemeralContainerStatuses": told("c", {"name": "cpu"})},
            [
                (
                    "ephemeralContainerStatuses[0].allocatedResourcesStatus",
                    "Forbidden: must not be specified in container status",
                )
            ],
        ),
        ({"hostIP": "x"}, []),
    ],
)
def test_rules(api: ClusterApi, status: Any, wrong: list[tuple[str, str]]) -> None:
    reply = api.admin.patch(f"{PODS}/p/status?dryRun=All", {"status": status})
    assert reply.status == (422 if wrong else 200)
    if wrong:
        assert causes(reply) == [(f"status.{field}", message) for field, message in wrong]


def test_what_is_off_is_not_kept(api: ClusterApi) -> None:
    mount = {"name": "v", "mountPath": "/v", "volumeStatus": {"image": {"imageRef": "x"}}}
    container = {"name": "c", "image": "", "imageID": "", "volumeMounts": [mount]}
    status = {
        "containerStatuses": [container],
        "nodeAllocatableResourceClaimStatuses": [{"resourceClaimName": "x", "resources": {"cpu": "1"}}],
    }
    kept = api.must(api.admin.patch(f"{PODS}/p/status?dryRun=All", {"status": status}))["status"]
    assert "nodeAllocatableResourceClaimStatuses" not in kept
    assert "volumeStatus" not in kept["containerStatuses"][0]["volumeMounts"][0]


def test_an_ephemeral_container_has_no_stop_signal(api: ClusterApi) -> None:
    debugger = {"name": "e", "image": "x", "lifecycle": {"stopSignal": "SIGTERM"}}
    body = {"spec": {"ephemeralContainers": [debugger]}}
    pod = api.must(api.admin.patch(f"{PODS}/p/ephemeralcontainers?dryRun=All", body))
    assert "lifecycle" not in pod["spec"]["ephemeralContainers"][0]
