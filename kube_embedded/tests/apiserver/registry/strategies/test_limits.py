"""What quotas and limit ranges may say, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, Reply, causes

LAB = "/api/v1/namespaces/lab"
NOT_QUOTA = "must be a standard resource for quota"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def quota(api: ClusterApi, **spec: Any) -> Reply:
    return api.admin.post(
        f"{LAB}/resourcequotas?dryRun=All", {"metadata": {"name": "q"}, "spec": spec}
    )


def limits(api: ClusterApi, *items: Any) -> Reply:
    return api.admin.post(
        f"{LAB}/limitranges?dryRun=All",
        {"metadata": {"name": "l"}, "spec": {"limits": list(items)}},
    )


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
    assert causes(quota(api, hard={name: amount})) == [
        (f"spec.hard[{name}]", message) for message in messages
    ]


def test_good_limits(api: ClusterApi) -> None:
    api.must(
        limits(
            api,
            {
                "type": "Container",
                "max": {"cpu": "1"},
                "min": {"cpu": "100m"},
                "maxLimitRequestRatio": {"cpu": "4"},
            },
            {"type": "Pod", "max": {"memory": "1Gi", "example.com/gpu": "1"}},
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
            {"type": "example.com/Other", "max": {"pods": "1"}},
        )
    )
