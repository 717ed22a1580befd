"""What a CertificateSigningRequest may say, and what may change in it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, causes
from kube_embedded.tests.support.requests import request_body, signing_request

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
APPROVED = {"type": "Approved", "status": "True"}
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def broken() -> str:
    """A request whose signature is not its own."""
    pem = base64.b64decode(signing_request("bob")).decode()
    head, *lines, tail = pem.strip().split("\n")
    der = bytearray(base64.b64decode("".join(lines)))
    der[der.index(b"bob")] ^= 1
    text = base64.b64encode(bytes(der)).decode()
    return base64.b64encode(f"{head}\n{text}\n{tail}\n".encode()).decode()


def test_a_request_must_be_complete(api: ClusterApi) -> None:
    assert causes(api.admin.post(PATH, {"metadata": {"name": "x"}})) == [
        ("spec.request", "Invalid value: null: PEM block type must be CERTIFICATE REQUEST"),
        ("spec.usages", "Required value"),
        ("spec.signerName", "Required value"),
    ]


def test_the_request_must_be_signed_by_its_key(api: ClusterApi) -> None:
    request = broken()
    assert causes(api.admin.post(PATH, request_body("x", request))) == [
        ("spec.request", f'Invalid value: "{request}": x509: ECDSA verification failure')
    ]


@pytest.mark.parametrize(
    ("signer", "expected"),
    [
        (
            "foo",
            [
                "foo: must be a fully qualified domain and path of the form 'example.com/signer-name'"
            ],
        ),
        ("foo/bar", ["foo: should be a domain with at least two segments separated by dots"]),
        ("Foo.com/bar", [f'Foo.com: validating label "Foo": {LABEL}']),
        (
            "kubernetes.io/legacy-unknown",
            [
                "kubernetes.io/legacy-unknown: the legacy signerName is not allowed via this API version"
            ],
        ),
    ],
)
def test_a_signers_name(api: ClusterApi, signer: str, expected: list[str]) -> None:
    found = causes(api.admin.post(PATH, request_body("x", signing_request("bob"), signer)))
    assert found == [
        ("spec.signerName", 'Invalid value: "{}": {}'.format(*text.split(": ", 1)))
        for text in expected
    ]


def test_usages_and_the_time(api: ClusterApi) -> None:
    body = request_body("x", signing_request("bob"))
    body["spec"] |= {"usages": ["client auth", "fun", "client auth"], "expirationSeconds": 599}
    found = causes(api.admin.post(PATH, body))
    assert [field for field, _ in found] == [
        "spec.usages[1]",
        "spec.usages[2]",
        "spec.expirationSeconds",
    ]
    assert found[0][1].startswith(
        'Unsupported value: "fun": supported values: "any", "cert sign", "client auth"'
    )
    assert found[1][1] == 'Duplicate value: "client auth"'
    assert (
        found[2][1]
        == "Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)"
    )


def made(api: ClusterApi) -> Any:
    return api.must(api.admin.post(PATH, request_body("bob", signing_request("bob"))))


def test_a_spec_never_changes(api: ClusterApi) -> None:
    before = made(api)
    changed = {"metadata": {"labels": {"a": "b"}}, "spec": {"signerName": "example.com/other"}}
    after = api.must(api.admin.patch(f"{PATH}/bob", changed))
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == {"a": "b"}
    # Nobody may be the first to be noted on an object that nobody owned.
    assert "managedFields" not in after["metadata"]


def test_only_approval_decides(api: ClusterApi) -> None:
    made(api)
    api.must(api.admin.patch(f"{PATH}/bob", {"status": {"conditions": [APPROVED]}}))
    assert api.must(api.admin.get(f"{PATH}/bob"))["status"] == {}
    assert causes(
        api.admin.patch(f"{PATH}/bob/status", {"status": {"conditions": [APPROVED]}})
    ) == [("status.conditions", 'Forbidden: updates may not add a condition of type "Approved"')]
    both = [APPROVED, {"type": "Denied", "status": "True"}]
    assert causes(api.admin.patch(f"{PATH}/bob/approval", {"status": {"conditions": both}})) == [
        (
            "status.conditions",
            'Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
        )
    ]
    odd = [
        {"type": "Approved", "status": "False"},
        {"type": "Odd", "status": "X"},
        {"type": "", "status": ""},
    ]
    assert causes(api.admin.patch(f"{PATH}/bob/approval", {"status": {"conditions": odd}})) == [
        ("status.conditions[0].status", 'Unsupported value: "False": supported values: "True"'),
        (
            "status.conditions[1].status",
            'Unsupported value: "X": supported values: "False", "True", "Unknown"',
        ),
        ("status.conditions[2].type", "Required value"),
        ("status.conditions[2].status", "Required value"),
    ]


def test_approval_writes_nothing_but_conditions(api: ClusterApi) -> None:
    api.must(api.admin.post(PATH, request_body("x", signing_request("x"), "example.com/mine")))
    body = {
        "status": {"certificate": "Zm9v", "conditions": [APPROVED]},
        "spec": {"signerName": "a.b/c"},
    }
    after = api.must(api.admin.patch(f"{PATH}/x/approval", body))
    assert "certificate" not in after["status"]
    assert after["spec"]["signerName"] == "example.com/mine"
    (condition,) = after["status"]["conditions"]
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"] == "2027-01-15T08:00:00Z"


def test_a_certificate_comes_once(api: ClusterApi) -> None:
    api.must(api.admin.post(PATH, request_body("x", signing_request("x"), "example.com/mine")))
    for text, problem in (
        ("foo", "must contain at least one CERTIFICATE PEM block"),
        (
            "-----BEGIN X-----\nAAAA\n-----END X-----\n",
            'only CERTIFICATE PEM blocks are allowed, found "X"',
        ),
        (
            "-----BEGIN CERTIFICATE-----\na: b\n\nAAAA\n-----END CERTIFICATE-----\n",
            "no PEM block headers are permitted",
        ),
    ):
        body = {"status": {"certificate": base64.b64encode(text.encode()).decode()}}
        assert causes(api.admin.patch(f"{PATH}/x/status", body)) == [
            ("status.certificate", f'Invalid value: "<certificate data>": {problem}')
        ]
    authority = base64.b64encode(api.cluster.keys.ca_certificate).decode()
    api.must(api.admin.patch(f"{PATH}/x/status", {"status": {"certificate": authority}}))
    assert causes(api.admin.patch(f"{PATH}/x/status", {"status": {"certificate": None}})) == [
        ("status.certificate", "Forbidden: updates may not modify existing certificate content")
    ]


def test_requests_are_chosen_by_signer(api: ClusterApi) -> None:
    made(api)
    api.must(api.admin.post(PATH, request_body("x", signing_request("x"), "example.com/mine")))
    found = api.must(api.admin.get(f"{PATH}?fieldSelector=spec.signerName=example.com/mine"))
    assert [item["metadata"]["name"] for item in found["items"]] == ["x"]
    refused = api.admin.get(f"{PATH}?fieldSelector=spec.username=x")
    assert refused.message == "field label not supported: spec.username"
