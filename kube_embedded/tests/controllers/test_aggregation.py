"""Aggregated cluster roles follow their selectors, inside the write."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.controllers import aggregation
from kube_embedded.rbac.selectors import selects
from kube_embedded.tests.support.cluster import RBAC, ClusterApi, rule

ROLES = f"{RBAC}/clusterroles"


@pytest.fixture
def api() -> ClusterApi:
    return ClusterApi()


def rules(api: ClusterApi, name: str) -> Any:
    return api.must(api.admin.get(f"{ROLES}/{name}"))["rules"]


def aggregated(api: ClusterApi, name: str, *selectors: Any, **more: Any) -> None:
    body = {
        "metadata": {"name": name, **more},
        "aggregationRule": {"clusterRoleSelectors": list(selectors)},
    }
    api.must(api.admin.post(ROLES, body))


LABEL = {"x": "y"}
PODS, SERVICES = rule("get", "pods"), rule("get", "services")


def test_follows(api: ClusterApi) -> None:
    aggregated(api, "agg", {"matchLabels": LABEL})
    assert not rules(api, "agg")
    api.role("part2", SERVICES, labels=LABEL)
    api.role("part1", PODS, labels=LABEL)
    api.role("other", rule("get", "secrets"))
    assert rules(api, "agg") == [PODS, SERVICES]
    api.must(api.admin.patch(f"{ROLES}/part1", {"rules": [SERVICES, PODS]}))
    assert rules(api, "agg") == [SERVICES, PODS]
    api.must(api.admin.patch(f"{ROLES}/part1", {"metadata": {"labels": None}}))
    assert rules(api, "agg") == [SERVICES]
    api.must(api.admin.delete(f"{ROLES}/part2"))
    assert rules(api, "agg") is None


def test_found_when_it_comes_last(api: ClusterApi) -> None:
    api.role("part", PODS, labels=LABEL)
    aggregated(api, "agg", {"matchLabels": LABEL})
    assert rules(api, "agg") == [PODS]


def test_hand_written_rules_are_replaced(api: ClusterApi) -> None:
    api.role("part", PODS, labels=LABEL)
    aggregated(api, "agg", {"matchLabels": LABEL})
    api.must(api.admin.patch(f"{ROLES}/agg", {"rules": [rule("*", "*", "*")]}))
    assert rules(api, "agg") == [PODS]


def test_hand_written_rules_stay_where_nothing_is_selected(api: ClusterApi) -> None:
    aggregated(api, "agg", {"matchLabels": LABEL})
    api.must(api.admin.patch(f"{ROLES}/agg", {"rules": [SERVICES]}))
    assert rules(api, "agg") == [SERVICES]
    api.role("part", PODS, labels=LABEL)
    assert rules(api, "agg") == [PODS]
    api.must(api.admin.delete(f"{ROLES}/part"))
    assert rules(api, "agg") is None


def test_chains(api: ClusterApi) -> None:
    aggregated(api, "outer", {"matchLabels": {"to": "outer"}})
    aggregated(api, "inner", {"matchLabels": LABEL}, labels={"to": "outer"})
    api.role("part", PODS, labels=LABEL)
    assert rules(api, "outer") == [PODS]


def test_rings_come_to_rest(api: ClusterApi) -> None:
    aggregated(api, "a", {"matchLabels": {"to": "a"}}, labels={"to": "b"})
    aggregated(api, "b", {"matchLabels": {"to": "b"}}, labels={"to": "a"})
    api.role("part", PODS, labels={"to": "a"})
    assert rules(api, "a") == rules(api, "b") == [PODS]


def test_many_that_select_each_other_keep_nobody_waiting(
    api: ClusterApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request does a part of it, and the clock the rest."""
    looked = 0

    def counted(selector: Any, labels: Any) -> bool:
        nonlocal looked
        looked += 1
        return selects(selector, labels)

    monkeypatch.setattr(aggregation, "selects", counted)
    names = [f"agg{number}" for number in range(90)]
    for name in names:
        aggregated(api, name, {"matchLabels": LABEL}, labels=LABEL)
    api.clock.now += 1
    looked = 0
    api.role("part", PODS, labels=LABEL)
    assert 10_000 < looked < 300_000
    while not all(rules(api, name) == [PODS] for name in names):
        api.clock.now += 1
        looked = 0
        api.cluster.advance()
        assert 0 < looked < 300_000


def test_rules_that_are_given_twice_are_kept_once(api: ClusterApi) -> None:
    many = [rule("get", f"r{number}") for number in range(300)]
    aggregated(api, "agg", {"matchLabels": LABEL})
    api.role("part", *many, *many, labels=LABEL)
    assert rules(api, "agg") == many


def test_the_default_roles_grow(api: ClusterApi) -> None:
    crontabs = rule("get", "crontabs", "example.com")
    api.role(
        "crontab-view", crontabs, labels={"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    )
    for name in ("view", "edit", "admin"):
        assert crontabs in rules(api, name)


def test_the_default_roles_are_at_rest(api: ClusterApi) -> None:
    before = api.cluster.store.revision
    api.role("unrelated", PODS)
    assert api.cluster.store.revision == before + 1


def test_the_controller_owns_the_rules(api: ClusterApi) -> None:
    aggregated(api, "agg", {"matchLabels": LABEL})
    api.role("part", PODS, labels=LABEL)
    entries = api.admin.get(f"{ROLES}/agg").body["metadata"]["managedFields"]
    owner = entries[0]
    assert (owner["manager"], owner["operation"]) == ("clusterrole-aggregation-controller", "Apply")
    assert owner["fieldsV1"] == {"f:rules": {}}
    assert all("f:rules" not in entry["fieldsV1"] for entry in entries[1:])


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "1", "b": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "In", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selector(selector: Any, matches: bool) -> None:
    assert selects(selector, {"a": "1"}) is matches
