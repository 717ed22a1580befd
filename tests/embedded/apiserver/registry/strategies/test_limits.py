"""What quotas and limit ranges may say, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi, Reply, causes

LAB = "/api/v1/namespaces/lab"
NOT_QUOTA = "must be a standard resource for quota"
ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def quota(api: ClusterApi, **spec: Any) -> Reply:
    return api.admin.post(f"{LAB}/resourcequotas?dryRun=All", {"metadata": {"name": "q"}, "spec": spec})


def limits(api: ClusterApi, *items: Any) -> Reply:
    return api.admin.post(f"{LAB}/limitranges?dryRun=All", {"metadata": {"name": "l"}, "spec": {"limits": list(items)}})


@pytest.mark.parametrize(
    "hard",
    [
        {},
        {"pods": "1", "count/deployments.apps": "5", "requests.storage": "1Gi", "cpu": "1500m"},
        {"hugepages-2Mi": "1Gi", "requests.hugepages-2Mi": "1Gi", "limits.ephemeral-storage": "1"},
        {"example.com/gpu": "1", "gold.storageclass.storage.k8s.io/requests.storage": "1Gi"},
    ],
)
def test_good_bounds(api: ClusterApi, hard: dict[str, str]) -> None:
    api.must(quota(api, hard=hard))


@pytest.mark.parametrize(
    ("name", "amount", "messages"),
    [
        ("pods", "1.5", ['Invalid value: "1500m": must be an integer']),
        ("count/pods", "1500m", ['Invalid value: "1500m": must be an integer']),
        ("example.com/gpu", "100m", ['Invalid value: "100m": must be an integer']),
        ("cpu", "-1", ['Invalid value: "-1": must be greater than or equal to 0']),
        (
            "foo",
            "1",
            [
                'Invalid value: "foo": must be a standard resource type or fully qualified',
                f'Invalid value: "foo": {NOT_QUOTA}',
            ],
        ),
        ("storage", "1", [f'Invalid value: "storage": {NOT_QUOTA}']),
        (
            "limits.hugepages-2Mi",
            "1",
            [
                'Invalid value: "limits.hugepages-2Mi": must be a standard resource type or fully qualified',
                f'Invalid value: "limits.hugepages-2Mi": {NOT_QUOTA}',
            ],
        ),
    ],
)
def test_bad_bounds(api: ClusterApi, name: str, amount: str, messages: list[str]) -> None:
    assert causes(quota(api, hard={name: amount})) == [(f"spec.hard[{name}]", message) for message in messages]


@pytest.mark.parametrize(
    ("hard", "scopes", "detail"),
    [
        ({"pods": "1"}, ["Foo"], "unsupported scope"),
        ({"pods": "1", "cpu": "1"}, ["BestEffort"], "unsupported scope applied to resource"),
        ({"requests.ephemeral-storage": "1"}, ["NotBestEffort"], "unsupported scope applied to resource"),
        ({"pods": "1"}, ["VolumeAttributesClass"], "unsupported scope applied to resource"),
        ({"pods": "1"}, ["BestEffort", "NotBestEffort"], "conflicting scopes"),
        ({"pods": "1"}, ["Terminating", "NotTerminating"], "conflicting scopes"),
    ],
)
def test_bad_scopes(api: ClusterApi, hard: Any, scopes: list[str], detail: str) -> None:
    shown = "[" + ",".join(f'"{scope}"' for scope in scopes) + "]"
    assert causes(quota(api, hard=hard, scopes=scopes)) == [("spec.scopes", f"Invalid value: {shown}: {detail}")]


@pytest.mark.parametrize(
    ("requirement", "field", "message"),
    [
        ({"scopeName": "Foo", "operator": "Exists"}, ".scopeName", 'Invalid value: "Foo": unsupported scope'),
        ({"scopeName": "BestEffort", "operator": "In", "values": ["a"]}, ".operator",
         f'Invalid value: "In": {ONLY_EXISTS}'),
        ({"scopeName": "PriorityClass", "operator": "In"}, ".values",
         "Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"),
        ({"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}, ".values",
         'Invalid value: ["a"]: must be no value when `operator` is \'Exist\' or \'DoesNotExist\' for scope selector'),
        ({"scopeName": "PriorityClass", "operator": "Gt"}, ".operator",
         'Invalid value: "Gt": not a valid selector operator'),
        ({"scopeName": "VolumeAttributesClass", "operator": "Exists"}, "",
         'Invalid value: {"MatchExpressions":[{"ScopeName":"VolumeAttributesClass","Operator":"Exists",'
         '"Values":null}]}: unsupported scope applied to resource'),
    ],
)  # fmt: skip
def test_bad_selectors(api: ClusterApi, requirement: Any, field: str, message: str) -> None:
    found = causes(quota(api, hard={"pods": "1"}, scopeSelector={"matchExpressions": [requirement]}))
    assert found == [(f"spec.scopeSelector.matchExpressions{field}", message)]


def test_scopes_stay(api: ClusterApi) -> None:
    body = {"metadata": {"name": "stay"}, "spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}}
    api.must(api.admin.post(f"{LAB}/resourcequotas", body))
    path = f"{LAB}/resourcequotas/stay"
    assert causes(api.admin.patch(path, {"spec": {"scopes": ["Terminating"]}})) == [
        ("spec.scopes", 'Invalid value: ["Terminating"]: field is immutable')
    ]
    assert causes(api.admin.patch(path, {"spec": {"scopes": None}})) == [
        ("spec.scopes", "Invalid value: null: field is immutable")
    ]


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        ({"type": ""}, "type", None),
        ({"type": "Foo"}, "type", 'Invalid value: "Foo": must be a standard limit type or fully qualified'),
        ({"type": "Pod", "default": {"cpu": "1"}}, "default",
         "Forbidden: may not be specified when `type` is 'Pod'"),
        ({"type": "PersistentVolumeClaim", "max": {"cpu": "1"}}, "limits",
         "Required value: either minimum or maximum storage value is required, but neither was provided"),
        ({"type": "Pod", "max": {"cpu": "1"}, "min": {"cpu": "2"}}, "min[cpu]",
         'Invalid value: "2": min value 2 is greater than max value 1'),
        ({"type": "Container", "min": {"cpu": "1"}, "defaultRequest": {"cpu": "500m"}}, "defaultRequest[cpu]",
         'Invalid value: "500m": min value 1 is greater than default request value 500m'),
        ({"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}, "defaultRequest[cpu]",
         'Invalid value: "2": default request value 2 is greater than default limit value 1'),
        ({"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}},
         "default[cpu]", 'Invalid value: "1": default value 2 is greater than max value 1'),
        ({"type": "Container", "min": {"cpu": "1"}, "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "1"}},
         "default[cpu]", None),
        ({"type": "Pod", "maxLimitRequestRatio": {"cpu": "0.5"}}, "maxLimitRequestRatio[cpu]",
         'Invalid value: "500m": ratio 500m is less than 1'),
        ({"type": "Pod", "min": {"memory": "1Gi"}, "max": {"memory": "1.25Gi"},
          "maxLimitRequestRatio": {"memory": "1.5"}}, "maxLimitRequestRatio[memory]",
         'Invalid value: "1500m": ratio 1500m is greater than max/min = 1.250000'),
        ({"type": "Container", "default": {"a.com/x": "2"}, "defaultRequest": {"a.com/x": "1"}},
         "defaultRequest[a.com/x]",
         'Invalid value: "1": default value 2 must equal to defaultRequest value 1 in a.com/x'),
        ({"type": "Pod", "max": {"pods": "1"}}, "max[pods]",
         'Invalid value: "pods": must be a standard resource for containers'),
        ({"type": "Pod", "max": {"requests.x.com/y": "1"}}, "max[requests.x.com/y]",
         'Invalid value: "requests.x.com/y": doesn\'t follow extended resource name standard'),
    ],
)  # fmt: skip
def test_bad_limits(api: ClusterApi, item: Any, field: str, message: str | None) -> None:
    found = causes(limits(api, item))
    assert f"spec.limits[0].{field}" in [place for place, _ in found]
    if message is not None:
        assert (f"spec.limits[0].{field}", message) in found
        assert len(found) == 1


def test_a_type_comes_once(api: ClusterApi) -> None:
    assert causes(limits(api, {"type": "Container"}, {"type": "Container"})) == [
        ("spec.limits[1].type", 'Duplicate value: "Container"')
    ]


def test_a_limit_range_without_a_name_gets_one(api: ClusterApi) -> None:
    made = api.must(api.admin.post(f"{LAB}/limitranges?dryRun=All", {"metadata": {}, "spec": {"limits": []}}))
    assert len(made["metadata"]["name"]) == 36


def test_good_limits(api: ClusterApi) -> None:
    api.must(
        limits(
            api,
            {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "100m"}, "maxLimitRequestRatio": {"cpu": "4"}},
            {"type": "Pod", "max": {"memory": "1Gi", "example.com/gpu": "1"}},
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
            {"type": "example.com/Other", "max": {"pods": "1"}},
        )
    )
