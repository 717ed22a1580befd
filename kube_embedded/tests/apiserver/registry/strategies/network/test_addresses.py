"""Addresses and ranges have one meaning only."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.registry.names import (
    CIDR_MESSAGE,
    IP_MESSAGE,
    address_messages,
    range_messages,
)
from kube_embedded.tests.support.cluster import ClusterApi, causes

ZEROS, MAPPED = "must not have leading 0s", "must not be an IPv4-mapped IPv6 address"
RANGE_ZEROS = "must not have leading 0s in IP or prefix length"
BITS = "must not have bits set beyond the prefix length"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("10.0.0.1", ""),
        ("2001:db8:0::1", ""),
        ("010.0.0.1", ZEROS),
        ("10.0.0." + "0" * 9000 + "1", ZEROS),
        ("::ffff:1.2.3.4", MAPPED),
        ("10.0.0.256", IP_MESSAGE),
        ("10.0.0.10000000255", IP_MESSAGE),
        ("10.0.0", IP_MESSAGE),
        ("fe80::1%eth0", IP_MESSAGE),
        ("", IP_MESSAGE),
    ],
)
def test_addresses(value: str, wrong: str) -> None:
    assert address_messages(value) == ([wrong] if wrong else [])


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("10.0.0.0/8", ""),
        ("0.0.0.0/0", ""),
        ("2001:db8::/32", ""),
        ("10.0.0.5/8", BITS),
        ("10.0.0.0/08", RANGE_ZEROS),
        ("010.0.0.0/8", RANGE_ZEROS),
        ("::ffff:1.2.3.0/120", "must not have an IPv4-mapped IPv6 address"),
        ("10.0.0.0/33", CIDR_MESSAGE),
        ("10.0.0.0/99990008", CIDR_MESSAGE),
        ("10.0.0.0/255.0.0.0", CIDR_MESSAGE),
        ("10.0.0.0/", CIDR_MESSAGE),
        ("10.0.0.0", CIDR_MESSAGE),
    ],
)
def test_ranges(value: str, wrong: str) -> None:
    assert range_messages(value) == ([wrong] if wrong else [])


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


@pytest.mark.parametrize(
    ("path", "spec", "field", "why"),
    [
        (
            "/api/v1/namespaces/lab/services",
            {
                "type": "LoadBalancer",
                "ports": [{"port": 80}],
                "loadBalancerSourceRanges": ["1.2.3.4/24"],
            },
            "spec.LoadBalancerSourceRanges[0]",
            BITS,
        ),
        (
            "/api/v1/namespaces/lab/pods",
            {
                "containers": [{"name": "c", "image": "i"}],
                "hostAliases": [{"ip": "010.0.0.1", "hostnames": ["h"]}],
            },
            "spec.hostAliases[0].ip",
            ZEROS,
        ),
        (
            "/api/v1/namespaces/lab/services",
            {"ports": [{"port": 80}], "clusterIP": "10.096.0.77"},
            "spec.clusterIPs[0]",
            ZEROS,
        ),
    ],
)
def test_addresses_in_a_spec_are_checked(
    api: ClusterApi, path: str, spec: Any, field: str, why: str
) -> None:
    (cause,) = causes(api.admin.post(path, {"metadata": {"name": "x"}, "spec": spec}))
    assert (cause[0], cause[1].rpartition(": ")[2]) == (field, why)


def test_addresses_of_a_node_are_checked(api: ClusterApi) -> None:
    body = {"metadata": {"name": "x"}, "spec": {"podCIDR": "10.0.0.5/8"}}
    (cause,) = causes(api.admin.post("/api/v1/nodes", body))
    assert (cause[0], cause[1].rpartition(": ")[2]) == ("spec.podCIDRs[0]", BITS)


def test_addresses_in_a_status_are_checked(api: ClusterApi) -> None:
    services = "/api/v1/namespaces/lab/services"
    api.must(
        api.admin.post(
            services,
            {"metadata": {"name": "s"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 1}]}},
        )
    )
    status = {"loadBalancer": {"ingress": [{"ip": "010.0.0.1", "ipMode": "VIP"}]}}
    (cause,) = causes(api.admin.patch(f"{services}/s/status", {"status": status}))
    assert (cause[0], cause[1].rpartition(": ")[2]) == ("status.loadBalancer.ingress[0].ip", ZEROS)
