"""What services, and the plain kinds beside them, may say; word for word."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, causes

LAB = "/api/v1/namespaces/lab"
PORTS = [{"port": 80}]


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"type": "ExternalName", "externalName": "a.b", "clusterIP": "10.96.0.9"},
         [("spec.clusterIPs", "Forbidden: may not be set for ExternalName services")]),
        ({"externalIPs": ["x", "127.0.0.1", "0.0.0.0", "169.254.1.1", "1.2.3.4"]},
         [("spec.externalIPs[0]", 'Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
          ("spec.externalIPs[1]",
           'Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'),
          ("spec.externalIPs[2]", 'Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)'),
          ("spec.externalIPs[3]",
           'Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)')]),
        ({"loadBalancerSourceRanges": ["1.2.3.0/24"]},
         [("spec.LoadBalancerSourceRanges", "Forbidden: may only be used when `type` is 'LoadBalancer'")]),
        ({"ports": [{"port": 80, "nodePort": 30080}]},
         [("spec.ports[0].nodePort", "Forbidden: may not be used when `type` is 'ClusterIP'")]),
        ({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080, "name": "a"},
                                        {"port": 81, "nodePort": 30080, "name": "b"}]},
         [("spec.ports[1].nodePort", "Invalid value: 30080: provided port is already allocated")]),
        ({"trafficDistribution": "Foo"},
         [("spec.trafficDistribution", 'Unsupported value: "Foo": supported values: "PreferClose", "PreferSameZone", '
           '"PreferSameNode"')]),
    ],
)  # fmt: skip
def test_services(api: ClusterApi, spec: Any, found: list[tuple[str, str]]) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": PORTS, **spec}}
    assert causes(api.admin.post(f"{LAB}/services?dryRun=All", body)) == found


def test_an_application_protocol_has_a_name(api: ClusterApi) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80, "appProtocol": "a b"}]}}
    (field, message), *_ = causes(api.admin.post(f"{LAB}/services?dryRun=All", body))
    assert field == "spec.ports[0].appProtocol"
    assert message.startswith(
        'Invalid value: "a b": name part must consist of alphanumeric characters'
    )


def test_what_only_the_old_type_has_goes_with_it(api: ClusterApi) -> None:
    spec = {"type": "LoadBalancer", "ports": PORTS, "externalTrafficPolicy": "Local"}
    api.must(api.admin.post(f"{LAB}/services", {"metadata": {"name": "lb"}, "spec": spec}))
    changed = api.must(api.admin.patch(f"{LAB}/services/lb", {"spec": {"type": "ClusterIP"}}))[
        "spec"
    ]
    gone = {"externalTrafficPolicy", "allocateLoadBalancerNodePorts"}
    assert not gone & changed.keys()
    assert "nodePort" not in changed["ports"][0]


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": ""}, ("[ssh-privatekey]", "Required value")),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "x"},
         ("[.dockerconfigjson]", 'Invalid value: "<secret contents redacted>": invalid character \'x\' looking for '
          "beginning of value")),
    ],
)  # fmt: skip
def test_secrets_of_a_type(
    api: ClusterApi, kind: str, data: dict[str, str], found: tuple[str, str]
) -> None:
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    body = {"metadata": {"name": "s"}, "type": kind, "data": encoded}
    ((field, message),) = causes(api.admin.post(f"{LAB}/secrets?dryRun=All", body))
    assert (field.removeprefix("data").removeprefix("[%s]"), message) == found


def test_a_config_map_that_is_too_large(api: ClusterApi) -> None:
    body = {"metadata": {"name": "c"}, "data": {"a": "x" * (2**20 + 1)}}
    assert causes(api.admin.post(f"{LAB}/configmaps?dryRun=All", body)) == [
        ("[]", "Too long: may not be more than 1048576 bytes")
    ]


def test_what_belongs_to_a_former_form_goes_with_it(api: ClusterApi) -> None:
    body = {"metadata": {"name": "f"}, "spec": {"ports": PORTS, "externalIPs": ["1.2.3.4"]}}
    assert (
        api.must(api.admin.post(f"{LAB}/services", body))["spec"]["externalTrafficPolicy"]
        == "Cluster"
    )
    inside = api.must(api.admin.patch(f"{LAB}/services/f", {"spec": {"externalIPs": None}}))
    assert "externalTrafficPolicy" not in inside["spec"]


def test_more_node_ports_than_there_are_do_not_search_for_ever(api: ClusterApi) -> None:
    ports = [{"name": f"p{number}", "port": number} for number in range(1, 2771)]
    answer = api.admin.post(
        f"{LAB}/services",
        {"metadata": {"name": "full"}, "spec": {"type": "NodePort", "ports": ports}},
    )
    why = "failed to allocate a nodePort: range is full"
    assert (answer.status, answer.body["message"]) == (500, f"Internal error occurred: {why}")
    ports = [{"name": f"p{number}", "port": number} for number in range(1, 2000)]
    body = {"metadata": {"name": "much"}, "spec": {"type": "NodePort", "ports": ports}}
    made = api.must(api.admin.post(f"{LAB}/services?dryRun=All", body))
    assert len({port["nodePort"] for port in made["spec"]["ports"]}) == 1999
