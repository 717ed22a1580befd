"""IPAddresses and ServiceCIDRs follow services."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded.cluster import Cluster
from tests.support.cluster import ClusterApi, keys

GROUP = "/apis/networking.k8s.io/v1"
ADDRESSES, RANGES = f"{GROUP}/ipaddresses", f"{GROUP}/servicecidrs"
SERVICES = "/api/v1/namespaces/default/services"


@pytest.fixture
def api() -> ClusterApi:
    return ClusterApi()


def names(api: ClusterApi, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in api.must(api.admin.get(path))["items"]]


def service(api: ClusterApi, name: str, **spec: Any) -> Any:
    body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}
    return api.must(api.admin.post(SERVICES, body))


def test_a_new_cluster_has_a_range_and_an_address(api: ClusterApi) -> None:
    cidr = api.must(api.admin.get(f"{RANGES}/kubernetes"))
    assert cidr["spec"] == {"cidrs": ["10.96.0.0/16"]}
    assert cidr["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
    assert cidr["status"]["conditions"] == [
        {
            "type": "Ready",
            "status": "True",
            "lastTransitionTime": "2027-01-15T08:00:00Z",
            "reason": "",
            "message": "Kubernetes Service CIDR is ready",
        }
    ]
    managers = [(entry["manager"], entry["operation"]) for entry in cidr["metadata"]["managedFields"]]
    assert managers == [
        ("kubernetes-service-cidr-controller", "Apply"),
        ("service-cidr-controller", "Apply"),
        ("kube-apiserver", "Update"),
        ("kube-controller-manager", "Update"),
    ]
    address = api.must(api.admin.get(f"{ADDRESSES}/10.96.0.1"))
    assert address["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    assert address["spec"] == {"parentRef": {"resource": "services", "namespace": "default", "name": "kubernetes"}}


def test_addresses_come_and_go_with_services(api: ClusterApi) -> None:
    address = service(api, "web")["spec"]["clusterIP"]
    service(api, "headless", clusterIP="None")
    assert sorted(names(api, ADDRESSES)) == sorted(["10.96.0.1", address])
    api.must(api.admin.delete(f"{ADDRESSES}/{address}"))
    assert address in names(api, ADDRESSES)
    external = {"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": None, "clusterIPs": None}}
    api.must(api.admin.patch(f"{SERVICES}/web", external))
    assert names(api, ADDRESSES) == ["10.96.0.1"]
    again = service(api, "again", clusterIP=address)["spec"]["clusterIP"]
    api.must(api.admin.delete(f"{SERVICES}/again"))
    assert again not in names(api, ADDRESSES)


def test_a_foreign_address_is_not_handed_out(api: ClusterApi) -> None:
    body = {"metadata": {"name": "10.96.7.7"}, "spec": {"parentRef": {"resource": "things", "name": "x"}}}
    api.must(api.admin.post(ADDRESSES, body))
    refused = api.admin.post(
        SERVICES, {"metadata": {"name": "web"}, "spec": {"clusterIP": "10.96.7.7", "ports": [{"port": 80}]}}
    )
    assert refused.status == 422
    assert "provided IP is already allocated" in refused.message
    api.must(api.admin.delete(f"{ADDRESSES}/10.96.7.7"))
    assert service(api, "web", clusterIP="10.96.7.7")["spec"]["clusterIP"] == "10.96.7.7"


def test_another_range_can_be_used_until_it_ends(api: ClusterApi) -> None:
    outside = {"metadata": {"name": "web"}, "spec": {"clusterIP": "10.200.0.7", "ports": [{"port": 80}]}}
    assert api.admin.post(SERVICES, outside).status == 422
    api.must(api.admin.post(RANGES, {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.200.0.0/24"]}}))
    api.must(api.admin.post(SERVICES, outside))
    api.must(api.admin.delete(f"{RANGES}/more"))
    assert names(api, RANGES) == ["kubernetes"]


def test_the_default_range_comes_again(api: ClusterApi) -> None:
    api.must(api.admin.post(RANGES, {"metadata": {"name": "all"}, "spec": {"cidrs": ["10.0.0.0/8"]}}))
    before = api.must(api.admin.get(f"{RANGES}/kubernetes"))["metadata"]["uid"]
    api.must(api.admin.delete(f"{RANGES}/kubernetes"))
    # It ends, and the default range is made anew.
    assert api.must(api.admin.get(f"{RANGES}/kubernetes"))["metadata"]["uid"] != before


def test_services_from_before_get_their_addresses(api: ClusterApi) -> None:
    address = service(api, "web")["spec"]["clusterIP"]
    store = api.cluster.store
    with store.transaction():
        for resource in ("ipaddresses", "servicecidrs"):
            for obj in list(store.list(f"{resource}.networking.k8s.io")):
                from labkit.embedded.apiserver.storage import Key

                store.delete(Key(f"{resource}.networking.k8s.io", "", obj["metadata"]["name"]))
    Cluster(keys(), store, clock=api.clock, node=False)
    assert sorted(names(api, ADDRESSES)) == sorted(["10.96.0.1", address])
    assert names(api, RANGES) == ["kubernetes"]


@pytest.mark.parametrize(
    ("cidrs", "field", "message"),
    [
        ([], "spec.cidrs", "Required value: at least one CIDR required"),
        (
            ["10.0.0.0/8", "fd00::/64", "10.1.0.0/16"],
            "spec.cidrs",
            'Invalid value: {"CIDRs":["10.0.0.0/8","fd00::/64","10.1.0.0/16"]}: may only hold up to 2 values',
        ),
        (
            ["10.0.0.0/8", "10.1.0.0/16"],
            "spec.cidrs",
            'Invalid value: {"CIDRs":["10.0.0.0/8","10.1.0.0/16"]}: may specify no more than one IP for each IP '
            "family, i.e 192.168.0.0/24 and 2001:db8::/64",
        ),
        (
            ["10.0.0.1/8"],
            "spec.cidrs[0]",
            'Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
        ),
        (
            ["10.0.0.0/08"],
            "spec.cidrs[0]",
            'Invalid value: "10.0.0.0/08": must not have leading 0s in IP or prefix length',
        ),
        (
            ["10.0.0.0"],
            "spec.cidrs[0]",
            'Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        ),
        (["fd00:0::/64"], "spec.cidrs[0]", 'Invalid value: "fd00:0::/64": must be in canonical form ("fd00::/64")'),
    ],
)
def test_what_a_range_may_be(api: ClusterApi, cidrs: list[str], field: str, message: str) -> None:
    reply = api.admin.post(RANGES, {"metadata": {"name": "x"}, "spec": {"cidrs": cidrs}})
    assert reply.status == 422
    (cause,) = reply.body["details"]["causes"]
    assert (cause["field"], cause["message"]) == (field, message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("010.1.1.1", "must not have leading 0s"),
        ("::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address"),
        ("2001:DB8::1", 'must be in canonical form ("2001:db8::1")'),
        ("x", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    ],
)
def test_an_address_is_named_as_itself(api: ClusterApi, name: str, message: str) -> None:
    parent = {"parentRef": {"resource": "things", "name": "x"}}
    reply = api.admin.post(ADDRESSES, {"metadata": {"name": name}, "spec": parent})
    (cause,) = reply.body["details"]["causes"]
    assert (cause["field"], cause["message"]) == ("metadata.name", f'Invalid value: "{name}": {message}')


def test_an_address_has_a_parent(api: ClusterApi) -> None:
    reply = api.admin.post(ADDRESSES, {"metadata": {"name": "10.1.1.1"}})
    assert [cause["field"] for cause in reply.body["details"]["causes"]] == ["spec.parentRef"]
    odd = {"parentRef": {"group": "A_", "namespace": "a/b"}}
    reply = api.admin.post(ADDRESSES, {"metadata": {"name": "10.1.1.1"}, "spec": odd})
    assert [cause["field"] for cause in reply.body["details"]["causes"]] == [
        "spec.parentRef.group",
        "spec.parentRef.resource",
        "spec.parentRef.name",
        "spec.parentRef.namespace",
    ]
