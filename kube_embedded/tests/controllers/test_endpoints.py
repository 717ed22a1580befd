"""Endpoints and EndpointSlices follow the pods that a service selects."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

CORE = "/api/v1/namespaces/lab"
ENDPOINTS = f"{CORE}/endpoints/web"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices"


@pytest.fixture
def api() -> ClusterApi:
    """Without a node: the tests write the status of the pods."""
    made = ClusterApi()
    made.namespace("lab")
    return made


def serve(api: ClusterApi, **spec: Any) -> None:
    body = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }
    api.must(api.admin.post(f"{CORE}/services", body))


def run(api: ClusterApi, name: str, address: str, *, ready: bool = True) -> None:
    container = {"name": "c", "image": "nginx"}
    metadata = {"name": name, "labels": {"app": "web"}}
    api.must(
        api.admin.post(f"{CORE}/pods", {"metadata": metadata, "spec": {"containers": [container]}})
    )
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [condition],
    }
    api.must(api.admin.patch(f"{CORE}/pods/{name}/status", {"status": status}))


def addresses(api: ClusterApi, field: str = "addresses") -> list[str]:
    """The addresses in the Endpoints."""
    subsets = api.must(api.admin.get(ENDPOINTS)).get("subsets", [])
    return [one["ip"] for subset in subsets for one in subset.get(field, [])]


def slice_of(api: ClusterApi) -> Any:
    [found] = api.must(api.admin.get(SLICES))["items"]
    return found


def test_the_addresses_of_ready_pods_are_sorted(api: ClusterApi) -> None:
    serve(api)
    run(api, "b", "10.244.0.10")
    run(api, "a", "10.244.0.9")
    run(api, "c", "10.244.0.11", ready=False)
    assert addresses(api) == ["10.244.0.9", "10.244.0.10"]
    assert addresses(api, "notReadyAddresses") == ["10.244.0.11"]
    [subset] = api.admin.get(ENDPOINTS).body["subsets"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert [one["addresses"] for one in slice_of(api)["endpoints"]] == [
        ["10.244.0.9"],
        ["10.244.0.10"],
        ["10.244.0.11"],
    ]
    assert [one["conditions"]["ready"] for one in slice_of(api)["endpoints"]] == [True, True, False]


def test_pods_that_are_not_ready_are_published_on_demand(api: ClusterApi) -> None:
    serve(api, publishNotReadyAddresses=True)
    run(api, "a", "10.244.0.9", ready=False)
    assert addresses(api) == ["10.244.0.9"]


def test_the_generation_of_a_slice_counts_its_changes(api: ClusterApi) -> None:
    serve(api)
    assert slice_of(api)["metadata"]["generation"] == 1
    run(api, "a", "10.244.0.9")
    assert slice_of(api)["metadata"]["generation"] == 2
    api.must(api.admin.patch(f"{CORE}/services/web", {"metadata": {"labels": {"x": "y"}}}))
    assert slice_of(api)["metadata"]["generation"] == 2
    assert slice_of(api)["metadata"]["labels"]["x"] == "y"


def test_without_pods_the_endpoints_have_no_subsets(api: ClusterApi) -> None:
    serve(api)
    assert "subsets" not in api.must(api.admin.get(ENDPOINTS))
    run(api, "a", "10.244.0.9")
    api.must(api.admin.delete(f"{CORE}/pods/a?gracePeriodSeconds=0"))
    assert "subsets" not in api.must(api.admin.get(ENDPOINTS))
    assert slice_of(api)["endpoints"] is None


def test_deleted_endpoints_are_created_again(api: ClusterApi) -> None:
    serve(api)
    run(api, "a", "10.244.0.9")
    api.must(api.admin.delete(ENDPOINTS))
    assert addresses(api) == ["10.244.0.9"]


def test_endpoints_and_slices_are_deleted_with_their_service(api: ClusterApi) -> None:
    serve(api)
    api.must(api.admin.delete(f"{CORE}/services/web"))
    assert api.admin.get(ENDPOINTS).status == 404
    assert api.must(api.admin.get(SLICES))["items"] == []


@pytest.mark.parametrize(
    "spec", [{"selector": None}, {"type": "ExternalName", "externalName": "x.y"}]
)
def test_some_services_get_no_endpoints(api: ClusterApi, spec: dict[str, Any]) -> None:
    serve(api, **spec)
    assert api.admin.get(ENDPOINTS).status == 404


def test_a_headless_service_without_ports_has_addresses(api: ClusterApi) -> None:
    serve(api, clusterIP="None", ports=None)
    run(api, "a", "10.244.0.9")
    assert addresses(api) == ["10.244.0.9"]
