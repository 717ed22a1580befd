from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.request import Request
from kube_embedded.tests.support.cluster import ClusterApi

LAB = "/api/v1/namespaces/lab"
POD: dict[str, Any] = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "main", "image": "ubuntu"}]},
}


def config(api: ClusterApi, name: str, **metadata: Any) -> Any:
    return api.must(api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": name, **metadata}}))


def owner(of: Any, **more: Any) -> dict[str, Any]:
    metadata = of["metadata"]
    return {
        "apiVersion": of["apiVersion"],
        "kind": of["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        **more,
    }


def test_some_kinds_answer_with_the_object_and_others_with_a_status(api: ClusterApi) -> None:
    made = config(api, "c")
    assert api.admin.delete(f"{LAB}/configmaps/c").body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "c", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    }
    api.must(api.admin.post(f"{LAB}/serviceaccounts", {"metadata": {"name": "bot"}}))
    assert api.admin.delete(f"{LAB}/serviceaccounts/bot").body["kind"] == "ServiceAccount"


def test_preconditions_and_options(api: ClusterApi) -> None:
    config(api, "c")
    body = {"preconditions": {"uid": "1"}}
    reply = api.admin.call("DELETE", f"{LAB}/configmaps/c", body)
    assert reply.status == 409
    assert "the UID in the precondition (1) does not match" in reply.message
    reply = api.admin.delete(f"{LAB}/configmaps/c?propagationPolicy=Never")
    assert reply.message == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Never": supported values: '
        '"Foreground", "Background", "Orphan", "nil"'
    )
    reply = api.admin.delete(f"{LAB}/configmaps/c?gracePeriodSeconds=x")
    assert reply.message == 'strconv.ParseInt: parsing "x": invalid syntax'
    assert api.admin.delete(f"{LAB}/configmaps/c?dryRun=All").status == 200
    assert api.admin.get(f"{LAB}/configmaps/c").status == 200


def test_finalizers_keep_an_object_until_they_are_gone(api: ClusterApi) -> None:
    config(api, "c", finalizers=["example.com/wait"])
    marked = api.must(api.admin.delete(f"{LAB}/configmaps/c"))
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    assert api.admin.get(f"{LAB}/configmaps/c").body["metadata"]["deletionTimestamp"]
    patch = {"metadata": {"finalizers": ["example.com/wait", "example.com/more"]}}
    reply = api.admin.patch(f"{LAB}/configmaps/c", patch)
    assert "no new finalizers can be added if the object is being deleted" in reply.message
    assert api.admin.patch(f"{LAB}/configmaps/c", {"metadata": {"finalizers": None}}).status == 200
    assert api.admin.get(f"{LAB}/configmaps/c").status == 404


