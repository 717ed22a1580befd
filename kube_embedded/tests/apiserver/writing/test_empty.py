"""Lists and maps that are given without content: not printed, but not the same as none."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, causes

LAB = "/api/v1/namespaces/lab"
SCALERS = "/apis/autoscaling/v2/namespaces/lab/horizontalpodautoscalers"
CONTAINER = {"name": "c", "image": "i"}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}


@pytest.mark.parametrize(
    ("field", "place"),
    [("ports", "ports"), ("resizePolicy", "resizePolicy"), ("resources", "resources")],
)
def test_what_an_ephemeral_container_may_not_even_have_empty(
    api: ClusterApi, field: str, place: str
) -> None:
    given: Any = {"limits": {}} if field == "resources" else []
    spec = {
        "containers": [CONTAINER],
        "ephemeralContainers": [{"name": "e", "image": "i", field: given}],
    }
    found = causes(api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": spec}))
    forbidden = "Forbidden: cannot be set for an Ephemeral Container"
    assert (f"spec.ephemeralContainers[0].{place}", forbidden) in found


def test_what_is_empty_is_shown_so_and_not_stored(api: ClusterApi) -> None:
    template: dict[str, Any] = {"metadata": {"labels": {}}, "spec": {"containers": [CONTAINER]}}
    body = {"metadata": {"name": "r"}, "spec": {"selector": {"a": "b"}, "template": template}}
    mismatch = "`selector` does not match template `labels`"
    place = "spec.template.metadata.labels"
    assert causes(api.admin.post(f"{LAB}/replicationcontrollers", body)) == [
        (place, f"Invalid value: {{}}: {mismatch}")
    ]
    del template["metadata"]["labels"]
    assert causes(api.admin.post(f"{LAB}/replicationcontrollers", body)) == [
        (place, f"Invalid value: null: {mismatch}")
    ]
    pod = {
        "metadata": {"name": "p", "labels": {}},
        "spec": {"containers": [{**CONTAINER, "args": []}], "volumes": []},
    }
    made = api.must(api.admin.post(f"{LAB}/pods?dryRun=All", pod))
    assert "labels" not in made["metadata"]
    assert "args" not in made["spec"]["containers"][0]
    (entry,) = made["metadata"]["managedFields"]
    assert "f:metadata" not in entry["fieldsV1"]
    assert "f:args" not in entry["fieldsV1"]["f:spec"]["f:containers"]['k:{"name":"c"}']


def test_a_pull_secret_without_a_name_has_an_owner(api: ClusterApi) -> None:
    account = {"metadata": {"name": "a"}, "imagePullSecrets": [{}]}
    (entry,) = api.must(api.admin.post(f"{LAB}/serviceaccounts", account))["metadata"][
        "managedFields"
    ]
    assert "f:imagePullSecrets" in entry["fieldsV1"]
