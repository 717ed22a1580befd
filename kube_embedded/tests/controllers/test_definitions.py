"""The life of a definition, and what other controllers do with custom objects."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi
from kube_embedded.tests.support.custom import DEFINITIONS, crontab, definition

NAME = "crontabs.stable.example.com"
TABS = "/apis/stable.example.com/v1/namespaces/lab/crontabs"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
CONFIG_MAPS = "/api/v1/namespaces/lab/configmaps"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def declare(api: ClusterApi, body: Any = None) -> Any:
    made = api.must(api.admin.post(DEFINITIONS, body or definition()))
    return api.must(api.admin.get(f"{DEFINITIONS}/{made['metadata']['name']}"))


def conditions(found: Any) -> dict[str, tuple[str, str, str]]:
    return {
        each["type"]: (each["status"], each["reason"], each["message"])
        for each in found["status"]["conditions"]
    }


def history(api: ClusterApi, since: int) -> list[tuple[str, dict[str, str]]]:
    """The events of definitions: each with the reasons of its conditions."""
    seen = api.cluster.store.events(since, "customresourcedefinitions.apiextensions.k8s.io")
    return [
        (
            each.type,
            {one["type"]: one["reason"] for one in each.object["status"]["conditions"] or ()},
        )
        for each in seen
    ]


def test_names_are_accepted_and_then_it_is_established(api: ClusterApi) -> None:
    before = api.cluster.store.revision
    found = declare(api)
    assert conditions(found) == {
        "NamesAccepted": ("True", "NoConflicts", "no conflicts found"),
        "Established": ("True", "InitialNamesAccepted", "the initial names have been accepted"),
    }
    assert found["status"]["acceptedNames"] == found["spec"]["names"]
    assert history(api, before) == [
        ("ADDED", {}),
        ("MODIFIED", {"NamesAccepted": "NoConflicts", "Established": "Installing"}),
        ("MODIFIED", {"NamesAccepted": "NoConflicts", "Established": "InitialNamesAccepted"}),
    ]
    status = next(
        each for each in found["metadata"]["managedFields"] if each.get("subresource") == "status"
    )
    assert (status["manager"], status["operation"]) == ("kube-apiserver", "Update")


def test_names_that_are_taken_come_free(api: ClusterApi) -> None:
    declare(api)
    other = definition()
    other["metadata"]["name"] = "tabs.stable.example.com"
    other["spec"]["names"] = {
        "plural": "tabs",
        "singular": "tab",
        "kind": "CronTab",
        "shortNames": ["ct", "t"],
    }
    found = declare(api, other)
    assert conditions(found) == {
        "NamesAccepted": ("False", "ListKindConflict", '"CronTabList" is already in use'),
        "Established": ("False", "NotAccepted", "not all names are accepted"),
    }
    assert found["status"]["acceptedNames"] == {"plural": "tabs", "singular": "tab", "kind": ""}
    assert api.admin.get(TABS.replace("crontabs", "tabs")).status == 404
    api.must(api.admin.delete(f"{DEFINITIONS}/{NAME}"))
    found = api.must(api.admin.get(f"{DEFINITIONS}/tabs.stable.example.com"))
    assert conditions(found)["Established"][0] == "True"
    assert api.admin.get(TABS.replace("crontabs", "tabs")).status == 200


def test_deletion_takes_the_instances_along(api: ClusterApi) -> None:
    declare(api)
    api.must(api.admin.post(TABS, crontab("x")))
    before = api.cluster.store.revision
    answer = api.must(api.admin.delete(f"{DEFINITIONS}/{NAME}"))
    assert answer["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert "deletionGracePeriodSeconds" not in answer["metadata"]
    assert conditions(answer)["Terminating"] == (
        "True",
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    )
    reasons = [(type_, found["Terminating"]) for type_, found in history(api, before)]
    assert reasons == [
        ("MODIFIED", "InstanceDeletionPending"),
        ("MODIFIED", "InstanceDeletionInProgress"),
        ("DELETED", "InstanceDeletionInProgress"),
    ]
    assert api.admin.get(f"{DEFINITIONS}/{NAME}").status == api.admin.get(TABS).status == 404
    declare(api)
    assert api.must(api.admin.get(TABS))["items"] == []


def test_deletion_waits_for_finalizers_of_instances(api: ClusterApi) -> None:
    declare(api)
    held = {**crontab("x"), "metadata": {"name": "x", "finalizers": ["example.com/hold"]}}
    api.must(api.admin.post(TABS, held))
    api.must(api.admin.delete(f"{DEFINITIONS}/{NAME}"))
    found = api.must(api.admin.get(f"{DEFINITIONS}/{NAME}"))
    assert conditions(found)["Terminating"][1] == "InstanceDeletionInProgress"
    assert api.must(api.admin.get(f"{TABS}/x"))["metadata"]["deletionTimestamp"]
    refused = api.admin.post(TABS, crontab("y"))
    assert (refused.status, refused.message) == (
        403,
        'crontabs.stable.example.com "y" is forbidden: create not allowed while custom resource definition is '
        "terminating",
    )
    (resource, *_) = api.must(api.admin.get("/apis/stable.example.com/v1"))["resources"]
    assert resource["verbs"] == ["delete", "deletecollection", "get", "list", "watch"]
    api.must(api.admin.patch(f"{TABS}/x", {"metadata": {"finalizers": None}}))
    assert api.admin.get(f"{DEFINITIONS}/{NAME}").status == 404


def test_each_group_version_has_an_api_service(api: ClusterApi) -> None:
    declare(api)
    found = api.must(api.admin.get(f"{SERVICES}/v1.stable.example.com"))
    assert found["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "true"}
    assert found["spec"] == {
        "group": "stable.example.com",
        "version": "v1",
        "groupPriorityMinimum": 1000,
        "versionPriority": 100,
    }
    api.must(api.admin.delete(f"{DEFINITIONS}/{NAME}"))
    assert api.admin.get(f"{SERVICES}/v1.stable.example.com").status == 404


def test_a_changed_schema_counts_at_once(api: ClusterApi) -> None:
    declare(api)
    api.must(api.admin.post(TABS, crontab("x", replicas=3)))
    body = api.must(api.admin.get(f"{DEFINITIONS}/{NAME}"))
    schema = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del schema["properties"]["replicas"]
    schema["properties"]["colour"] = {"type": "string", "default": "red"}
    assert api.must(api.admin.put(f"{DEFINITIONS}/{NAME}", body))["metadata"]["generation"] == 2
    spec = api.must(api.admin.get(f"{TABS}/x"))["spec"]
    assert spec == {"cronSpec": "*/5 * * * *", "image": "busybox", "colour": "red"}


def test_a_namespace_takes_its_objects_along(api: ClusterApi) -> None:
    declare(api)
    held = {**crontab("x"), "metadata": {"name": "x", "finalizers": ["example.com/hold"]}}
    api.must(api.admin.post(TABS, held))
    api.must(api.admin.delete("/api/v1/namespaces/lab"))
    found = api.must(api.admin.get("/api/v1/namespaces/lab"))["status"]
    said = {each["type"]: each["message"] for each in found["conditions"]}
    assert said["NamespaceContentRemaining"] == (
        "Some resources are remaining: crontabs.stable.example.com has 1 resource instances"
    )
    api.must(api.admin.patch(f"{TABS}/x", {"metadata": {"finalizers": None}}))
    assert api.admin.get("/api/v1/namespaces/lab").status == 404


def test_owners_of_and_among_custom_objects(api: ClusterApi) -> None:
    declare(api)
    owner = api.must(api.admin.post(TABS, crontab("x")))
    reference = {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "name": "x",
        "uid": owner["metadata"]["uid"],
    }
    metadata = {"name": "owned", "ownerReferences": [reference]}
    api.must(api.admin.post(CONFIG_MAPS, {"metadata": metadata}))
    api.must(api.admin.post(TABS, {**crontab("owned"), "metadata": metadata}))
    api.must(api.admin.delete(f"{TABS}/x"))
    assert (
        api.admin.get(f"{CONFIG_MAPS}/owned").status == api.admin.get(f"{TABS}/owned").status == 404
    )


def test_quotas_count_custom_objects(api: ClusterApi) -> None:
    declare(api)
    name = f"count/{NAME}"
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {name: "1"}}}
    api.must(api.admin.post("/api/v1/namespaces/lab/resourcequotas", quota))
    api.must(api.admin.post(TABS, crontab("x")))
    status = api.must(api.admin.get("/api/v1/namespaces/lab/resourcequotas/q"))["status"]
    assert status["used"] == {name: "1"}
    refused = api.admin.post(TABS, crontab("y"))
    assert refused.message == (
        f'crontabs.stable.example.com "y" is forbidden: exceeded quota: q, requested: {name}=1, used: {name}=1, '
        f"limited: {name}=1"
    )


def test_a_snapshot_has_the_kinds_of_its_time(api: ClusterApi) -> None:
    store = api.cluster.store
    before = store.snapshot()
    declare(api)
    api.must(api.admin.post(TABS, crontab("x")))
    after = store.snapshot()
    store.restore(before)
    assert api.admin.get(TABS).status == 404
    store.restore(after)
    assert [each["metadata"]["name"] for each in api.must(api.admin.get(TABS))["items"]] == ["x"]