def test_a_pod_without_a_node_goes_at_once(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", POD))
    last = api.must(api.admin.delete(f"{LAB}/pods/p"))
    assert last["metadata"]["deletionGracePeriodSeconds"] == 0
    assert api.admin.get(f"{LAB}/pods/p").status == 404


def test_a_pod_on_a_node_takes_its_time(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", {**POD, "spec": {**POD["spec"], "nodeName": "n"}}))
    marked = api.must(api.admin.delete(f"{LAB}/pods/p"))
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert api.admin.delete(f"{LAB}/pods/p").status == 200
    shorter = api.must(api.admin.delete(f"{LAB}/pods/p?gracePeriodSeconds=5"))
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5
    api.must(api.admin.delete(f"{LAB}/pods/p?gracePeriodSeconds=0"))
    assert api.admin.get(f"{LAB}/pods/p").status == 404


def test_dependents_follow_their_owner(api: ClusterApi) -> None:
    top = config(api, "top")
    config(api, "child", ownerReferences=[owner(top)])
    config(api, "shared", ownerReferences=[owner(top), owner(config(api, "other"))])
    api.must(api.admin.delete(f"{LAB}/configmaps/top"))
    assert api.admin.get(f"{LAB}/configmaps/child").status == 404
    shared = api.admin.get(f"{LAB}/configmaps/shared").body
    assert [reference["name"] for reference in shared["metadata"]["ownerReferences"]] == ["other"]


def test_orphans_stay(api: ClusterApi) -> None:
    top = config(api, "top")
    config(api, "child", ownerReferences=[owner(top)])
    api.must(api.admin.delete(f"{LAB}/configmaps/top?propagationPolicy=Orphan"))
    assert api.admin.get(f"{LAB}/configmaps/top").status == 404
    assert "ownerReferences" not in api.admin.get(f"{LAB}/configmaps/child").body["metadata"]


def test_foreground_waits_for_those_that_block(api: ClusterApi) -> None:
    top = config(api, "top")
    config(
        api,
        "child",
        ownerReferences=[owner(top, blockOwnerDeletion=True)],
        finalizers=["example.com/wait"],
    )
    api.must(api.admin.delete(f"{LAB}/configmaps/top?propagationPolicy=Foreground"))
    assert api.admin.get(f"{LAB}/configmaps/top").body["metadata"]["finalizers"] == [
        "foregroundDeletion"
    ]
    api.admin.patch(f"{LAB}/configmaps/child", {"metadata": {"finalizers": None}})
    assert api.admin.get(f"{LAB}/configmaps/child").status == 404
    assert api.admin.get(f"{LAB}/configmaps/top").status == 404


def test_foreground_ends_those_that_do_not_block_as_well(api: ClusterApi) -> None:
    top = config(api, "top")
    config(
        api,
        "child",
        ownerReferences=[owner(top, blockOwnerDeletion=True)],
        finalizers=["example.com/wait"],
    )
    config(api, "free", ownerReferences=[owner(top)])
    api.must(api.admin.delete(f"{LAB}/configmaps/top?propagationPolicy=Foreground"))
    assert api.admin.get(f"{LAB}/configmaps/free").status == 404
    assert api.admin.get(f"{LAB}/configmaps/top").status == 200


def test_foreground_goes_down_to_the_last(api: ClusterApi) -> None:
    top = config(api, "top")
    middle = config(api, "middle", ownerReferences=[owner(top, blockOwnerDeletion=True)])
    config(
        api,
        "last",
        ownerReferences=[owner(middle, blockOwnerDeletion=True)],
        finalizers=["example.com/wait"],
    )
    api.must(api.admin.delete(f"{LAB}/configmaps/top?propagationPolicy=Foreground"))
    for name in ("top", "middle"):
        assert api.admin.get(f"{LAB}/configmaps/{name}").body["metadata"]["finalizers"] == [
            "foregroundDeletion"
        ]
    api.admin.patch(f"{LAB}/configmaps/last", {"metadata": {"finalizers": None}})
    assert [
        item["metadata"]["name"] for item in api.admin.get(f"{LAB}/configmaps").body["items"]
    ] == ["kube-root-ca.crt"]


def test_foreground_ends_those_that_own_each_other(api: ClusterApi) -> None:
    top = config(api, "top")
    other = config(api, "other", ownerReferences=[owner(top, blockOwnerDeletion=True)])
    owners = {"metadata": {"ownerReferences": [owner(other, blockOwnerDeletion=True)]}}
    api.must(api.admin.patch(f"{LAB}/configmaps/top", owners))
    api.must(api.admin.delete(f"{LAB}/configmaps/top?propagationPolicy=Foreground"))
    assert [api.admin.get(f"{LAB}/configmaps/{name}").status for name in ("top", "other")] == [
        404,
        404,
    ]


def test_foreground_leaves_what_has_another_owner(api: ClusterApi) -> None:
    top, other = config(api, "top"), config(api, "other")
    config(api, "shared", ownerReferences=[owner(top, blockOwnerDeletion=True), owner(other)])
    api.must(api.admin.delete(f"{LAB}/configmaps/top?propagationPolicy=Foreground"))
    assert api.admin.get(f"{LAB}/configmaps/top").status == 404
    shared = api.admin.get(f"{LAB}/configmaps/shared").body
    assert [reference["name"] for reference in shared["metadata"]["ownerReferences"]] == ["other"]


def test_an_object_whose_owner_is_not_there_goes_at_once(api: ClusterApi) -> None:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "ghost", "uid": "1"}
    config(api, "child", ownerReferences=[reference])
    assert api.admin.get(f"{LAB}/configmaps/child").status == 404


def test_an_object_that_is_given_to_nobody_goes_too(api: ClusterApi) -> None:
    config(api, "child")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "ghost", "uid": "1"}
    api.must(
        api.admin.patch(f"{LAB}/configmaps/child", {"metadata": {"ownerReferences": [reference]}})
    )
    assert api.admin.get(f"{LAB}/configmaps/child").status == 404


