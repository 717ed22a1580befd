"""Strategic merge patches whose lists have an order, or elements that are no objects."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, Reply

PODS = "/api/v1/namespaces/lab/pods"
ORDER = "$setElementOrder/containers"
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    containers = [{"name": name, "image": name} for name in ("a", "b")]
    made.must(made.admin.post(PODS, {"metadata": {"name": "p"}, "spec": {"containers": containers}}))  # fmt: skip
    return made


def patch(api: ClusterApi, spec: Any) -> Reply:
    return api.admin.call("PATCH", f"{PODS}/p?dryRun=All", {"spec": spec}, headers=STRATEGIC)


def test_an_order_without_elements_changes_nothing_but_the_order(api: ClusterApi) -> None:
    reply = patch(api, {ORDER: [{"name": "a"}, {"name": "b"}]})
    assert reply.status == 200, reply.body
    images = [container["image"] for container in reply.body["spec"]["containers"]]
    assert images == ["a", "b"]


def test_elements_are_merged_by_their_names(api: ClusterApi) -> None:
    spec = {ORDER: [{"name": "a"}, {"name": "b"}], "containers": [{"name": "b", "image": "new"}]}
    reply = patch(api, spec)
    assert reply.status == 200, reply.body
    images = [container["image"] for container in reply.body["spec"]["containers"]]
    assert images == ["a", "new"]


def test_an_order_of_a_list_that_neither_has_is_ignored(api: ClusterApi) -> None:
    assert patch(api, {"$setElementOrder/hostAliases": [{"ip": "1.2.3.4"}]}).status == 200


def test_a_list_that_is_only_in_the_patch_is_taken(api: ClusterApi) -> None:
    tolerations = [{"key": "a", "operator": "Exists"}]
    reply = patch(api, {"tolerations": tolerations})
    assert reply.status == 200, reply.body
    assert tolerations[0] in reply.body["spec"]["tolerations"]


@pytest.mark.parametrize("containers", [[1], [{"name": "b", "image": "new"}, "x"], [[]]])
def test_elements_that_are_no_objects_are_refused(api: ClusterApi, containers: list[Any]) -> None:
    reply = patch(api, {"containers": containers})
    assert (reply.status, reply.body["message"]) == (400, "lists of lists are not supported")


def test_an_order_alone_reorders_a_list(api: ClusterApi) -> None:
    deployments = "/apis/apps/v1/namespaces/lab/deployments"
    containers = [{"name": name, "image": name} for name in ("a", "b")]
    template = {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": {"x": "y"}}, "template": template}
    api.must(api.admin.post(deployments, {"metadata": {"name": "d"}, "spec": spec}))
    order = {"template": {"spec": {ORDER: [{"name": "b"}, {"name": "a"}]}}}
    reply = api.admin.call("PATCH", f"{deployments}/d", {"spec": order}, headers=STRATEGIC)
    assert reply.status == 200, reply.body
    listed = reply.body["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in listed] == ["b", "a"]
