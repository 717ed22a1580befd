"""A token is worth something in one place only."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kube_embedded.apiserver.authentication.signer import TokenSigner
from kube_embedded.machinery.pki.keys import Keys, new_token_key
from kube_embedded.tests.apiserver.authentication import forge
from kube_embedded.tests.support.cluster import Caller, ClusterApi, keys, rule

SECRETS = "/api/v1/namespaces/lab/secrets"
POD = {"kind": "Pod", "apiVersion": "v1"}


@pytest.fixture
def api() -> ClusterApi:
    """In ``lab``, the account ``strong`` can read Secrets and ``weak`` has no rights."""
    return lab()


def lab(cluster_keys: Keys | None = None) -> ClusterApi:
    api = ClusterApi(cluster_keys=cluster_keys)
    api.namespace("lab")
    for name in ("strong", "weak"):
        api.account("lab", name)
    api.role("secrets", rule("get list", "secrets"), namespace="lab")
    api.bind("strong", "Role/secrets", "ServiceAccount/lab/strong", namespace="lab")
    return api


def unauthorized(caller: Caller) -> None:
    for path in (SECRETS, "/version", "/api"):
        reply = caller.get(path)
        assert (reply.status, reply.message) == (401, "Unauthorized")


def test_the_strong_account_may(api: ClusterApi) -> None:
    assert api.bearer(api.token("lab", "strong")).get(SECRETS).status == 200


def test_of_another_account(api: ClusterApi) -> None:
    token = api.token("lab", "weak")
    assert api.bearer(token).get(SECRETS).status == 403
    strong = api.admin.get("/api/v1/namespaces/lab/serviceaccounts/strong").body["metadata"]
    unauthorized(api.bearer(forge.with_claims(token, sub="system:serviceaccount:lab:strong")))
    kubernetes = {"namespace": "lab", "serviceaccount": {"name": "strong", "uid": strong["uid"]}}
    unauthorized(api.bearer(forge.with_claims(token, **{"kubernetes.io": kubernetes})))


def test_of_another_cluster(api: ClusterApi) -> None:
    other = lab(Keys.generate())
    unauthorized(api.bearer(other.token("lab", "strong")))
    unauthorized(other.bearer(api.token("lab", "strong")))


def test_of_another_cluster_with_the_same_key(api: ClusterApi) -> None:
    """Graders share one signing key between clusters; the accounts' uids distinguish them."""
    other = lab()
    assert other.cluster.signer.key_id == api.cluster.signer.key_id
    unauthorized(api.bearer(other.token("lab", "strong")))


def test_of_a_pod_that_is_gone(api: ClusterApi) -> None:
    api.pod("lab", "p", "strong")
    token = api.token("lab", "strong", boundObjectRef={**POD, "name": "p"})
    assert api.bearer(token).get(SECRETS).status == 200
    api.must(api.admin.delete("/api/v1/namespaces/lab/pods/p?gracePeriodSeconds=0"))
    unauthorized(api.bearer(token))
    api.pod("lab", "p", "strong")
    unauthorized(api.bearer(token))


def test_of_an_account_that_was_made_again(api: ClusterApi) -> None:
    token = api.token("lab", "strong")
    api.must(api.admin.delete("/api/v1/namespaces/lab/serviceaccounts/strong"))
    unauthorized(api.bearer(token))
    api.account("lab", "strong")
    unauthorized(api.bearer(token))


def test_of_another_namespace(api: ClusterApi) -> None:
    api.namespace("other")
    api.account("other", "strong")
    assert api.bearer(api.token("other", "strong")).get(SECRETS).status == 403


def test_for_another_audience(api: ClusterApi) -> None:
    unauthorized(api.bearer(api.token("lab", "strong", audiences=["vault"])))
    assert (
        api.bearer(api.token("lab", "strong", audiences=["vault", forge_issuer(api)]))
        .get(SECRETS)
        .status
        == 200
    )


def forge_issuer(api: ClusterApi) -> str:
    issuer: str = forge.claims_of(api.token("lab", "strong"))["iss"]
    return issuer


def test_expired(api: ClusterApi) -> None:
    caller = api.bearer(api.token("lab", "strong", expirationSeconds=600))
    assert caller.get(SECRETS).status == 200
    api.clock.now += 600 + 61
    unauthorized(caller)


