"""Kinds without behaviour: validated by their schema, filled in by rows, and their writers are warned."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.registry.strategies import strategy_of
from kube_embedded.apiserver.registry.strategies.effects import PREFIX, WITHOUT_EFFECT
from kube_embedded.apiserver.registry.strategies.quotas import ResourceQuotaStrategy
from kube_embedded.apiserver.registry.strategies.schema_only import SCHEMA_ONLY
from kube_embedded.machinery.kinds import BY_KIND
from kube_embedded.tests.support.cluster import ClusterApi, causes

CRON_JOBS = "/apis/batch/v1/namespaces/lab/cronjobs"
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/lab/ingresses"
LIMITS = "/api/v1/namespaces/lab/limitranges"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/lab/networkpolicies"
QUOTAS = "/api/v1/namespaces/lab/resourcequotas"
TEMPLATE = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}}
NO_JOBS = "kube-embedded: stored, without effect: cron jobs start no jobs"


@pytest.fixture
def api() -> ClusterApi:
    cluster = ClusterApi()
    cluster.namespace("lab")
    return cluster


def named(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": spec}


def test_every_kind_of_the_table_is_served_and_has_a_warning() -> None:
    quotas = ("", "ResourceQuota")
    assert SCHEMA_ONLY.keys() | {quotas} == WITHOUT_EFFECT.keys()
    for row, strategy in SCHEMA_ONLY.items():
        assert strategy_of(BY_KIND[row]) is strategy
    assert isinstance(strategy_of(BY_KIND[quotas]), ResourceQuotaStrategy)


def test_statuses_and_subresources_agree() -> None:
    for row, strategy in SCHEMA_ONLY.items():
        assert strategy.status == ("status" in BY_KIND[row].subresources), row


def test_required_texts_and_structs_must_be_given(api: ClusterApi) -> None:
    assert causes(api.admin.post(CRON_JOBS, named(jobTemplate=TEMPLATE))) == [
        ("spec.schedule", "Required value")
    ]
    hook = {"name": "a.b.c", "clientConfig": {"service": {"name": "s"}}}
    body = {"metadata": {"name": "x"}, "webhooks": [hook]}
    assert causes(api.admin.post(HOOKS, body)) == [
        ("webhooks[0].clientConfig.service.namespace", "Required value"),
        ("webhooks[0].sideEffects", "Required value"),
    ]


def test_enumerations_are_checked_on_creation_and_update(api: ClusterApi) -> None:
    spec = {"schedule": "@daily", "jobTemplate": TEMPLATE}
    api.must(api.admin.post(CRON_JOBS, named(**spec)))
    unsupported = (
        "spec.concurrencyPolicy",
        'Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"',
    )
    for answer in (
        api.admin.post(CRON_JOBS, named(**spec, concurrencyPolicy="Never")),
        api.admin.patch(f"{CRON_JOBS}/x", {"spec": {"concurrencyPolicy": "Never"}}),
    ):
        assert causes(answer) == [unsupported]


def test_types_are_checked_by_the_decoder(api: ClusterApi) -> None:
    assert api.admin.post(CRON_JOBS, named(schedule=5, jobTemplate=TEMPLATE)).status == 400


def test_selectors_are_checked_wherever_they_are(api: ClusterApi) -> None:
    selector = {"matchExpressions": [{"key": "a", "operator": "In"}]}
    place = "spec.ingress[0].from[0].podSelector.matchExpressions[0].values"
    body = named(podSelector={}, ingress=[{"from": [{"podSelector": selector}]}])
    assert [field for field, _ in causes(api.admin.post(POLICIES, body))] == [place]


def test_names_and_labels_are_checked(api: ClusterApi) -> None:
    body = {**named(defaultBackend={"service": {"name": "s"}}), "metadata": {"name": "A_b"}}
    assert [field for field, _ in causes(api.admin.post(INGRESSES, body))] == ["metadata.name"]


def test_values_that_only_go_refuses_are_stored(api: ClusterApi) -> None:
    block = {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}
    made = api.must(api.admin.post(POLICIES, named(ingress=[{"from": [{"ipBlock": block}]}])))
    assert made["spec"]["ingress"][0]["from"] == [{"ipBlock": block}]


def test_defaults_fill_in_missing_fields_alone(api: ClusterApi) -> None:
    spec = {"schedule": "@daily", "jobTemplate": TEMPLATE, "successfulJobsHistoryLimit": 0}
    made = api.must(api.admin.post(CRON_JOBS, named(**spec)))["spec"]
    assert (made["successfulJobsHistoryLimit"], made["failedJobsHistoryLimit"]) == (0, 1)
    assert (made["concurrencyPolicy"], made["suspend"]) == ("Allow", False)


def test_defaults_reach_the_items_of_lists(api: ClusterApi) -> None:
    rules = {"ingress": [{"ports": [{"port": 80}]}, {}], "egress": [{"ports": [{"port": 53}]}]}
    made = api.must(api.admin.post(POLICIES, named(podSelector={}, **rules)))["spec"]
    assert made["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 80}]
    assert made["egress"][0]["ports"] == [{"protocol": "TCP", "port": 53}]
    assert made["policyTypes"] == ["Ingress", "Egress"]


def test_limit_ranges_get_defaults_and_one_item_of_each_type(api: ClusterApi) -> None:
    bound = {"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1", "memory": "1Mi"}}
    made = api.must(api.admin.post(LIMITS, named(limits=[bound])))["spec"]["limits"]
    defaults = {"default": {"cpu": "2"}, "defaultRequest": {"cpu": "2", "memory": "1Mi"}}
    assert made == [{**bound, **defaults}]
    assert causes(api.admin.post(LIMITS, named(limits=[bound, bound]))) == [
        ("spec.limits[1].type", 'Duplicate value: "Container"')
    ]


def test_generations_count_changes_of_the_spec(api: ClusterApi) -> None:
    api.must(api.admin.post(CRON_JOBS, named(schedule="@daily", jobTemplate=TEMPLATE)))
    labelled = api.admin.patch(f"{CRON_JOBS}/x", {"metadata": {"labels": {"a": "b"}}})
    changed = api.admin.patch(f"{CRON_JOBS}/x", {"spec": {"suspend": True}})
    assert [api.must(answer)["metadata"]["generation"] for answer in (labelled, changed)] == [1, 2]


def test_only_the_status_subresource_changes_the_status(api: ClusterApi) -> None:
    api.must(api.admin.post(CRON_JOBS, named(schedule="@daily", jobTemplate=TEMPLATE)))
    status = {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}}
    assert api.must(api.admin.patch(f"{CRON_JOBS}/x", status))["status"] == {}
    assert api.must(api.admin.patch(f"{CRON_JOBS}/x/status", status))["status"] == status["status"]


def test_each_write_is_answered_with_the_warning(api: ClusterApi) -> None:
    body = named(schedule="@daily", jobTemplate=TEMPLATE)
    assert api.admin.post(f"{CRON_JOBS}?dryRun=All", body).warnings == (NO_JOBS,)
    assert api.admin.post(CRON_JOBS, body).warnings == (NO_JOBS,)
    assert api.admin.put(f"{CRON_JOBS}/x", body).warnings == (NO_JOBS,)
    assert api.admin.patch(f"{CRON_JOBS}/x", {"spec": {"suspend": True}}).warnings == (NO_JOBS,)
    for answer in (api.admin.get(f"{CRON_JOBS}/x"), api.admin.delete(f"{CRON_JOBS}/x")):
        assert answer.warnings == ()


def test_refused_objects_are_not_warned_of(api: ClusterApi) -> None:
    assert api.admin.post(CRON_JOBS, named(jobTemplate=TEMPLATE)).warnings == ()


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        ({"hard": {"pods": "3", "count/deployments.apps": "1"}}, False),
        ({}, False),
        ({"hard": {"pods": "3", "cpu": "1"}}, True),
        ({"hard": {"requests.storage": "1Gi"}}, True),
        ({"hard": {"pods": "3"}, "scopes": ["BestEffort"]}, True),
    ],
)
def test_quotas_are_warned_of_if_they_limit_more_than_numbers(
    api: ClusterApi, spec: dict[str, Any], warned: bool
) -> None:
    warnings = api.admin.post(QUOTAS, named(**spec)).warnings
    assert [text.startswith(PREFIX) for text in warnings] == [True] * warned
