"""API services, flow schemas and priority levels: what every cluster has, and what others may be."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
FLOWS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    return ClusterApi()


def rows(api: ClusterApi, path: str) -> list[list[Any]]:
    return [row["cells"] for row in api.must(api.admin.call("GET", path, headers=TABLE))["rows"]]


def test_every_group_version_has_its_service(api: ClusterApi) -> None:
    found = {cells[0]: cells[1:3] for cells in rows(api, SERVICES)}
    assert found["v1."] == found["v2.autoscaling"] == ["Local", "True"]
    groups = api.must(api.admin.get("/apis"))["groups"]
    versions = {
        f"{each['version']}.{group['name']}" for group in groups for each in group["versions"]
    }
    assert versions | {"v1."} == found.keys() | {"v1.apiregistration.k8s.io"}
    made = api.must(api.admin.get(f"{SERVICES}/v1.apps"))
    assert made["spec"] == {
        "group": "apps",
        "version": "v1",
        "groupPriorityMinimum": 17800,
        "versionPriority": 15,
    }
    assert made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"] == {
        "f:group": {},
        "f:groupPriorityMinimum": {},
        "f:version": {},
        "f:versionPriority": {},
    }


def test_flow_schemas_are_printed_by_precedence(api: ClusterApi) -> None:
    found = rows(api, FLOWS)
    assert [cells[0] for cells in found][:3] == ["exempt", "probes", "system-leader-election"]
    assert found[-1][:4] == ["catch-all", "catch-all", 10000, "ByUser"]
    assert {cells[5] for cells in found} == {"False"}
    assert rows(api, LEVELS)[0][:6] == ["catch-all", "Limited", 5, "<none>", "<none>", "<none>"]


def test_answers_name_the_stored_schema_and_level(api: ClusterApi) -> None:
    headers = api.admin.get("/version").headers
    assert (
        headers["X-Kubernetes-Pf-Flowschema-Uid"]
        == api.must(api.admin.get(f"{FLOWS}/exempt"))["metadata"]["uid"]
    )
    assert (
        headers["X-Kubernetes-Pf-Prioritylevel-Uid"]
        == api.must(api.admin.get(f"{LEVELS}/exempt"))["metadata"]["uid"]
    )


def test_defaults_of_schemas_and_levels(api: ClusterApi) -> None:
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "u"}}],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
    }
    spec = {"priorityLevelConfiguration": {"name": "mine"}, "rules": [rule]}
    api.must(api.admin.post(FLOWS, {"metadata": {"name": "f"}, "spec": spec}))
    made = api.must(api.admin.get(f"{FLOWS}/f"))
    assert made["spec"]["matchingPrecedence"] == 1000
    assert made["status"] == {}
    queue = {"type": "Queue", "queuing": {}}
    body = {
        "metadata": {"name": "mine"},
        "spec": {"type": "Limited", "limited": {"limitResponse": queue}},
    }
    limited = api.must(api.admin.post(LEVELS, body))["spec"]["limited"]
    assert limited == {
        "nominalConcurrencyShares": 30,
        "limitResponse": {
            "type": "Queue",
            "queuing": {"queues": 64, "handSize": 8, "queueLengthLimit": 50},
        },
        "lendablePercent": 0,
    }
