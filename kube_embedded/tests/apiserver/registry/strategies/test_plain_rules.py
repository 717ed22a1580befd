"""Rules about single fields, in the words of the real server's, and the values that pass them."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.registry.strategies.definitions import set_condition
from kube_embedded.tests.support.cluster import ClusterApi, causes
from kube_embedded.tests.support.custom import DEFINITIONS, definition

CORE = "/api/v1/namespaces/lab"
SELECTOR = {"matchLabels": {"a": "b"}}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}  # fmt: skip
COST = "controller.kubernetes.io/pod-deletion-cost"
NOT_NEGATIVE = "must be greater than or equal to 0"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def pod(api: ClusterApi, annotations: Any = None, **spec: Any) -> Any:
    """The answer to a pod that is not stored."""
    body = {
        "metadata": {"name": "p", "annotations": annotations or {}},
        "spec": {"containers": [{"name": "c", "image": "x"}], **spec},
    }
    return api.admin.post(f"{CORE}/pods?dryRun=All", body)


@pytest.mark.parametrize("field", ["replicas", "minReadySeconds", "ordinals.start"])
def test_the_numbers_of_a_stateful_set_are_not_negative(api: ClusterApi, field: str) -> None:
    name, _, part = field.partition(".")
    spec = {"selector": SELECTOR, "template": TEMPLATE, name: {part: -1} if part else -1}
    reply = api.admin.post(
        "/apis/apps/v1/namespaces/lab/statefulsets?dryRun=All",
        {"metadata": {"name": "s"}, "spec": spec},
    )
    assert causes(reply) == [(f"spec.{field}", f"Invalid value: -1: {NOT_NEGATIVE}")]


def test_a_service_has_a_known_type(api: ClusterApi) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"type": "Foo", "ports": [{"port": 80}]}}
    assert causes(api.admin.post(f"{CORE}/services?dryRun=All", body)) == [
        (
            "spec.type",
            'Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
        )
    ]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"dnsPolicy": "Foo"}, "spec.dnsPolicy"),
        ({"restartPolicy": "Foo"}, "spec.restartPolicy"),
        ({"nodeSelector": {"a": "-"}}, "spec.nodeSelector"),
        ({"volumes": [{"name": "v", "azureFile": {"secretName": "s"}}]}, "spec.volumes[0].azureFile.shareName"),
        ({"volumes": [{"name": "v", "azureFile": {"shareName": "s"}}]}, "spec.volumes[0].azureFile.secretName"),
    ],
)  # fmt: skip
def test_a_pod_is_refused_for_one_field(api: ClusterApi, spec: Any, field: str) -> None:
    assert [name for name, _ in causes(pod(api, **spec))] == [field]


@pytest.mark.parametrize(
    ("cost", "allowed"),
    [("0", True), ("12", True), ("-7", True), ("2147483647", True)]
    + [(cost, False) for cost in ("", "x", "1.5", "+1", "01", "12x", "2147483648")],
)
def test_the_cost_of_a_deletion_is_a_whole_number(
    api: ClusterApi, cost: str, allowed: bool
) -> None:
    assert pod(api, {COST: cost}).status == (201 if allowed else 422)


@pytest.mark.parametrize(
    ("name", "allowed"), [("a", True), ("a b", True), ("~", True)]
    + [(name, False) for name in ("", "a=b", "é", "a\tb")],
)  # fmt: skip
def test_the_name_of_a_variable_is_printable(api: ClusterApi, name: str, allowed: bool) -> None:
    container = {"name": "c", "image": "x", "env": [{"name": name}]}
    assert pod(api, containers=[container]).status == (201 if allowed else 422)


def affinity(term: dict[str, Any], *, of_pods: bool) -> dict[str, Any]:
    """An affinity with one expression, to nodes or to pods."""
    if of_pods:
        pods = {"topologyKey": "zone", "labelSelector": {"matchExpressions": [term]}}
        return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [pods]}}
    nodes = {"nodeSelectorTerms": [{"matchExpressions": [term]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": nodes}}


def test_numbers_are_compared_in_selectors_of_nodes_alone(api: ClusterApi) -> None:
    term = {"key": "cores", "operator": "Gt", "values": ["4"]}
    assert pod(api, affinity=affinity(term, of_pods=False)).status == 201
    ((field, message),) = causes(pod(api, affinity=affinity(term, of_pods=True)))
    assert field.endswith("labelSelector.matchExpressions[0].operator")
    assert message == 'Invalid value: "Gt": not a valid selector operator'
    for operator in ("Foo", ""):
        assert pod(api, affinity=affinity({**term, "operator": operator}, of_pods=False)).status == 422  # fmt: skip
    ((_, message),) = causes(pod(api, affinity=affinity({**term, "values": []}, of_pods=False)))
    assert message.startswith("Required value: must be specified single value when `operator`")


def test_a_new_replication_controller_has_no_replica_yet(api: ClusterApi) -> None:
    body = {"metadata": {"name": "r"}, "spec": {"replicas": 3, "template": TEMPLATE}}
    reply = api.admin.post(f"{CORE}/replicationcontrollers?dryRun=All", body)
    assert reply.body["status"] == {"replicas": 0}


def test_huge_pages_of_containers_are_no_request_of_their_pod(api: ClusterApi) -> None:
    amounts = {"cpu": "1", "hugepages-2Mi": "2Mi"}
    container = {"name": "c", "image": "x", "resources": {"requests": amounts, "limits": amounts}}
    reply = pod(api, containers=[container], resources={"limits": {"cpu": "2"}})
    assert reply.status == 201, reply.body
    assert reply.body["spec"]["resources"]["requests"] == {"cpu": "1"}


@pytest.mark.parametrize(
    ("known", "time"),
    [
        ({"status": "True", "lastTransitionTime": "before"}, "before"),
        ({"status": "False", "lastTransitionTime": "before"}, "now"),
        ({"status": "True"}, "now"),
    ],
)
def test_a_condition_keeps_its_time_while_its_status_stays(
    known: dict[str, str], time: str
) -> None:
    made = {"status": {"conditions": [{"type": "Other"}, {"type": "Established", **known}]}}
    set_condition(made, {"type": "Established", "status": "True", "reason": "new"}, "now")
    assert made["status"]["conditions"] == [
        {"type": "Other"},
        {"type": "Established", "status": "True", "reason": "new", "lastTransitionTime": time},
    ]


def test_a_version_without_a_name_is_named_once(api: ClusterApi) -> None:
    body = definition()
    body["spec"]["versions"][0]["name"] = ""
    fields = [field for field, _ in causes(api.admin.post(DEFINITIONS, body))]
    assert "spec.versions[0].name" in fields
    assert "spec.version" not in fields


@pytest.mark.parametrize("parts", [{}, {"status": {}}, {"scale": None, "status": {}}])
def test_a_custom_kind_has_the_subresources_of_its_definition(parts: dict[str, Any]) -> None:
    api = ClusterApi()
    body = definition()
    scale = body["spec"]["versions"][0]["subresources"]["scale"]
    wanted = {name: scale if name == "scale" else {} for name in parts}
    body["spec"]["versions"][0]["subresources"] = wanted
    api.must(api.admin.post(DEFINITIONS, body))
    group = api.must(api.admin.get("/apis/stable.example.com/v1"))
    assert {resource["name"] for resource in group["resources"]} == {
        "crontabs",
        *(f"crontabs/{name}" for name in wanted),
    }
