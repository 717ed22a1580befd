"""The default roles and bindings, against the recorded lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.bootstrap.policy import bootstrap_policy
from kube_embedded.cluster import Cluster
from kube_embedded.rbac.parts import uncovered
from kube_embedded.tests.support.cluster import RBAC, ClusterApi, keys, rule
from tools.generate_bootstrap_policy import OUT, RECORDING, render

SHOWN = ("manager", "operation", "apiVersion", "subresource")
DATA = Path(__file__).parents[1] / "parity" / "data" / "bootstrap.json"


@pytest.mark.parametrize("plural", ["clusterroles", "clusterrolebindings", "roles", "rolebindings"])
def test_same_objects_as_the_real_server(plural: str) -> None:
    steps = json.loads(DATA.read_bytes())["steps"]
    recorded = next(step for step in steps if step["request"]["path"] == f"{RBAC}/{plural}")
    expected = recorded["response"]["body"]["items"]
    got = ClusterApi().admin.get(f"{RBAC}/{plural}").body["items"]
    assert [bare(item) for item in got] == [bare(item) for item in expected]


def bare(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        field: value
        for field, value in item["metadata"].items()
        if field not in ("uid", "resourceVersion", "creationTimestamp")
    }
    metadata["managedFields"] = [
        {key: entry[key] for key in SHOWN if key in entry} for entry in metadata["managedFields"]
    ]
    return {**item, "metadata": metadata}


def test_the_table_is_the_generated_one() -> None:
    assert OUT.read_text() == render(RECORDING)


def test_rules_are_shared_and_objects_are_not() -> None:
    first, second = (dict(bootstrap_policy("t")) for _ in range(2))
    assert first["clusterroles"]["metadata"] is not second["clusterroles"]["metadata"]
    assert first["clusterroles"]["rules"] is second["clusterroles"]["rules"]


def alone() -> ClusterApi:
    """A cluster whose objects are no other's: a start makes them whole again."""
    return ClusterApi(cluster_keys=keys())


def restarted(api: ClusterApi) -> None:
    Cluster(api.cluster.keys, api.cluster.store, clock=api.clock, node=False)


def test_a_start_changes_nothing_that_is_whole() -> None:
    api = alone()
    before = api.cluster.store.revision
    restarted(api)
    assert api.cluster.store.revision == before


def test_what_is_lost_comes_back_with_the_next_start() -> None:
    api = alone()
    view = api.admin.get(f"{RBAC}/clusterroles/view").body["rules"]
    basic = f"{RBAC}/clusterrolebindings/system:basic-user"
    subjects = api.admin.get(basic).body["subjects"]
    rules = api.admin.get(f"{RBAC}/clusterroles/system:discovery").body["rules"]
    api.must(api.admin.delete(f"{RBAC}/clusterroles/view"))
    api.must(api.admin.patch(basic, {"subjects": None}))
    api.must(api.admin.patch(f"{RBAC}/clusterroles/system:discovery", {"rules": []}))
    restarted(api)
    assert api.admin.get(f"{RBAC}/clusterroles/view").body["rules"] == view
    assert api.admin.get(basic).body["subjects"] == subjects
    got = api.admin.get(f"{RBAC}/clusterroles/system:discovery").body["rules"]
    assert not uncovered(got, rules)
    assert not uncovered(rules, got)


def test_what_was_added_stays() -> None:
    api = alone()
    path = f"{RBAC}/clusterroles/system:discovery"
    own = rule("get", urls="/mine")
    api.must(api.admin.patch(path, {"rules": [own], "metadata": {"labels": {"a": "b"}}}))
    restarted(api)
    body = api.admin.get(path).body
    assert body["rules"][0] == own
    assert len(body["rules"]) > 1
    assert body["metadata"]["labels"] == {"a": "b", "kubernetes.io/bootstrapping": "rbac-defaults"}


def test_updates_can_be_switched_off() -> None:
    api = alone()
    path = f"{RBAC}/clusterroles/system:discovery"
    off = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
    api.must(api.admin.patch(path, {"rules": [], "metadata": {"annotations": off}}))
    restarted(api)
    assert not api.admin.get(path).body["rules"]