def test_what_has_no_namespace_has_no_owner_in_one(api: ClusterApi) -> None:
    body = {"metadata": {"name": "r", "ownerReferences": [owner(config(api, "top"))]}}
    api.must(api.admin.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", body))
    assert api.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/r").status == 200


def test_a_collection_by_labels(api: ClusterApi) -> None:
    config(api, "a", labels={"x": "1"})
    config(api, "b", labels={"x": "2"})
    gone = api.must(api.admin.delete(f"{LAB}/configmaps?labelSelector=x%3D1"))
    assert (gone["kind"], [item["metadata"]["name"] for item in gone["items"]]) == (
        "ConfigMapList",
        ["a"],
    )
    assert api.admin.get(f"{LAB}/configmaps/b").status == 200


def test_a_namespace_takes_its_content_along(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", POD))
    config(api, "c")
    terminating = api.must(api.admin.delete("/api/v1/namespaces/lab"))
    assert terminating["status"] == {"phase": "Terminating"}
    assert api.admin.get("/api/v1/namespaces/lab").status == 404
    assert api.admin.get(f"{LAB}/configmaps").body["items"] == []
    assert api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "late"}}).status == 404


def test_a_namespace_waits_for_finalizers_and_says_so(api: ClusterApi) -> None:
    config(api, "c", finalizers=["example.com/wait"])
    api.must(api.admin.delete("/api/v1/namespaces/lab"))
    waiting = api.admin.get("/api/v1/namespaces/lab").body
    conditions = {item["type"]: item for item in waiting["status"]["conditions"]}
    assert conditions["NamespaceFinalizersRemaining"]["message"] == (
        "Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances"
    )
    reply = api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "late"}})
    assert reply.status == 403
    assert reply.message == (
        'configmaps "late" is forbidden: unable to create new content in namespace lab because it is being terminated'
    )
    api.admin.patch(f"{LAB}/configmaps/c", {"metadata": {"finalizers": None}})
    assert api.admin.get("/api/v1/namespaces/lab").status == 404


def test_some_namespaces_stay(api: ClusterApi) -> None:
    reply = api.admin.delete("/api/v1/namespaces/kube-system")
    assert (
        reply.message == 'namespaces "kube-system" is forbidden: this namespace may not be deleted'
    )


def test_claims_that_pods_use_are_protected(api: ClusterApi) -> None:
    volume = {
        "metadata": {"name": "pv"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/x"},
        },
    }
    assert (
        api.must(api.admin.post("/api/v1/persistentvolumes", volume))["status"]["phase"]
        == "Pending"
    )
    assert api.admin.get("/api/v1/persistentvolumes/pv").body["status"]["phase"] == "Available"
    claim = {
        "metadata": {"name": "pvc"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "500Mi"}}},
    }
    api.must(api.admin.post(f"{LAB}/persistentvolumeclaims", claim))
    assert api.admin.get(f"{LAB}/persistentvolumeclaims/pvc").body["status"]["phase"] == "Pending"
    mounted = {
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "pvc"}}],
        "nodeName": "n1",
    }
    user = {**POD, "spec": {**POD["spec"], **mounted}}
    api.must(api.admin.post(f"{LAB}/pods", user))
    api.must(api.admin.delete(f"{LAB}/persistentvolumeclaims/pvc"))
    assert api.admin.get(f"{LAB}/persistentvolumeclaims/pvc").status == 200
    api.must(api.admin.delete(f"{LAB}/pods/p?gracePeriodSeconds=0"))
    assert api.admin.get(f"{LAB}/persistentvolumeclaims/pvc").status == 404
    assert api.admin.get("/api/v1/persistentvolumes/pv").body["status"]["phase"] == "Available"
    api.must(api.admin.delete("/api/v1/persistentvolumes/pv"))
    assert api.admin.get("/api/v1/persistentvolumes/pv").status == 404


def test_endpoints_follow_their_service(api: ClusterApi) -> None:
    service = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    api.must(api.admin.post(f"{LAB}/services", service))
    assert "subsets" not in api.admin.get(f"{LAB}/endpoints/web").body
    api.must(
        api.admin.post(f"{LAB}/pods", {**POD, "metadata": {"name": "p", "labels": {"app": "web"}}})
    )
    status = {"podIP": "10.1.0.5", "conditions": [{"type": "Ready", "status": "True"}]}
    api.must(api.admin.patch(f"{LAB}/pods/p/status", {"status": status}))
    subset = api.admin.get(f"{LAB}/endpoints/web").body["subsets"][0]
    assert subset["addresses"][0]["ip"] == "10.1.0.5"
    assert subset["ports"] == [{"port": 80, "protocol": "TCP"}]
    slices = api.admin.get("/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices").body["items"]
    assert slices[0]["endpoints"][0]["conditions"]["ready"] is True
    api.must(api.admin.delete(f"{LAB}/services/web"))
    assert api.admin.get(f"{LAB}/endpoints/web").status == 404
    assert (
        api.admin.get("/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices").body["items"] == []
    )


