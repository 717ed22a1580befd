"""Kinds that are questions."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import IDENTITIES, REVIEWS, ClusterApi, Reply, rule

SAR = f"{REVIEWS}/subjectaccessreviews"
SELF = f"{REVIEWS}/selfsubjectaccessreviews"
LOCAL = f"{REVIEWS}/namespaces/lab/localsubjectaccessreviews"
PODS = {"verb": "get", "resource": "pods"}


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    api = ClusterApi()
    api.namespace("lab")
    api.role("reader", rule("get", "pods"), rule("get", urls="/logs/*"), namespace="")
    api.bind("reader", "ClusterRole/reader", "User/jane", "Group/dev")
    return api


def ask(api: ClusterApi, spec: Any, path: str = SAR, **more: Any) -> Reply:
    return api.admin.post(path, {"spec": spec, **more})


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        ({"user": "jane", "resourceAttributes": PODS}, True),
        ({"user": "kim", "resourceAttributes": PODS}, False),
        ({"groups": ["dev"], "resourceAttributes": PODS}, True),
        ({"user": "jane", "resourceAttributes": {**PODS, "subresource": "log"}}, False),
        ({"user": "jane", "resourceAttributes": {}}, False),
        ({"user": "jane", "nonResourceAttributes": {"path": "/logs/x", "verb": "get"}}, True),
        ({"user": "jane", "nonResourceAttributes": {"path": "", "verb": "get"}}, False),
        ({"user": "x", "groups": ["system:masters"], "nonResourceAttributes": {}}, True),
        ({"user": "jane", "uid": "u", "extra": {"k": ["v"]}, "resourceAttributes": PODS}, True),
    ],
)
def test_subject_access(api: ClusterApi, spec: Any, allowed: bool) -> None:
    body = api.must(ask(api, spec))
    assert body["status"]["allowed"] is allowed
    assert set(body["spec"]) == set(spec)
    assert ("reason" in body["status"]) == (
        allowed and "system:masters" not in spec.get("groups", [])
    )


BOTH = {
    "user": "x",
    "resourceAttributes": {},
    "nonResourceAttributes": {"path": "/", "verb": "get"},
}
FIELD = "spec.resourceAttributes.fieldSelector"
LABEL = "spec.resourceAttributes.labelSelector"


def selecting(**selectors: Any) -> Any:
    return {"user": "x", "resourceAttributes": {**PODS, **selectors}}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"resourceAttributes": PODS},
            'spec.user: Invalid value: "": at least one of user or group must be specified',
        ),
        (
            {"user": "x"},
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
            "resourceAttributes must be specified",
        ),
        (
            BOTH,
            'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in '
            "combination with resourceAttributes",
        ),
        (
            {},
            "[spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
            'resourceAttributes must be specified, spec.user: Invalid value: "": at least one of user or group '
            "must be specified]",
        ),
        (
            selecting(fieldSelector={}),
            f"{FIELD}.requirements: Required value: when {FIELD} is specified, requirements or rawSelector is required",
        ),
        (
            selecting(
                labelSelector={
                    "rawSelector": "a",
                    "requirements": [{"key": "a", "operator": "Exists"}],
                }
            ),
            f'{LABEL}.rawSelector: Invalid value: "a": may not specified at the same time as requirements',
        ),
        (
            selecting(fieldSelector={"requirements": [{"key": "", "operator": "Exists"}]}),
            f"{FIELD}.requirements[0].key: Required value: must be specified",
        ),
        (
            selecting(fieldSelector={"requirements": [{"key": "k", "operator": "In"}]}),
            f"{FIELD}.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            selecting(
                labelSelector={
                    "requirements": [{"key": "k", "operator": "Exists", "values": ["x"]}]
                }
            ),
            f"{LABEL}.requirements[0].values: Forbidden: may not be specified when `operator` is "
            "'Exists' or 'DoesNotExist'",
        ),
    ],
)
def test_validation(api: ClusterApi, spec: Any, message: str) -> None:
    reply = ask(api, spec)
    assert reply.status == 422
    assert reply.message == f'.authorization.k8s.io "" is invalid: {message}'
    assert reply.body["details"]["group"] == "authorization.k8s.io"
    assert "kind" not in reply.body["details"]


@pytest.mark.parametrize(
    ("selectors", "error"),
    [
        ({"fieldSelector": {"rawSelector": "metadata.name=x"}}, None),
        ({"labelSelector": {"rawSelector": "a in (b)"}}, None),
        ({"fieldSelector": {"rawSelector": "nonsense"}}, f"{FIELD} ignored due to parse error"),
        ({"labelSelector": {"rawSelector": "a in"}}, f"{LABEL} ignored due to parse error"),
        (
            {
                "fieldSelector": {
                    "requirements": [
                        {"key": "a", "operator": "In", "values": ["x"]},
                        {"key": "a", "operator": "In", "values": ["x", "y"]},
                    ]
                }
            },
            f"{FIELD} partially ignored due to parse error",
        ),
        (
            {"labelSelector": {"requirements": [{"key": "a", "operator": "Odd"}]}},
            f"{LABEL} ignored due to parse error",
        ),
    ],
)
def test_selectors_that_are_not_understood(
    api: ClusterApi, selectors: Any, error: str | None
) -> None:
    status = api.must(ask(api, selecting(**selectors)))["status"]
    assert status.get("evaluationError") == error
    assert status["allowed"] is False


def test_metadata_must_be_empty(api: ClusterApi) -> None:
    reply = ask(api, {"user": "x", "resourceAttributes": PODS}, metadata={"name": "n"})
    assert reply.status == 422
    assert 'metadata: Invalid value: {"name":"n"' in reply.message
    assert reply.message.endswith(": must be empty")
    own = api.admin.post(
        SELF, {"metadata": {"labels": {"a": "b"}}, "spec": {"resourceAttributes": PODS}}
    )
    assert own.status == 422


def test_self(api: ClusterApi) -> None:
    jane = api.user("jane")
    body = api.must(jane.post(SELF, {"spec": {"resourceAttributes": PODS}}))
    assert body["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by ClusterRoleBinding "reader" of ClusterRole "reader" to User "jane"',
    }
    assert body["metadata"]["managedFields"][0]["manager"] == "unknown"
    assert api.must(jane.post(SELF, {"spec": {"resourceAttributes": {}}}))["status"] == {
        "allowed": False
    }
    assert jane.post(SELF, {"spec": {}}).status == 422


def test_local(api: ClusterApi) -> None:
    here = {"user": "jane", "resourceAttributes": {**PODS, "namespace": "lab"}}
    body = api.must(ask(api, here, LOCAL))
    assert body["metadata"]["namespace"] == "lab"
    assert body["status"]["allowed"] is True
    for attributes in ({**PODS, "namespace": "other"}, PODS):
        reply = ask(api, {"user": "jane", "resourceAttributes": attributes}, LOCAL)
        assert "must match metadata.namespace" in reply.message
    reply = ask(api, {"user": "jane", "nonResourceAttributes": {"path": "/", "verb": "get"}}, LOCAL)
    assert reply.message.endswith("disallowed on this kind of request")
    reply = ask(api, here, LOCAL, metadata={"namespace": "other"})
    assert reply.status == 400


def test_rules(api: ClusterApi) -> None:
    path = f"{REVIEWS}/selfsubjectrulesreviews"
    assert api.user("jane").post(path, {"spec": {}}).message == "no namespace on request"
    body = api.must(api.user("jane").post(path, {"spec": {"namespace": "lab"}}))
    assert (body["metadata"], body["spec"]) == ({}, {})
    status = body["status"]
    assert {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]} in status["resourceRules"]
    assert {"verbs": ["get"], "nonResourceURLs": ["/logs/*"]} in status["nonResourceRules"]
    assert status["incomplete"] is False
    assert "evaluationError" not in status


def test_rules_with_a_missing_role() -> None:
    api = ClusterApi()
    api.bind("b", "ClusterRole/ghost", "User/jane")
    path = f"{REVIEWS}/selfsubjectrulesreviews"
    status = api.must(api.user("jane").post(path, {"spec": {"namespace": "default"}}))["status"]
    assert status["evaluationError"] == 'clusterrole.rbac.authorization.k8s.io "ghost" not found'


def test_rules_of_a_node_are_not_all_that_it_may() -> None:
    api = ClusterApi()
    path = f"{REVIEWS}/selfsubjectrulesreviews"
    node = api.user("system:node:n1", "system:nodes")
    status = api.must(node.post(path, {"spec": {"namespace": "default"}}))["status"]
    assert status["incomplete"] is True
    assert status["evaluationError"] == "node authorizer does not support user rule resolution"


def test_who_am_i(api: ClusterApi) -> None:
    body = api.must(api.user("jane").post(f"{IDENTITIES}/selfsubjectreviews", {}))
    assert set(body["metadata"]) == {"creationTimestamp"}
    assert body["status"]["userInfo"]["username"] == "jane"


def test_a_token_must_be_given(api: ClusterApi) -> None:
    reply = api.admin.post(f"{IDENTITIES}/tokenreviews", {"spec": {"token": ""}})
    assert (reply.status, reply.message) == (
        400,
        "token is required for TokenReview in authentication",
    )


def test_reviews_are_only_created(api: ClusterApi) -> None:
    for path in (SAR, SELF, f"{IDENTITIES}/tokenreviews"):
        assert api.admin.get(path).status == 405
        assert api.admin.delete(path).status == 405


@pytest.mark.parametrize(
    "path", [SAR, SELF, LOCAL, f"{REVIEWS}/selfsubjectrulesreviews", f"{IDENTITIES}/tokenreviews"]
)
@pytest.mark.parametrize(
    "spec", [7, [], "x", {"resourceAttributes": 7}, {"groups": {}}, {"token": 7}, {"extra": []}]
)
def test_bad_bodies(api: ClusterApi, path: str, spec: Any) -> None:
    assert ask(api, spec, path).status in (400, 422, 201)
    assert api.admin.post(path, []).status == 400


@pytest.mark.parametrize(
    "path", [SAR, f"{REVIEWS}/selfsubjectrulesreviews", f"{IDENTITIES}/selfsubjectreviews"]
)
def test_bad_parameters(api: ClusterApi, path: str) -> None:
    reply = api.admin.post(f"{path}?dryRun=Some&fieldValidation=Maybe", {})
    assert reply.status == 422
    assert "dryRun" in reply.message
    assert "fieldValidation" in reply.message


def token_review(api: ClusterApi, token: str, *audiences: str) -> Any:
    return api.must(
        api.admin.post(
            f"{IDENTITIES}/tokenreviews", {"spec": {"token": token, "audiences": audiences}}
        )
    )


def test_audiences_are_told_as_they_were_asked_for(api: ClusterApi) -> None:
    api.account("lab", "aud")
    path = "/api/v1/namespaces/lab/serviceaccounts/aud/token"
    token = api.must(api.admin.post(path, {"spec": {"audiences": ["a", "b"]}}))["status"]["token"]
    assert token_review(api, token, "b", "x", "a", "b")["status"]["audiences"] == ["b", "a", "b"]


def test_a_token_is_read_as_a_header_is(api: ClusterApi) -> None:
    anonymous = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}
    told = token_review(api, " x", "a")["status"]
    assert told == {"authenticated": True, "user": anonymous, "audiences": ["a"]}
    assert token_review(api, "x y")["status"]["error"] == "invalid bearer token"


def test_what_only_the_server_says_is_taken_out(api: ClusterApi) -> None:
    metadata = {"uid": "u", "creationTimestamp": "2020-01-01T00:00:00Z"}
    body = api.must(ask(api, {"user": "jane", "resourceAttributes": PODS}, metadata=metadata))
    assert body["metadata"].keys() == {"managedFields"}


def test_metadata_is_told_in_its_order(api: ClusterApi) -> None:
    reply = ask(
        api,
        {"user": "x", "resourceAttributes": {**PODS, "namespace": "lab"}},
        LOCAL,
        metadata={"name": "n"},
    )
    assert (
        'metadata: Invalid value: {"name":"n","namespace":"lab","managedFields":' in reply.message
    )
    assert api.admin.get(f"{LOCAL}/n").status == 404


def test_a_review_has_no_columns(api: ClusterApi) -> None:
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    reply = api.admin.post(SAR, {"spec": {"user": "x", "resourceAttributes": PODS}}, headers=accept)
    assert (reply.status, reply.body["reason"]) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    ("version", "kind", "why"),
    [
        (
            "authorization.k8s.io/v1beta1",
            "SubjectAccessReview",
            "does not match the expected API version",
        ),
        (
            "extensions/v1beta1",
            "Deployment",
            "converting (v1beta1.Deployment) to (authorization.SubjectAccessReview)",
        ),
        (
            "v1",
            "List",
            "converting (v1.List) to (authorization.SubjectAccessReview): unknown conversion",
        ),
        (
            "extensions/v1beta1",
            "Nope",
            'no kind "Nope" is registered for version "extensions/v1beta1"',
        ),
    ],
)
def test_versions_that_are_only_read(api: ClusterApi, version: str, kind: str, why: str) -> None:
    reply = api.admin.post(SAR, {"apiVersion": version, "kind": kind, "spec": {}})
    assert reply.status == 400
    assert why in reply.message
