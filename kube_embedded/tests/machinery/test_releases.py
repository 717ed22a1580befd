"""The server answers as the version of Kubernetes that it was told, in each of the listed differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kube_embedded.machinery.releases import ASKED, DIFFERENCES, ERAS, RELEASES, Release, differs
from kube_embedded.tests.support.cluster import ClusterApi, Reply

CORE = "/api/v1/namespaces"
OPEN = {"type": "object", "additionalProperties": {"type": "string"}}


def crd() -> dict[str, Any]:
    tags = {"type": "array", "minItems": 2, "items": {"type": "string"}}
    schema = {"type": "object", "properties": {"tags": tags, "map": {**OPEN, "minProperties": 1}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "boxes", "singular": "box", "kind": "Box"}
    spec = {"group": "lab.example", "scope": "Cluster", "names": names, "versions": [version]}
    return {"metadata": {"name": "boxes.lab.example"}, "spec": spec}


def token_secrets(api: ClusterApi) -> bool:
    api.namespace("lab")
    secrets = api.admin.get(f"{CORE}/lab/secrets").body["items"]
    return any(item["type"] == "kubernetes.io/service-account-token" for item in secrets)


def secrets_column(api: ClusterApi) -> bool:
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    table = api.admin.get(f"{CORE}/default/serviceaccounts", headers=accept)
    return "Secrets" in [column["name"] for column in table.body["columnDefinitions"]]


def unknown_paths(api: ClusterApi) -> bool:
    replies = [api.admin.get(path) for path in ("/apis/lab.example", "/apis/x.y/v1/z", "/nothing")]
    assert {reply.status for reply in replies} == {404}
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "the server could not find the requested resource",
        "reason": "NotFound",
        "code": 404,
    }
    return [reply.body for reply in replies] == [status] * 3


def bad_revision(api: ClusterApi) -> bool:
    reply = api.admin.get(f"{CORE}/default?resourceVersion=x")
    assert reply.status in (400, 500)
    return reply.status == 400


def too_few(api: ClusterApi) -> bool:
    api.must(api.admin.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd()))
    body = {"metadata": {"name": "b"}, "apiVersion": "lab.example/v1", "kind": "Box"}
    reply: Reply = api.admin.post("/apis/lab.example/v1/boxes", {**body, "tags": ["a"], "map": {}})
    assert reply.status == 422
    found = {cause["message"] for cause in reply.body["details"]["causes"]}
    return found == {
        "Too few: 1: must have at least 2 items",
        "Too few: 0: must have at least 1 item",
    }


SHOWN: dict[str, Callable[[ClusterApi], bool]] = {
    "token secrets": token_secrets,
    "secrets column": secrets_column,
    "unknown paths": unknown_paths,
    "bad revision": bad_revision,
    "too few": too_few,
}


def test_each_difference_has_a_source_and_a_test() -> None:
    assert SHOWN.keys() == DIFFERENCES.keys()
    assert all(item.source.startswith("https://") for item in DIFFERENCES.values())


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("era", ["1.20", "now", "1.37", "1.38"])
def test_a_difference_is_there_in_its_versions_only(era: str, name: str) -> None:
    assert SHOWN[name](ClusterApi(era)) == Release(era).has(name)


def test_1_20_and_1_38_have_differences_from_what_was_asked() -> None:
    has = {era: {name for name in DIFFERENCES if Release(era).has(name)} for era in ERAS}
    assert has["now"] == has["1.36"] == has["1.37"] == set()
    assert has["1.20"] == {"token secrets", "secrets column"}
    assert has["1.38"] == {"unknown paths", "bad revision", "too few"}


@pytest.mark.parametrize("era", ERAS)
def test_the_version_is_shown(era: str) -> None:
    shown = ClusterApi(era).admin.get("/version").body
    assert shown["gitVersion"] == Release(era).git_version
    assert f"v1.{shown['minor']}." in shown["gitVersion"] + "."
    assert int(shown["minCompatibilityMinor"]) == int(shown["minor"]) - 1


def test_the_default_is_the_newest_version_that_was_asked() -> None:
    assert Release().version == ASKED
    assert Release().git_version == RELEASES["1.36"]


def test_outside_of_a_request_nothing_differs() -> None:
    with Release("1.38").answering():
        assert differs("too few")
    assert not differs("too few")
