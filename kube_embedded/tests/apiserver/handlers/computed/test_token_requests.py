"""Asking for a token."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.authentication.claims import ISSUER
from kube_embedded.tests.apiserver.authentication.forge import claims_of, header_of
from kube_embedded.tests.support.cluster import ClusterApi, Reply, rule

LAB = "/api/v1/namespaces/lab"
TOKEN = f"{LAB}/serviceaccounts/bot/token"
POD = {"kind": "Pod", "apiVersion": "v1", "name": "p"}


@pytest.fixture
def api() -> ClusterApi:
    api = ClusterApi()
    api.namespace("lab")
    api.account("lab", "bot")
    return api


def ask(api: ClusterApi, **spec: Any) -> Reply:
    return api.admin.post(TOKEN, {"spec": spec})


def test_defaults(api: ClusterApi) -> None:
    account = api.admin.get(f"{LAB}/serviceaccounts/bot").body
    body = api.must(api.admin.post(TOKEN, {}, headers={"user-agent": "kubectl/v1.32"}))
    metadata = body["metadata"]
    assert metadata["name"] == "bot"
    assert metadata["namespace"] == "lab"
    assert metadata["uid"] == account["metadata"]["uid"]
    assert metadata["managedFields"][0]["manager"] == "kubectl"
    assert metadata["managedFields"][0]["subresource"] == "token"
    assert body["spec"] == {
        "audiences": [ISSUER],
        "expirationSeconds": 3600,
        "boundObjectRef": None,
    }
    assert body["status"]["expirationTimestamp"] == "2027-01-15T09:00:00Z"
    token = body["status"]["token"]
    assert header_of(token) == {"alg": "RS256", "kid": api.cluster.signer.key_id}
    claims = claims_of(token)
    jti = claims.pop("jti")
    assert len(jti) == 36
    assert claims == {
        "aud": [ISSUER],
        "exp": 1_800_003_600,
        "iat": 1_800_000_000,
        "iss": ISSUER,
        "kubernetes.io": {
            "namespace": "lab",
            "serviceaccount": {"name": "bot", "uid": metadata["uid"]},
        },
        "nbf": 1_800_000_000,
        "sub": "system:serviceaccount:lab:bot",
    }


def test_every_token_is_another(api: ClusterApi) -> None:
    assert api.token("lab", "bot") != api.token("lab", "bot")


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        (599, "may not specify a duration less than 10 minutes"),
        (0, "may not specify a duration less than 10 minutes"),
        (-1, "may not specify a duration less than 10 minutes"),
        (2**32 + 1, "may not specify a duration larger than 2^32 seconds"),
    ],
)
def test_lifetime(api: ClusterApi, seconds: int, why: str) -> None:
    reply = ask(api, expirationSeconds=seconds)
    assert reply.status == 422
    assert reply.message == (
        f'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: {seconds}: {why}'
    )


def lifetime(api: ClusterApi, reply: Reply) -> tuple[int, Any]:
    claims = claims_of(api.must(reply)["status"]["token"])
    return claims["exp"] - claims["iat"], claims["kubernetes.io"].get("warnafter")


def test_the_3607_rule(api: ClusterApi) -> None:
    api.pod("lab", "p", "bot")
    bound = {"boundObjectRef": POD, "expirationSeconds": 3607}
    reply = ask(api, **bound)
    assert lifetime(api, reply) == (31_536_000, 1_800_003_607)
    assert reply.body["status"]["expirationTimestamp"] == "2027-01-15T09:00:07Z"
    assert reply.body["spec"]["expirationSeconds"] == 3607
    assert lifetime(api, ask(api, **bound, audiences=[ISSUER]))[0] == 31_536_000
    assert lifetime(api, ask(api, **bound, audiences=[ISSUER, "x"])) == (3607, None)
    assert lifetime(api, ask(api, expirationSeconds=3607)) == (3607, None)
    assert lifetime(api, ask(api, boundObjectRef=POD, expirationSeconds=3608)) == (3608, None)


@pytest.mark.parametrize(
    ("ref", "status", "message"),
    [
        ({**POD, "name": "ghost"}, 404, 'pods "ghost" not found'),
        ({"kind": "Secret", "apiVersion": "v1", "name": "x"}, 404, 'secrets "x" not found'),
        ({"kind": "Node", "apiVersion": "v1", "name": "x"}, 404, 'nodes "x" not found'),
        (
            {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"},
            400,
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
        (
            {"kind": "Pod", "apiVersion": "apps/v1", "name": "p"},
            400,
            "cannot bind token to object of type apps/v1, Kind=Pod",
        ),
        ({"name": "p"}, 400, "cannot bind token to object of type /, Kind="),
        (
            {**POD, "uid": "0"},
            409,
            'Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (0) does not match '
            "the UID in record. The object might have been deleted and then recreated",
        ),
    ],
)
def test_bound_object(api: ClusterApi, ref: Any, status: int, message: str) -> None:
    api.pod("lab", "p", "bot")
    reply = ask(api, boundObjectRef=ref)
    assert (reply.status, reply.message) == (status, message)


def test_the_pod_must_run_as_the_account(api: ClusterApi) -> None:
    api.account("lab", "other")
    api.pod("lab", "p", "other")
    reply = ask(api, boundObjectRef=POD)
    assert reply.status == 400
    assert reply.message == (
        'cannot bind token for serviceaccount "bot" to pod running with different serviceaccount name.'
    )


def test_a_pod_with_a_node(api: ClusterApi) -> None:
    api.must(api.admin.post("/api/v1/nodes", {"metadata": {"name": "n1"}}))
    api.pod("lab", "p", "bot")
    pod = api.admin.get(f"{LAB}/pods/p").body
    for name in ("n1", "gone"):
        changed = {**pod, "spec": {**pod["spec"], "nodeName": name}}
        account = api.admin.get(f"{LAB}/serviceaccounts/bot").body
        issued = api.cluster.issue_token(changed, account, "", 3607)
        node = claims_of(issued.token)["kubernetes.io"]["node"]
        assert node["name"] == name
        assert ("uid" in node) == (name == "n1")
        extra = api.bearer(issued.token).who()["extra"]
        assert extra["authentication.kubernetes.io/node-name"] == [name]


@pytest.mark.parametrize(
    ("metadata", "status", "message"),
    [
        ({"name": "bot", "namespace": "lab"}, 201, ""),
        (
            {"name": "x"},
            422,
            'TokenRequest.authentication.k8s.io "bot" is invalid: metadata.name: Invalid value: "x": '
            "must match the service account name if specified",
        ),
        (
            {"namespace": "x"},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
    ],
)
def test_metadata(api: ClusterApi, metadata: Any, status: int, message: str) -> None:
    reply = api.admin.post(TOKEN, {"metadata": metadata})
    assert reply.status == status
    assert reply.body.get("message", "") == message


def test_another_uid(api: ClusterApi) -> None:
    reply = api.admin.post(TOKEN, {"metadata": {"uid": "x"}})
    assert reply.status == 409
    assert (
        "the UID in the token request (x) does not match the UID of the service account"
        in reply.message
    )


def test_namespaces_that_are_missing_or_ending(api: ClusterApi) -> None:
    reply = api.admin.post("/api/v1/namespaces/ghost/serviceaccounts/bot/token", {})
    assert (reply.status, reply.message) == (404, 'namespaces "ghost" not found')
    finalizers = {"metadata": {"finalizers": ["example.com/wait"]}}
    api.must(api.admin.patch(f"{LAB}/serviceaccounts/bot", finalizers))
    api.must(api.admin.delete(LAB))
    reply = api.admin.post(TOKEN, {})
    assert reply.status == 403
    assert reply.message == (
        'serviceaccounts "bot" is forbidden: unable to create new content in namespace lab '
        "because it is being terminated"
    )


def test_no_such_account_and_no_such_method(api: ClusterApi) -> None:
    assert (
        api.admin.post(f"{LAB}/serviceaccounts/ghost/token", {}).message
        == 'serviceaccounts "ghost" not found'
    )
    assert api.admin.get(TOKEN).status == 405


def test_needs_the_right(api: ClusterApi) -> None:
    bot = api.account("lab", "bot")
    reply = bot.post(TOKEN, {})
    assert reply.message == (
        'serviceaccounts "bot" is forbidden: User "system:serviceaccount:lab:bot" cannot create resource '
        '"serviceaccounts/token" in API group "" in the namespace "lab"'
    )
    api.role("tokens", rule("create", "serviceaccounts/token", names="bot"), namespace="lab")
    api.bind("tokens", "Role/tokens", "ServiceAccount/lab/bot", namespace="lab")
    assert bot.post(TOKEN, {}).status == 201
    api.account("lab", "other")
    assert bot.post(f"{LAB}/serviceaccounts/other/token", {}).status == 403


@pytest.mark.parametrize(
    "body", [{"spec": {"expirationSeconds": "x"}}, {"spec": {"audiences": 7}}, {"spec": []}, []]
)
def test_bad_bodies(api: ClusterApi, body: Any) -> None:
    assert api.admin.post(TOKEN, body).status == 400


AS = "application/json;as={};v=v1;g=meta.k8s.io"


def test_a_token_has_no_columns(api: ClusterApi) -> None:
    reply = api.admin.post(TOKEN, {}, headers={"accept": AS.format("Table")})
    assert (reply.status, reply.body["reason"]) == (406, "NotAcceptable")
    assert reply.message.startswith("only the following media types are accepted: ")
    reply = api.admin.post(TOKEN, {}, headers={"accept": "text/html"})
    assert (reply.status, reply.message[:19]) == (406, "406: Not Acceptable")
    body = api.must(
        api.admin.post(TOKEN, {}, headers={"accept": AS.format("PartialObjectMetadata")})
    )
    assert (body["kind"], body["metadata"]["name"]) == ("PartialObjectMetadata", "bot")
    assert "status" not in body


@pytest.mark.parametrize("kind", ["Pod", "Secret", "Node"])
def test_what_a_token_is_bound_to_has_a_name(api: ClusterApi, kind: str) -> None:
    reply = ask(api, boundObjectRef={"kind": kind, "apiVersion": "v1"})
    assert (reply.status, reply.message) == (400, "Name parameter required.")
