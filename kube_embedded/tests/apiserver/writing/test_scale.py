"""``/scale`` by the four kinds of patch, and who owns the number of replicas."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import MERGE_PATCH, ClusterApi, Reply

DEPLOYMENTS = "/apis/apps/v1/namespaces/lab/deployments"
SCALE = f"{DEPLOYMENTS}/d/scale"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    made.must(
        made.admin.post(
            f"{DEPLOYMENTS}?fieldManager=creator", {"metadata": {"name": "d"}, "spec": spec}
        )
    )
    return made


def send(api: ClusterApi, form: str, body: Any, query: str = "") -> Reply:
    return api.admin.call(
        "PATCH", SCALE + query, body, headers={"content-type": f"application/{form}"}
    )


def apply(api: ClusterApi, replicas: int, manager: str, query: str = "") -> Reply:
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d"},
        "spec": {"replicas": replicas},
    }
    return send(api, "apply-patch+yaml", body, f"?fieldManager={manager}{query}")


def owners(api: ClusterApi) -> dict[tuple[str, str, str], bool]:
    """Who is there, and whether they own the number."""
    managed = api.must(api.admin.get(f"{DEPLOYMENTS}/d"))["metadata"]["managedFields"]
    return {
        (one["manager"], one["operation"], one.get("subresource", "")): "f:replicas"
        in one["fieldsV1"]["f:spec"]
        for one in managed
        if one["manager"] != "kube-controller-manager"  # who only tells the status
    }


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("merge-patch+json", {"spec": {"replicas": 5}}),
        ("strategic-merge-patch+json", {"spec": {"replicas": 5}}),
        ("json-patch+json", [{"op": "replace", "path": "/spec/replicas", "value": 5}]),
    ],
)
def test_patches(api: ClusterApi, form: str, body: Any) -> None:
    scaled = api.must(send(api, form, body, "?fieldManager=scaler"))
    assert (scaled["kind"], scaled["spec"]) == ("Scale", {"replicas": 5})
    assert owners(api) == {("creator", "Update", ""): False, ("scaler", "Update", "scale"): True}


def test_who_scales_has_no_time(api: ClusterApi) -> None:
    for replicas in (5, 6):
        api.must(
            send(api, "merge-patch+json", {"spec": {"replicas": replicas}}, "?fieldManager=scaler")
        )
    managed = api.must(api.admin.get(f"{DEPLOYMENTS}/d"))["metadata"]["managedFields"]
    assert managed[0] == {
        "manager": "scaler",
        "operation": "Update",
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
        "subresource": "scale",
    }


def test_a_number_that_nobody_may_own_stays_so(api: ClusterApi) -> None:
    api.must(
        api.admin.call(
            "PATCH", f"{DEPLOYMENTS}/d", {"metadata": {"managedFields": [{}]}}, headers=MERGE_PATCH
        )
    )
    api.must(send(api, "merge-patch+json", {"spec": {"replicas": 5}}, "?fieldManager=scaler"))
    managed = api.must(api.admin.get(f"{DEPLOYMENTS}/d"))["metadata"].get("managedFields", ())
    assert not any(one["manager"] == "scaler" for one in managed)


def test_who_sends_the_default_number_owns_it(api: ClusterApi) -> None:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    spec = {"replicas": 1, "selector": {"a": "b"}, "template": template}
    path = "/api/v1/namespaces/lab/replicationcontrollers"
    made = api.must(api.admin.post(path, {"metadata": {"name": "rc"}, "spec": spec}))
    assert "f:replicas" in made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]


def test_an_apply_conflicts_with_who_owns_the_number(api: ClusterApi) -> None:
    refused = apply(api, 3, "me")
    assert refused.status == 409
    assert refused.body["details"] == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "creator" using apps/v1',
                "field": ".spec.replicas",
            }
        ]
    }


def test_an_apply_by_force_takes_the_number(api: ClusterApi) -> None:
    scaled = api.must(apply(api, 3, "me", "&force=true"))
    assert scaled["spec"] == {"replicas": 3}
    assert "managedFields" not in scaled["metadata"]
    assert owners(api) == {("me", "Apply", "scale"): True, ("creator", "Update", ""): False}
    assert api.must(api.admin.get(f"{DEPLOYMENTS}/d"))["metadata"]["generation"] == 2


def test_appliers_of_the_same_number_share_it(api: ClusterApi) -> None:
    api.must(apply(api, 3, "me", "&force=true"))
    api.must(apply(api, 3, "you"))
    assert owners(api)["me", "Apply", "scale"]
    assert owners(api)["you", "Apply", "scale"]
    assert (
        apply(api, 4, "you").message
        == 'Apply failed with 1 conflict: conflict with "me" with subresource "scale": '
        ".spec.replicas"
    )


def test_a_dry_run_changes_nothing(api: ClusterApi) -> None:
    before = owners(api)
    assert api.must(apply(api, 9, "me", "&force=true&dryRun=All"))["spec"] == {"replicas": 9}
    assert api.must(api.admin.get(SCALE))["spec"] == {"replicas": 2}
    assert owners(api) == before


def test_what_is_applied_must_be_a_scale_and_have_a_manager(api: ClusterApi) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    assert send(api, "apply-patch+yaml", body, "?fieldManager=me").message.startswith(
        "invalid object type: "
    )
    body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}}
    assert "fieldManager: Required value" in send(api, "apply-patch+yaml", body).message


@pytest.mark.parametrize(("replicas", "status"), [(1 << 40, 500), (-1, 422), (None, 200)])
def test_a_number_that_is_none_is_refused(
    api: ClusterApi, replicas: int | None, status: int
) -> None:
    spec = {} if replicas is None else {"replicas": replicas}
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d"},
        "spec": spec,
    }
    assert send(api, "apply-patch+yaml", body, "?fieldManager=me&force=true").status == status
    assert api.must(api.admin.get(SCALE))["spec"] == {"replicas": 2}


def test_what_is_not_there_cannot_be_scaled(api: ClusterApi) -> None:
    missing = api.admin.call(
        "PATCH",
        f"{DEPLOYMENTS}/nope/scale?fieldManager=me",
        {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "nope"}},
        headers={"content-type": "application/apply-patch+yaml"},
    )
    assert missing.status == 404
    assert missing.message == 'deployments.apps "nope" not found'
