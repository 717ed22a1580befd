"""Requests that hardly anybody sends, answered as the real server answers them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.machinery.request import Request
from kube_embedded.tests.support.cluster import ClusterApi, causes

LAB = "/api/v1/namespaces/lab"
APPS = "/apis/apps/v1/namespaces/lab"
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
TEMPLATE = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


@pytest.fixture
def web(api: ClusterApi) -> ClusterApi:
    """A cluster with a service, a pod and a deployment."""
    ports = [{"name": "h", "port": 80}, {"name": "s", "port": 443}]
    api.must(
        api.admin.post(f"{LAB}/services", {"metadata": {"name": "web"}, "spec": {"ports": ports}})
    )
    api.must(api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": TEMPLATE["spec"]}))
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
    api.must(api.admin.post(f"{APPS}/deployments", {"metadata": {"name": "d"}, "spec": spec}))
    return api


@pytest.mark.parametrize(
    ("name", "why"),
    [("a%25b", "may not contain '%'"), ("..", "may not be '..'"), (".", "may not be '.'")],
)
def test_a_name_that_can_be_no_objects(api: ClusterApi, name: str, why: str) -> None:
    shown = name.replace("%25", "%")
    for reply in (
        api.admin.get(f"{LAB}/configmaps/{name}"),
        api.admin.delete(f"{LAB}/configmaps/{name}"),
    ):
        assert (reply.status, reply.message) == (400, f'Name parameter invalid: "{shown}": {why}')


def test_two_slashes_lead_nowhere(api: ClusterApi) -> None:
    assert api.admin.get("//api/v1/namespaces").status == 404


@pytest.mark.parametrize(
    ("parameters", "status"), [(";foo", 415), (";a=b; c", 415), ("; charset=utf-8", 201)]
)
def test_a_media_types_parameters_have_values(
    api: ClusterApi, parameters: str, status: int
) -> None:
    headers = {"content-type": f"application/json{parameters}"}
    reply = api.admin.call(
        "POST", f"{LAB}/configmaps", {"metadata": {"name": "x"}}, headers=headers
    )
    assert reply.status == status


def test_an_older_eviction_evicts(web: ClusterApi) -> None:
    eviction = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert web.admin.post(f"{LAB}/pods/p/eviction", eviction).status == 201
    assert web.admin.get(f"{LAB}/pods/p").status == 404


def test_an_eviction_names_its_pod(web: ClusterApi) -> None:
    reply = web.admin.post(f"{LAB}/pods/p/eviction", {"metadata": {"name": "q"}})
    assert (reply.status, reply.message) == (
        400,
        "name in URL does not match name in Eviction object",
    )


def test_a_scale_has_a_name(web: ClusterApi) -> None:
    reply = web.admin.put(f"{APPS}/deployments/d/scale", {})
    why = "the name of the object (d based on URL) was undeterminable: name must be provided"
    assert (reply.status, reply.message) == (400, why)


def test_the_status_of_a_deployment_leaves_its_labels(web: ClusterApi) -> None:
    change = {"metadata": {"labels": {"new": "1"}, "annotations": {"new": "1"}}}
    made = web.must(web.admin.patch(f"{APPS}/deployments/d/status", change))["metadata"]
    assert "labels" not in made
    assert made["annotations"]["new"] == "1"


def test_a_pods_addresses(web: ClusterApi) -> None:
    status = f"{LAB}/pods/p/status"
    assert web.admin.patch(status, {"status": {"podIP": "bad"}}).status == 422
    made = web.must(web.admin.patch(status, {"status": {"podIP": "10.1.2.3"}}))
    assert made["status"]["podIPs"] == [{"ip": "10.1.2.3"}]


def test_an_object_that_is_not_there_has_no_uid(api: ClusterApi) -> None:
    body = {"metadata": {"name": "x", "uid": "5"}}
    assert api.admin.put(f"{LAB}/configmaps/x", body).status == 404
    reply = api.admin.put(f"{LAB}/limitranges/x", {**body, "spec": {"limits": []}})
    assert reply.status == 409
    assert reply.message.endswith("UID in precondition: 5, UID in object meta: ")


def test_a_bad_resource_version_deletes_nothing(api: ClusterApi) -> None:
    reply = api.admin.delete(f"{LAB}/configmaps?resourceVersion=abc")
    assert (reply.status, reply.message.startswith("invalid resource version: ")) == (400, True)


def test_nothing_at_all_is_no_merge_patch(web: ClusterApi) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    request = Request("PATCH", f"{LAB}/services/web", {}, headers, b"null", web.admin.certificate)
    reply = json.loads(web.admin.cluster.handle(request).body)
    assert (reply["code"], reply["message"]) == (400, "Invalid JSON Patch")


def test_the_whole_document_can_only_be_compared_or_replaced(web: ClusterApi) -> None:
    headers = {"content-type": "application/json-patch+json"}
    body = [{"op": "add", "path": "", "value": {}}]
    assert web.admin.call("PATCH", f"{LAB}/services/web", body, headers=headers).status == 422


def strategic(api: ClusterApi, spec: Any) -> Any:
    return api.admin.call("PATCH", f"{LAB}/services/web", {"spec": spec}, headers=STRATEGIC)


def test_what_is_patched_stands_in_the_wanted_order(web: ClusterApi) -> None:
    reply = strategic(
        web, {"$setElementOrder/ports": [{"port": 443}], "ports": [{"port": 77, "name": "q"}]}
    )
    assert (reply.status, "reason" in reply.body) == (500, False)
    assert reply.message == (
        "The order in patch list:\n[map[name:q port:77]]\n doesn't match $setElementOrder list:\n[map[port:443]]\n"
    )
    assert (
        strategic(
            web, {"$setElementOrder/ports": [{"port": 443}, {"port": 80}], "ports": [{"port": 80}]}
        ).status
        == 200
    )


def test_the_order_of_a_field_that_is_not_there(web: ClusterApi) -> None:
    reply = strategic(web, {"$setElementOrder/nope": []})
    assert (
        reply.message == 'unable to find api field in struct ServiceSpec for the json field "nope"'
    )


def test_a_list_that_is_replaced_takes_no_directives(web: ClusterApi) -> None:
    account = f"{LAB}/serviceaccounts/default"
    for secrets in ([{"name": "a"}], [{"name": "a", "$patch": "delete"}]):
        reply = web.admin.call("PATCH", account, {"imagePullSecrets": secrets}, headers=STRATEGIC)
        assert reply.body["imagePullSecrets"] == [{"name": "a"}]


def test_an_empty_list_of_partial_objects_and_a_table_without_rows(api: ClusterApi) -> None:
    partial = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    assert api.admin.call("GET", f"{LAB}/pods", headers=partial).body["items"] is None
    table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    assert api.admin.call("GET", f"{LAB}/limitranges", headers=table).body["rows"] is None
    assert api.admin.call("GET", f"{LAB}/pods", headers=table).body["rows"] == []


def test_a_refusal_of_nothing_in_particular(api: ClusterApi) -> None:
    reply = api.user("jane").get("/api/v1//namespaces")
    assert reply.status == 403
    assert reply.message.startswith('forbidden: User "jane" cannot get resource "" in API group ""')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"apiVersion": "a/b/c"},
            "(must be of type LimitRange): unexpected GroupVersion string: a/b/c (",
        ),
        ({"apiVersion": "v1/"}, "Object 'apiVersion' is missing in '{"),
        (
            {"apiVersion": "apps/v9", "kind": "Status"},
            "converting (v1.Status) to (core.LimitRange): unknown conversion",
        ),
        (
            {"apiVersion": "apps/v1", "kind": "ListOptions"},
            "converting (v1.ListOptions) to (core.LimitRange)",
        ),
        (
            {"apiVersion": "apps/v9", "kind": "ListOptions"},
            'no kind "ListOptions" is registered for version "apps/v9"',
        ),
    ],
)
def test_a_body_of_another_kind(api: ClusterApi, body: Any, message: str) -> None:
    reply = api.admin.post(f"{LAB}/limitranges", body)
    assert (reply.status, message in reply.message) == (400, True), reply.message


def test_kinds_of_the_aggregator_have_a_scheme_of_their_own(api: ClusterApi) -> None:
    reply = api.admin.post(
        "/apis/apiregistration.k8s.io/v1/apiservices", {"apiVersion": "apps/v1", "kind": "Pod"}
    )
    assert reply.message.endswith(
        'in scheme "k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28"'
    )


def test_events_have_no_dependents_to_orphan(api: ClusterApi) -> None:
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "namespace": "lab", "name": "p"},
    }
    api.must(api.admin.post(f"{LAB}/events", event))
    assert (
        api.must(api.admin.delete(f"{LAB}/events/e?propagationPolicy=Orphan"))["status"]
        == "Success"
    )
    assert api.admin.get(f"{LAB}/events/e").status == 404


def test_managers_of_a_version_that_the_object_has_not_are_forgotten(api: ClusterApi) -> None:
    other = {
        "manager": "m",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:x": {}},
    }
    body = {"metadata": {"name": "l", "managedFields": [other]}, "spec": {"holderIdentity": "me"}}
    made = api.must(api.admin.post("/apis/coordination.k8s.io/v1/namespaces/lab/leases", body))
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["unknown"]


def test_an_evictions_options_make_sense(web: ClusterApi) -> None:
    body = {"metadata": {"name": "p"}, "deleteOptions": {"propagationPolicy": "x"}}
    reply = web.admin.post(f"{LAB}/pods/p/eviction", body)
    assert causes(reply) == [
        (
            "propagationPolicy",
            'Unsupported value: "x": supported values: "Foreground", "Background", "Orphan", "nil"',
        )
    ]


def test_a_scale_of_another_object_or_version(web: ClusterApi) -> None:
    name = web.admin.get(f"{APPS}/deployments").body["items"][0]["metadata"]["name"]
    scale = f"{APPS}/deployments/{name}/scale"
    reply = web.admin.put(
        f"{scale}?dryRun=All", {"metadata": {"name": name, "uid": "x"}, "spec": {"replicas": 1}}
    )
    assert (reply.status, f"Key: /deployments/lab/{name}, " in reply.message) == (409, True)
    older = {"apiVersion": "apps/v1beta1", "kind": "Scale", "metadata": {"name": name}, "spec": {}}
    assert web.admin.put(scale, older).message == (
        "the API version in the data (apps/v1beta1) does not match the expected API version (autoscaling/v1)"
    )
