"""The default roles and bindings, against the recorded lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.apiserver.authorization.bootstrap import bootstrap_policy
from tests.support.cluster import RBAC, ClusterApi
from tools.generate_bootstrap_policy import OUT, RECORDING, render

SHOWN = ("manager", "operation", "apiVersion", "subresource")
DATA = Path(__file__).parents[2] / "parity" / "data" / "bootstrap.json"


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


def test_a_kept_store_is_not_filled_again() -> None:
    api = ClusterApi()
    api.must(api.admin.delete(f"{RBAC}/clusterroles/view"))
    type(api.cluster)(api.cluster.keys, api.cluster.store, node=False)
    assert api.admin.get(f"{RBAC}/clusterroles/view").status == 404
