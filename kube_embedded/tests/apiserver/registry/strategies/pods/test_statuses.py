"""``pods/status``: what may be said of a pod."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, causes

PODS = "/api/v1/namespaces/lab/pods"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}
    made.must(
        made.admin.post(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [container]}})
    )
    return made


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        ({"observedGeneration": -1}, ["observedGeneration"]),
        ({"conditions": [{"type": "a b", "status": "True", "observedGeneration": -1}]},
         ["conditions[0].observedGeneration", "conditions[0].Type"]),
        ({"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]}, ["podIPs"]),
        ({"hostIP": "10.0.0.1", "hostIPs": [{"ip": "10.0.0.2"}]}, ["hostIPs[0].ip"]),
        ({"nominatedNodeName": "A_B"}, ["nominatedNodeName"]),
        ({"hostIP": "x"}, []),
    ],
)  # fmt: skip
def test_rules(api: ClusterApi, status: Any, wrong: list[str]) -> None:
    reply = api.admin.patch(f"{PODS}/p/status?dryRun=All", {"status": status})
    assert reply.status == (422 if wrong else 200)
    if wrong:
        assert [field for field, _ in causes(reply)] == [f"status.{field}" for field in wrong]


def test_what_is_off_is_not_kept(api: ClusterApi) -> None:
    mount = {"name": "v", "mountPath": "/v", "volumeStatus": {"image": {"imageRef": "x"}}}
    container = {"name": "c", "image": "", "imageID": "", "volumeMounts": [mount]}
    status = {
        "containerStatuses": [container],
        "nodeAllocatableResourceClaimStatuses": [
            {"resourceClaimName": "x", "resources": {"cpu": "1"}}
        ],
    }
    kept = api.must(api.admin.patch(f"{PODS}/p/status?dryRun=All", {"status": status}))["status"]
    assert "nodeAllocatableResourceClaimStatuses" not in kept
    assert "volumeStatus" not in kept["containerStatuses"][0]["volumeMounts"][0]


def test_an_ephemeral_container_has_no_stop_signal(api: ClusterApi) -> None:
    debugger = {"name": "e", "image": "x", "lifecycle": {"stopSignal": "SIGTERM"}}
    body = {"spec": {"ephemeralContainers": [debugger]}}
    pod = api.must(api.admin.patch(f"{PODS}/p/ephemeralcontainers?dryRun=All", body))
    assert "lifecycle" not in pod["spec"]["ephemeralContainers"][0]
