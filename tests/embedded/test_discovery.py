import json
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.apiserver.openapi.discovery import Discovery, version_rank
from kube_embedded.machinery.kinds import KINDS, Kind
from kube_embedded.tests.support.some import some

RECORDED = json.loads(
    (Path(__file__).parents[1] / "parity" / "data" / "discovery.json").read_text()
)
DISCOVERY = Discovery(KINDS)


def recorded(path: str, aggregated: bool = False) -> Any:
    for step in RECORDED["steps"]:
        if (
            step["request"]["path"] == path
            and ("Accept" in step["request"].get("headers", {})) is aggregated
        ):
            return step["response"]["body"]
    raise LookupError(path)


def lists() -> list[tuple[str, str]]:
    return [
        (group, version)
        for group in ("", *DISCOVERY.groups)
        for version in DISCOVERY.versions(group)
    ]


@pytest.mark.parametrize(
    ("group", "version"),
    [("", "v1"), ("rbac.authorization.k8s.io", "v1"), ("apps", "v1"), ("batch", "v1")],
)
def test_resource_lists_are_the_real_ones(group: str, version: str) -> None:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    assert DISCOVERY.resource_list(group, version) == recorded(path)


@pytest.mark.parametrize(("group", "version"), lists())
def test_served_groups_are_aggregated_as_the_real_ones(group: str, version: str) -> None:
    document = json.loads(DISCOVERY.aggregated_groups if group else DISCOVERY.aggregated_core)
    ours = [item for item in document["items"] if item["metadata"].get("name", "") == group]
    path = "/apis" if group else "/api"
    theirs = [
        item
        for item in recorded(path, aggregated=True)["items"]
        if item["metadata"].get("name", "") == group
    ]
    real = {resource["resource"]: resource for resource in theirs[0]["versions"][0]["resources"]}
    for resource in some(ours[0]["versions"][0]["resources"]):
        assert resource == real[resource["resource"]]


def test_groups_are_in_the_real_order() -> None:
    real = [group["name"] for group in recorded("/apis")["groups"]]
    assert list(DISCOVERY.groups) == [name for name in real if name in DISCOVERY.groups]


def test_preferred_versions_come_first() -> None:
    assert sorted(["v1beta1", "v2alpha1", "v1", "v2", "v1beta2"], key=version_rank) == [
        "v2", "v1", "v1beta2", "v1beta1", "v2alpha1",
    ]  # fmt: skip
    rows = [Kind("x.io", version, "Thing", "things", True) for version in ("v1", "v2")]
    assert Discovery(rows).group("x.io")["preferredVersion"] == {
        "groupVersion": "x.io/v2",
        "version": "v2",
    }
