"""API services, flow schemas and priority levels: what every cluster has, and what others may be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi, causes

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


def test_what_new_schemas_and_levels_are_filled_in_with(api: ClusterApi) -> None:
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


def test_what_is_mandatory_stays(api: ClusterApi) -> None:
    reply = api.admin.patch(f"{FLOWS}/catch-all", {"spec": {"matchingPrecedence": 9}})
    assert [cause["field"] for cause in reply.body["details"]["causes"]] == ["spec"]
    assert reply.message.endswith("spec of 'catch-all' must equal the fixed value")
    assert (
        api.admin.patch(f"{LEVELS}/exempt", {"spec": {"exempt": {"lendablePercent": 5}}}).status
        == 200
    )


def test_rules_of_flow_schemas_and_levels(api: ClusterApi) -> None:
    rules = [{"subjects": [{"kind": "Group", "user": {"name": "u"}}, {"kind": "Role"}]}, {}]
    spec = {"matchingPrecedence": 1, "priorityLevelConfiguration": {"name": ""}, "rules": rules}
    place = "spec.rules[0]"
    assert causes(api.admin.post(FLOWS, {"metadata": {"name": "x"}, "spec": spec})) == [
        (
            "spec.matchingPrecedence",
            "Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
        ),
        ("spec.priorityLevelConfiguration.name", "Required value: must reference a priority level"),
        (
            f"{place}.subjects[0].group",
            "Required value: group is required when subject kind is 'Group'",
        ),
        (
            f"{place}.subjects[1].kind",
            'Unsupported value: "Role": supported values: "Group", "ServiceAccount", "User"',
        ),
        ("spec.rules[1].subjects", "Required value: subjects must contain at least one value"),
    ]
    limited = {"limitResponse": {"type": "Queue", "queuing": {"queues": 8, "handSize": 9}}}
    body = {"metadata": {"name": "x"}, "spec": {"type": "Unlimited", "limited": limited}}
    assert causes(api.admin.post(LEVELS, body)) == [
        ("spec.type", 'Unsupported value: "Unlimited": supported values: "Exempt", "Limited"'),
        (
            "spec.limited.limitResponse.queuing.handSize",
            "Invalid value: 9: should not be greater than queues (8)",
        ),
    ]


def test_rules_of_api_services(api: ClusterApi) -> None:
    body = {"metadata": {"name": "x"}, "spec": {"version": "v1", "group": "g.io"}}
    assert causes(api.admin.post(SERVICES, body)) == [
        ("metadata.name", 'Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.g.io"'),
        ("spec.groupPriorityMinimum", "Invalid value: 0: must be positive and less than 20000"),
        ("spec.versionPriority", "Invalid value: 0: must be positive and less than 1000"),
    ]
