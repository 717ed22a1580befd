"""The road from a signing request to a client certificate."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kube_embedded.tests.support.cluster import ClusterApi, keys, rule
from kube_embedded.tests.support.requests import request_body, signing_request

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
GROUP = "certificates.k8s.io"
KUBELET = "kubernetes.io/kube-apiserver-client-kubelet"
NODE_USAGES = ("digital signature", "key encipherment")
APPROVED = {"type": "Approved", "status": "True", "reason": "Fine", "message": "yes"}


@pytest.fixture
def api() -> ClusterApi:
    return ClusterApi()


def approve(api: ClusterApi, name: str) -> Any:
    return api.must(
        api.admin.patch(f"{PATH}/{name}/approval", {"status": {"conditions": [APPROVED]}})
    )


def certificate(api: ClusterApi, name: str) -> x509.Certificate:
    text = api.must(api.admin.get(f"{PATH}/{name}"))["status"]["certificate"]
    return x509.load_pem_x509_certificate(base64.b64decode(text))


def test_an_approved_request_is_signed_by_the_clusters_authority(api: ClusterApi) -> None:
    api.must(api.admin.post(PATH, request_body("bob", signing_request("bob", "dev", "ops"))))
    answered = approve(api, "bob")
    assert "certificate" not in answered["status"]
    made = certificate(api, "bob")
    authority = x509.load_pem_x509_certificate(keys().ca_certificate)
    made.verify_directly_issued_by(authority)
    assert [
        each.value for each in made.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    ] == ["dev", "ops"]
    assert made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "bob"
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert made.not_valid_after_utc - made.not_valid_before_utc == datetime.timedelta(days=365)
    entry = api.must(api.admin.get(f"{PATH}/bob"))["metadata"].get("managedFields")
    assert entry is None  # what a request says is never owned, so nobody was noted


@pytest.mark.parametrize(
    ("asked", "lasts"),
    [
        (600, 600),
        (7200, 7200),
        (8 * 3600, 8 * 3600 - 300),
        (86400, 86400 - 300),
        (10**9, 365 * 86400 - 300),
    ],
)
def test_a_certificate_lasts_as_long_as_was_asked(api: ClusterApi, asked: int, lasts: int) -> None:
    body = request_body("bob", signing_request("bob"), expirationSeconds=asked)
    api.must(api.admin.post(PATH, body))
    approve(api, "bob")
    now = datetime.datetime.fromtimestamp(api.clock(), datetime.UTC)
    made = certificate(api, "bob")
    assert made.not_valid_before_utc == now - datetime.timedelta(minutes=5)
    end = min(
        now + datetime.timedelta(seconds=lasts),
        x509.load_pem_x509_certificate(keys().ca_certificate).not_valid_after_utc,
    )
    assert made.not_valid_after_utc == end


def test_a_request_says_who_made_it(api: ClusterApi) -> None:
    api.role("ask", rule("create", "certificatesigningrequests", GROUP))
    api.bind("ask", "ClusterRole/ask", "User/jane")
    body = request_body(
        "bob", signing_request("bob"), username="root", groups=["system:masters"], uid="1"
    )
    spec = api.must(api.user("jane", "dev").post(PATH, body))["spec"]
    assert spec["username"] == "jane"
    assert spec["groups"] == ["dev", "system:authenticated"]
    assert spec["extra"] == {
        "authentication.kubernetes.io/credential-id": ["X509SHA256=" + "ab" * 32]
    }
    assert "uid" not in spec


def test_nobody_gets_the_masters_group(api: ClusterApi) -> None:
    reply = api.admin.post(PATH, request_body("bob", signing_request("bob", "system:masters")))
    assert reply.status == 403
    assert reply.message == (
        'certificatesigningrequests.certificates.k8s.io "bob" is forbidden: use of '
        "kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    )
    other = request_body("bob", signing_request("bob", "system:masters"), "example.com/mine")
    assert api.admin.post(PATH, other).status == 201


def test_approving_and_signing_need_the_signer(api: ClusterApi) -> None:
    resources = "certificatesigningrequests certificatesigningrequests/approval certificatesigningrequests/status"
    api.role("all", rule("*", resources, GROUP))
    api.bind("all", "ClusterRole/all", "User/jane")
    jane = api.user("jane")
    api.must(jane.post(PATH, request_body("bob", signing_request("bob"), "example.com/mine")))
    refused = jane.patch(f"{PATH}/bob/approval", {"status": {"conditions": [APPROVED]}})
    assert (refused.status, refused.message) == (
        403,
        'certificatesigningrequests.certificates.k8s.io "bob" is forbidden: user not permitted to approve '
        'requests with signerName "example.com/mine"',
    )
    failed = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    refused = jane.patch(f"{PATH}/bob/status", failed)
    assert (refused.status, refused.message) == (
        403,
        'certificatesigningrequests.certificates.k8s.io "bob" is forbidden: user not permitted to sign '
        'requests with signerName "example.com/mine"',
    )
    assert jane.patch(f"{PATH}/bob/status", {"metadata": {"labels": {"a": "b"}}}).status == 200
    api.role(
        "one",
        rule("approve", "signers", GROUP, "example.com/mine"),
        rule("sign", "signers", GROUP, "example.com/*"),
    )
    api.bind("one", "ClusterRole/one", "User/jane")
    assert jane.patch(f"{PATH}/bob/approval", {"status": {"conditions": [APPROVED]}}).status == 200
    assert (
        jane.patch(
            f"{PATH}/bob/status",
            {"status": {"conditions": [APPROVED, failed["status"]["conditions"][0]]}},
        ).status
        == 200
    )


def test_a_foreign_signers_requests_are_left_alone(api: ClusterApi) -> None:
    api.must(api.admin.post(PATH, request_body("bob", signing_request("bob"), "example.com/mine")))
    approve(api, "bob")
    assert "certificate" not in api.must(api.admin.get(f"{PATH}/bob"))["status"]


def test_a_denied_request_is_not_signed(api: ClusterApi) -> None:
    api.must(api.admin.post(PATH, request_body("bob", signing_request("bob"))))
    denied = {"status": {"conditions": [{"type": "Denied", "status": "True"}]}}
    api.must(api.admin.patch(f"{PATH}/bob/approval", denied))
    assert "certificate" not in api.must(api.admin.get(f"{PATH}/bob"))["status"]
    refused = api.admin.patch(f"{PATH}/bob/approval", {"status": {"conditions": [APPROVED]}})
    assert refused.body["details"]["causes"][0]["message"] == (
        'Forbidden: updates may not remove a condition of type "Denied"'
    )


@pytest.mark.parametrize(
    ("signer", "request_", "usages", "problem"),
    [
        (
            None,
            signing_request("bob"),
            ("server auth",),
            "invalid usage for client certificate: server auth",
        ),
        (
            None,
            signing_request("bob"),
            ("digital signature",),
            "missing required usage for client certificate: client auth",
        ),
        (
            KUBELET,
            signing_request("system:node:n", "system:nodes"),
            ("client auth", *NODE_USAGES),
            "kube-embedded signs no certificates of kubelets, only requests to "
            "kubernetes.io/kube-apiserver-client",
        ),
    ],
)
def test_requests_with_wrong_usages_or_of_kubelets_fail(
    api: ClusterApi, signer: str | None, request_: str, usages: tuple[str, ...], problem: str
) -> None:
    body = request_body("x", request_, signer or "kubernetes.io/kube-apiserver-client", *usages)
    api.must(api.admin.post(PATH, body))
    approve(api, "x")
    status = api.must(api.admin.get(f"{PATH}/x"))["status"]
    assert "certificate" not in status
    last = status["conditions"][-1]
    assert (last["type"], last["reason"], last["message"]) == (
        "Failed",
        "SignerValidationFailure",
        problem,
    )
