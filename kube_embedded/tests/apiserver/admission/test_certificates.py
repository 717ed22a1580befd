"""Certificate signing requests: who asks, who may approve and sign, and whose names are refused."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.admission.attributes import Attributes
from kube_embedded.apiserver.admission.certificates import (
    CertificateRights,
    CertificateSubjects,
    Requestor,
)
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.status import ApiError
from kube_embedded.rbac.attributes import User
from kube_embedded.tests.apiserver.admission.test_plugins import World
from kube_embedded.tests.support.requests import CLIENT, signing_request

JANE = User("jane", ("dev", "system:authenticated"), "7", {"scopes": ("a", "b")})
IDENTITY: dict[str, Any] = {
    "username": "jane",
    "uid": "7",
    "groups": ["dev", "system:authenticated"],
    "extra": {"scopes": ["a", "b"]},
}
FORGED: dict[str, Any] = {
    "username": "root",
    "uid": "0",
    "groups": ["system:masters"],
    "extra": {"x": ["y"]},
}
OTHER = "example.com/signer"


def request(signer: str = CLIENT, status: Any = None, **spec: Any) -> Object:
    metadata = {"name": "r"}
    return {"metadata": metadata, "spec": {"signerName": signer, **spec}, "status": status or {}}


def write(obj: Object | None, operation: str = "CREATE", **more: Any) -> Attributes:
    more = {"user": JANE, **more}
    return World().write(
        "certificatesigningrequests", obj, operation, group="certificates.k8s.io", **more
    )


@pytest.mark.parametrize("field", IDENTITY)
def test_a_request_is_in_the_name_of_its_caller(field: str) -> None:
    obj = request(**{field: FORGED[field]})
    Requestor().admit(write(obj))
    assert obj["spec"] == {"signerName": CLIENT, **IDENTITY}


def test_what_a_caller_does_not_have_is_not_in_the_request() -> None:
    obj = request(**FORGED)
    Requestor().admit(write(obj, user=User("jane")))
    assert obj["spec"] == {"signerName": CLIENT, "username": "jane"}


def test_whoever_changes_a_request_does_not_become_its_requestor() -> None:
    for operation, subresource in (("UPDATE", ""), ("UPDATE", "approval"), ("UPDATE", "status")):
        obj = request(username="bob")
        Requestor().admit(write(obj, operation, subresource=subresource))
        assert obj["spec"] == {"signerName": CLIENT, "username": "bob"}


class Rights(CertificateRights):
    """With one permission; it notes what was asked."""

    def __init__(self, verb: str = "", name: str = "") -> None:
        self.asked: list[tuple[str, str]] = []

        def may(user: User, *asked: str) -> bool:
            self.asked.append((asked[0], asked[1]))
            return asked == (verb, name)

        super().__init__(may)


CHANGED = {"certificate": "x"}, {"conditions": [{"type": "Failed"}]}


@pytest.mark.parametrize(
    ("subresource", "verb", "why"),
    [("approval", "approve", "approve requests"), ("status", "sign", "sign requests")],
)
@pytest.mark.parametrize("status", CHANGED)
def test_approving_and_signing_need_permission_on_the_signer(
    subresource: str, verb: str, why: str, status: Any
) -> None:
    changes = write(request(OTHER, status), "UPDATE", subresource=subresource, old=request(OTHER))
    for name in (OTHER, "example.com/*"):
        Rights(verb, name).validate(changes)
    for rights in (Rights(), Rights(verb, "example.com/other"), Rights(f"{verb}x", OTHER)):
        with pytest.raises(ApiError) as caught:
            rights.validate(changes)
        assert (caught.value.code, caught.value.message) == (
            403,
            'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to '
            f'{why} with signerName "{OTHER}"',
        )


def test_a_permission_is_asked_for_the_stored_signer() -> None:
    changes = write(
        request("other.com/x", CHANGED[0]), "UPDATE", subresource="status", old=request(OTHER)
    )
    Rights("sign", OTHER).validate(changes)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("CREATE", {}),
        ("UPDATE", {"old": request(OTHER)}),
        ("UPDATE", {"old": request(OTHER, CHANGED[0]), "subresource": "status"}),
        ("DELETE", {"old": request(OTHER)}),
    ],
)
def test_other_writes_need_no_permission_on_the_signer(operation: str, more: Any) -> None:
    rights = Rights()
    obj = None if operation == "DELETE" else request(OTHER, CHANGED[0])
    rights.validate(write(obj, operation, **more))
    assert rights.asked == []


def test_no_client_certificate_is_for_masters() -> None:
    masters = signing_request("bob", "dev", "system:masters")
    with pytest.raises(
        ApiError, match=f"use of {CLIENT} signer with system:masters group is not allowed"
    ):
        CertificateSubjects().validate(write(request(request=masters)))
    for obj in (
        request(OTHER, request=masters),
        request(request=signing_request("bob", "dev")),
        request(request=signing_request("system:masters")),
    ):
        CertificateSubjects().validate(write(obj))
    CertificateSubjects().validate(write(request(request=masters), "UPDATE"))