def test_the_service_of_the_cluster_itself_comes_back(api: ClusterApi) -> None:
    path = "/api/v1/namespaces/default/services/kubernetes"
    before = api.admin.get(path).body["metadata"]["uid"]
    api.must(api.admin.delete(path))
    after = api.admin.get(path).body
    assert after["metadata"]["uid"] != before
    assert after["spec"]["clusterIP"] == "10.96.0.1"


def test_a_job_leaves_its_pods_and_says_so(api: ClusterApi) -> None:
    jobs = "/apis/batch/v1/namespaces/lab/jobs"
    spec = {
        "template": {
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}
        }
    }
    job = api.must(api.admin.post(jobs, {"metadata": {"name": "j"}, "spec": spec}))
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": job["metadata"]["uid"]}
    child = {"metadata": {"name": "child", "ownerReferences": [owner]}}
    api.must(api.admin.post("/api/v1/namespaces/lab/configmaps", child))
    request = Request("DELETE", f"{jobs}/j", {}, {}, b"", api.admin.certificate)
    response = api.cluster.handle(request)
    assert list(response.warnings) == [
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
        "or set propagationPolicy=Orphan to suppress this warning"
    ]
    assert b'"finalizers":["orphan"]' in response.body
    assert api.admin.get(f"{jobs}/j").status == 404
    kept = api.must(api.admin.get("/api/v1/namespaces/lab/configmaps/child"))
    assert "ownerReferences" not in kept["metadata"]


SCHEME = 'in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"'


@pytest.mark.parametrize(
    ("version", "kind", "why"),
    [
        ("v1", "DeleteOptions", ""),
        ("apps/v1", "DeleteOptions", ""),
        ("nope/v7", "DeleteOptions", ""),
        ("v1", "Pod", f'no kind "Pod" is registered for version "v1" {SCHEME}'),
        ("v1", "ListOptions", f'no kind "ListOptions" is registered for version "v1" {SCHEME}'),
        (
            "meta.k8s.io/v1",
            "ListOptions",
            "converting (v1.ListOptions) to (v1.DeleteOptions): unknown conversion",
        ),
        ("v1", "Status", "converting (v1.Status) to (v1.DeleteOptions): unknown conversion"),
    ],
)
def test_options_of_any_group(api: ClusterApi, version: str, kind: str, why: str) -> None:
    reply = api.admin.call(
        "DELETE", "/api/v1/namespaces/lab/configmaps/no", {"apiVersion": version, "kind": kind}
    )
    assert reply.status == (400 if why else 404)
    assert reply.message == (why or 'configmaps "no" not found')


def test_where_a_collection_begins(api: ClusterApi) -> None:
    path = "/api/v1/namespaces/lab/configmaps"
    reply = api.admin.delete(f"{path}?continue=abc")
    assert (reply.status, reply.message[:22]) == (400, "invalid continue token")
    for selector, told in (
        ("", {"causes", "retryAfterSeconds"}),
        ("&fieldSelector=metadata.name%3Dx", {"causes"}),
    ):
        reply = api.admin.delete(f"{path}?resourceVersion=99999{selector}")
        assert reply.status == 504
        assert reply.body["details"].keys() == told


def test_a_page_of_a_collection(api: ClusterApi) -> None:
    for name in ("a", "b", "c"):
        config(api, name)
    gone = api.must(api.admin.delete(f"{LAB}/configmaps?limit=1"))
    assert [item["metadata"]["name"] for item in gone["items"]] == ["a"]
    assert (gone["metadata"]["remainingItemCount"], bool(gone["metadata"]["continue"])) == (3, True)
    gone = api.must(api.admin.delete(f"{LAB}/configmaps?limit=1&labelSelector=!x"))
    assert "remainingItemCount" not in gone["metadata"]


def test_preconditions_in_the_query(api: ClusterApi) -> None:
    made = config(api, "a")
    reply = api.admin.delete(f"{LAB}/configmaps/a?uid=x")
    assert (reply.status, "the UID in the precondition (x)" in reply.message) == (409, True)
    reply = api.admin.delete(f"{LAB}/configmaps/a?resourceVersion=1")
    assert (reply.status, "the ResourceVersion in the precondition (1)" in reply.message) == (
        409,
        True,
    )
    version = made["metadata"]["resourceVersion"]
    api.must(
        api.admin.delete(
            f"{LAB}/configmaps/a?uid={made['metadata']['uid']}&resourceVersion={version}"
        )
    )
