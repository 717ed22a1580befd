"""A patch that changes ``kind`` or ``apiVersion``."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, Reply

PATH = "/api/v1/namespaces/lab/configmaps/c"
DEPLOYMENT = "/apis/apps/v1/namespaces/lab/deployments/d"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    made.must(
        made.admin.post(
            "/api/v1/namespaces/lab/configmaps", {"metadata": {"name": "c"}, "data": {"a": "b"}}
        )
    )
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    made.must(
        made.admin.post(DEPLOYMENT.rpartition("/")[0], {"metadata": {"name": "d"}, "spec": spec})
    )
    return made


def patch(api: ClusterApi, body: Any, form: str = "merge-patch", path: str = PATH) -> Reply:
    return api.admin.call("PATCH", path, body, headers={"content-type": f"application/{form}+json"})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"kind": "Pod"}, "converting (v1.Pod) to (core.ConfigMap): unknown conversion"),
        ({"kind": "Status"}, "converting (v1.Status) to (core.ConfigMap): unknown conversion"),
        ({"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1"},
         "converting (v1.Role) to (core.ConfigMap): unknown conversion"),
        ({"kind": "Foo"}, "converting (v1.Foo) to (core.ConfigMap): unknown conversion"),
        ({"apiVersion": "apps/v1"}, "converting (v1.ConfigMap) to (core.ConfigMap): unknown conversion"),
        ({"apiVersion": None}, "converting (.ConfigMap) to (core.ConfigMap): unknown conversion"),
        ({"kind": 5}, "converting (v1.5) to (core.ConfigMap): unknown conversion"),
    ],
)  # fmt: skip
def test_another_type(api: ClusterApi, body: Any, problem: str) -> None:
    answer = patch(api, body)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.message.startswith(' "" is invalid: patch: Invalid value: "{')
    assert answer.message.endswith(f": {problem}")


def test_the_document_is_shown_in_order(api: ClusterApi) -> None:
    text = patch(api, {"kind": "Pod"}).message
    places = [
        text.index(f'\\"{name}\\":')
        for name in ("apiVersion", "data", "kind", "metadata", "name", "uid")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "body", [{"kind": ""}, {"kind": None}, {"kind": "ConfigMap", "apiVersion": "v1"}]
)
def test_the_same_type(api: ClusterApi, body: Any) -> None:
    assert api.must(patch(api, body))["kind"] == "ConfigMap"


def test_a_json_patch_is_judged_like_a_merge_patch(api: ClusterApi) -> None:
    operations = [{"op": "replace", "path": "/kind", "value": "Pod"}]
    assert patch(api, operations, "json-patch").message.endswith(
        "converting (v1.Pod) to (core.ConfigMap): unknown conversion"
    )


@pytest.mark.parametrize("body", [{"kind": "Secret"}, {"kind": "Foo"}, {"apiVersion": "v2"}])
def test_a_strategic_patch_does_not_look_at_it(api: ClusterApi, body: Any) -> None:
    made = api.must(patch(api, body, "strategic-merge-patch"))
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")


def test_versions_that_are_not_served_any_more(api: ClusterApi) -> None:
    for version in ("apps/v1beta1", "extensions/v1beta1"):
        assert (
            api.must(patch(api, {"apiVersion": version}, path=DEPLOYMENT))["apiVersion"]
            == "apps/v1"
        )
    assert patch(api, {"kind": "ReplicaSet"}, path=DEPLOYMENT).message.endswith(
        "converting (v1.ReplicaSet) to (apps.Deployment): unknown conversion"
    )
