"""Endpoints written by hand, and the slices that a real control plane makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import MERGE_PATCH, ClusterApi

LAB = "/api/v1/namespaces/lab"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices"
SUBSETS = [{"addresses": [{"ip": "1.2.3.5"}, {"ip": "1.2.3.4", "hostname": "h"}], "ports": [{"port": 80}]}]


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    made.must(made.admin.post(f"{LAB}/services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}))
    note = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}
    body = {"metadata": {"name": "s", "labels": {"x": "y"}, "annotations": note}, "subsets": SUBSETS}
    made.must(made.admin.post(f"{LAB}/endpoints", body))
    return made


def slices(api: ClusterApi) -> list[Any]:
    found: list[Any] = api.must(api.admin.get(SLICES))["items"]
    return found


def change(api: ClusterApi, path: str, body: Any) -> None:
    api.must(api.admin.call("PATCH", f"{LAB}/{path}", body, headers=MERGE_PATCH))


def test_a_slice_says_the_same(api: ClusterApi) -> None:
    (made,) = slices(api)
    assert made["addressType"] == "IPv4"
    assert made["endpoints"] == [
        {"addresses": ["1.2.3.4"], "conditions": {"ready": True}, "hostname": "h"},
        {"addresses": ["1.2.3.5"], "conditions": {"ready": True}},
    ]
    assert made["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
    assert made["metadata"]["labels"] == {
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
        "kubernetes.io/service-name": "s",
        "x": "y",
    }
    assert made["metadata"]["annotations"] == {"a": "b"}
    assert [owner["kind"] for owner in made["metadata"]["ownerReferences"]] == ["Endpoints"]


def test_it_follows(api: ClusterApi) -> None:
    (before,) = slices(api)
    more = {"addresses": [{"ip": "fd00::1"}], "notReadyAddresses": [{"ip": "2.2.2.2"}], "ports": [{"port": 81}]}
    change(api, "endpoints/s", {"subsets": [*SUBSETS, more]})
    found = {(one["addressType"], one["ports"][0]["port"]): one for one in slices(api)}
    assert set(found) == {("IPv4", 80), ("IPv4", 81), ("IPv6", 81)}
    assert found["IPv4", 80] == before
    assert found["IPv4", 81]["endpoints"][0]["conditions"] == {"ready": False}
    change(api, "endpoints/s", {"subsets": [{**SUBSETS[0], "addresses": [{"ip": "3.3.3.3"}]}]})
    (after,) = slices(api)
    assert (after["metadata"]["name"], after["metadata"]["generation"]) == (before["metadata"]["name"], 2)
    assert "generateName" in before["metadata"]
    assert "generateName" not in after["metadata"]
    assert after["endpoints"] == [{"addresses": ["3.3.3.3"], "conditions": {"ready": True}}]


def test_only_a_change_of_endpoints_is_a_new_generation(api: ClusterApi) -> None:
    (before,) = slices(api)
    assert before["metadata"]["generation"] == 1
    change(api, "endpoints/s", {"metadata": {"labels": {"x": "z"}}})
    (labelled,) = slices(api)
    assert (labelled["metadata"]["labels"]["x"], labelled["metadata"]["generation"]) == ("z", 1)
    for number, address in ((2, "3.3.3.3"), (3, "4.4.4.4")):
        change(api, "endpoints/s", {"subsets": [{**SUBSETS[0], "addresses": [{"ip": address}]}]})
        (after,) = slices(api)
        assert (after["endpoints"][0]["addresses"], after["metadata"]["generation"]) == ([address], number)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("services/s", {"spec": {"selector": {"a": "b"}}}),
        ("endpoints/s", {"metadata": {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}}),
        ("endpoints/s", {"metadata": {"annotations": {"control-plane.alpha.kubernetes.io/leader": "x"}}}),
    ],
)
def test_it_goes_when_it_is_not_wanted(api: ClusterApi, path: str, body: Any) -> None:
    change(api, path, body)
    owners = [owner["kind"] for one in slices(api) for owner in one["metadata"]["ownerReferences"]]
    assert "Endpoints" not in owners


def test_it_goes_with_the_endpoints_and_with_the_service(api: ClusterApi) -> None:
    api.must(api.admin.delete(f"{LAB}/endpoints/s"))
    assert not slices(api)
    api.must(api.admin.post(f"{LAB}/endpoints", {"metadata": {"name": "s"}, "subsets": SUBSETS}))
    assert len(slices(api)) == 1
    api.must(api.admin.delete(f"{LAB}/services/s"))
    assert not slices(api)
