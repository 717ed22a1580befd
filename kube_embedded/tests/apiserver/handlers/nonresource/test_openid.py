"""The documents with which others verify tokens."""

from __future__ import annotations

import pytest

from kube_embedded.apiserver.authentication.claims import ISSUER
from kube_embedded.tests.support.cluster import ClusterApi

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/openid/v1/jwks"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    api = ClusterApi()
    api.namespace("lab")
    api.cluster.address = "127.0.0.1:6443"
    return api


def test_configuration(api: ClusterApi) -> None:
    reply = api.admin.get(CONFIGURATION)
    assert reply.body == {
        "issuer": ISSUER,
        "jwks_uri": f"https://127.0.0.1:6443{KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    assert reply.headers["Cache-Control"] == "public, max-age=3600"


def test_keys(api: ClusterApi) -> None:
    reply = api.admin.get(KEYS, headers={"accept": "application/jwk-set+json"})
    assert reply.headers["Content-Type"] == "application/jwk-set+json"
    assert reply.headers["Cache-Control"] == "public, max-age=3600"
    assert reply.body == api.cluster.signer.key_set()
    assert set(reply.body["keys"][0]) == {"use", "kty", "kid", "alg", "n", "e"}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("text/html, application/jwk-set+json;q=0.1", 200),
        ("a/b", 406),
    ],
)
def test_accept(api: ClusterApi, accept: str, status: int) -> None:
    assert api.admin.get(KEYS, headers={"accept": accept}).status == status


def test_not_acceptable(api: ClusterApi) -> None:
    reply = api.admin.get(KEYS)
    assert (reply.status, reply.body["reason"]) == (406, "NotAcceptable")
    assert (
        reply.message
        == "406: Not Acceptable\n\nAvailable representations: application/jwk-set+json"
    )
    assert reply.headers["Cache-Control"] == "no-cache, private"


def test_accounts_may_read_them_and_strangers_may_not(api: ClusterApi) -> None:
    bot = api.account("lab", "bot")
    assert bot.get(CONFIGURATION).status == 200
    assert bot.get(KEYS, headers={"accept": "*/*"}).status == 200
    assert api.anonymous.get(CONFIGURATION).status == 403
    assert api.user("jane").get(KEYS).status == 403


def test_other_methods(api: ClusterApi) -> None:
    assert api.admin.post(CONFIGURATION, {}).status == 405
    assert api.admin.get("/openid/v1").status == 404