def test_without_a_signature(api: ClusterApi) -> None:
    token = api.token("lab", "strong")
    for algorithm in ("none", "None", "NONE", "nOnE", "", "HS256"):
        unauthorized(api.bearer(forge.unsigned(token, algorithm)))
    unauthorized(api.bearer(token.rpartition(".")[0]))
    unauthorized(api.bearer(token.rpartition(".")[0] + "."))


def test_key_confusion(api: ClusterApi) -> None:
    """The world-readable public key is not a secret that signs tokens."""
    token = api.token("lab", "strong")
    private = serialization.load_pem_private_key(keys().token_key, None)
    assert isinstance(private, rsa.RSAPrivateKey)
    public = private.public_key()
    forms = [
        public.public_bytes(encoding, form)
        for encoding, form in (
            (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
            (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        )
    ]
    for secret in [*forms, *(form.strip() for form in forms), b""]:
        unauthorized(api.bearer(forge.signed_with_secret(token, secret)))


def test_a_key_of_ones_own(api: ClusterApi) -> None:
    """Keys that a token brings or points to are not looked at."""
    own = new_token_key()
    claims = forge.claims_of(api.token("lab", "strong"))
    number = TokenSigner(own).key_set()["keys"][0]
    headers: list[dict[str, Any]] = [
        {},
        {"kid": api.cluster.signer.key_id},
        {"kid": "../../../../dev/null"},
        {"jwk": number},
        {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/cert"},
    ]
    for header in headers:
        unauthorized(api.bearer(jwt.encode(claims, own, "RS256", headers=header)))


def test_tampered_anywhere(api: ClusterApi) -> None:
    token = api.token("lab", "strong")
    caller = api.bearer(token)
    assert caller.get(SECRETS).status == 200
    for position in range(0, len(token), 7):
        if token[position] == ".":
            continue
        letter = "A" if token[position] != "A" else "B"
        unauthorized(api.bearer(token[:position] + letter + token[position + 1 :]))
    for other in (
        token + "A",
        token[:-1],
        token[1:],
        token + "=",
        token.swapcase(),
        token + "." + token,
    ):
        unauthorized(api.bearer(other))
    last = token[-1]
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if letter != last:
            unauthorized(api.bearer(token[:-1] + letter))


def test_a_bad_token_is_not_anonymous(api: ClusterApi) -> None:
    assert api.anonymous.get("/version").status == 200
    assert api.bearer("x").get("/version").status == 401


def test_asking_for_the_token_of_a_stronger_account(api: ClusterApi) -> None:
    weak = api.bearer(api.token("lab", "weak"))
    path = "/api/v1/namespaces/lab/serviceaccounts/strong/token"
    assert weak.post(path, {}).status == 403
    api.role("own", rule("create", "serviceaccounts/token", names="weak"), namespace="lab")
    api.bind("own", "Role/own", "ServiceAccount/lab/weak", namespace="lab")
    assert weak.post("/api/v1/namespaces/lab/serviceaccounts/weak/token", {}).status == 201
    assert weak.post(path, {}).status == 403


def test_binding_a_token_to_anothers_pod(api: ClusterApi) -> None:
    api.pod("lab", "p", "strong")
    reply = api.admin.post(
        "/api/v1/namespaces/lab/serviceaccounts/weak/token",
        {"spec": {"boundObjectRef": {**POD, "name": "p"}}},
    )
    assert reply.status == 400


def test_a_token_secret_for_a_stronger_account_needs_the_right_to_read_it(api: ClusterApi) -> None:
    """The right to create Secrets creates tokens; without ``get`` they cannot be read."""
    api.role("maker", rule("create", "secrets"), namespace="lab")
    api.bind("maker", "Role/maker", "ServiceAccount/lab/weak", namespace="lab")
    weak = api.bearer(api.token("lab", "weak"))
    body = {
        "metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "strong"}},
        "type": "kubernetes.io/service-account-token",
    }
    reply = weak.post(SECRETS, body)
    assert "data" not in api.must(reply)
    assert weak.get(f"{SECRETS}/t").status == 403


def test_a_remembered_signature_gives_nothing_away(api: ClusterApi) -> None:
    """The cache of a verified token has its signature, never its validity."""
    token = api.token("lab", "strong")
    caller = api.bearer(token)
    for _ in range(3):
        assert caller.get(SECRETS).status == 200
    api.must(
        api.admin.delete("/apis/rbac.authorization.k8s.io/v1/namespaces/lab/rolebindings/strong")
    )
    assert caller.get(SECRETS).status == 403
    api.must(api.admin.delete("/api/v1/namespaces/lab/serviceaccounts/strong"))
    unauthorized(caller)
