"""Where a token may stand in a request."""

from __future__ import annotations

import pytest

from kube_embedded.apiserver.authentication.bearer import (
    BearerAuthenticator,
    header_token,
    protocol_token,
    warn_of_ignored_header,
)
from kube_embedded.apiserver.authentication.identity import TokenIdentity
from kube_embedded.apiserver.authentication.signer import BadToken
from kube_embedded.machinery.request import PeerCertificate, Request
from kube_embedded.machinery.status import ApiError
from kube_embedded.rbac.attributes import User
from kube_embedded.tests.apiserver.authentication.forge import encode
from kube_embedded.tests.support.cluster import Caller, ClusterApi

PREFIX = "base64url.bearer.authorization.k8s.io."


def request(**headers: str) -> Request:
    return Request(
        "GET", "/", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER abc def", "abc"),
        ("  Bearer abc  ", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        ("Basic YTpi", None),
        ("Token abc", None),
        ("Bearerabc", None),
        ("Bearer  abc", None),
    ],
)
def test_header(header: str, token: str | None) -> None:
    assert header_token(header) == token


def test_a_second_space_is_told() -> None:
    asked = request(authorization="Bearer  abc")
    warn_of_ignored_header(asked)
    assert asked.warnings == [
        "the provided Authorization header contains extra space before the bearer token, and is ignored"
    ]


def socket(protocols: str, upgrade: str = "websocket") -> Request:
    return request(upgrade=upgrade, connection="Upgrade", sec_websocket_protocol=protocols)


def test_protocol() -> None:
    named = PREFIX + encode(b"a.b-c_d")
    assert protocol_token(socket(f"v5.channel.k8s.io, {named}")) == "a.b-c_d"
    assert protocol_token(socket(f"{named},v4.channel.k8s.io")) == "a.b-c_d"
    assert protocol_token(socket("v5.channel.k8s.io")) is None
    assert protocol_token(socket(f"v5.channel.k8s.io, {named}", "h2c")) is None
    assert protocol_token(request(sec_websocket_protocol=named)) is None
    assert protocol_token(socket(f"{PREFIX}, v5.channel.k8s.io")) is None


@pytest.mark.parametrize(
    "protocols",
    [
        PREFIX + encode(b"x"),
        f"{PREFIX}{encode(b'x')}, {PREFIX}{encode(b'y')}, v5.channel.k8s.io",
        f"{PREFIX}!!!, v5.channel.k8s.io",
        f"{PREFIX}eA==, v5.channel.k8s.io",
        f"{PREFIX}{encode(bytes([0xFF]))}, v5.channel.k8s.io",
    ],
)
def test_bad_protocol(protocols: str) -> None:
    with pytest.raises(ApiError) as caught:
        protocol_token(socket(protocols))
    assert caught.value.code == 401


def test_authenticator() -> None:
    def authenticate(token: str) -> TokenIdentity:
        if token != "good":
            raise BadToken("no")
        return TokenIdentity(User("x"), ("a",), {"k": "v"}, ("careful",))

    bearer = BearerAuthenticator(authenticate)
    assert bearer(request()) is None
    asked = request(authorization="Bearer good")
    assert bearer(asked) == User("x")
    assert asked.audit.annotations == {"k": "v"}
    assert asked.warnings == ["careful"]
    with pytest.raises(ApiError) as caught:
        bearer(request(authorization="Bearer bad"))
    assert (caught.value.code, caught.value.message) == (401, "Unauthorized")


def test_order_of_credentials() -> None:
    """A certificate beats a token, even a bad one; a bad token is never anonymous."""
    api = ClusterApi()
    admin = PeerCertificate("kubernetes-admin", ("system:masters",), "ab")
    assert Caller(api.cluster, admin, "nonsense").who()["username"] == "kubernetes-admin"
    assert api.bearer("nonsense").get("/version").status == 401
    assert api.anonymous.get("/version").status == 200
    assert api.anonymous.get("/version", headers={"authorization": "Basic YTpi"}).status == 200


def test_a_certificate_says_who() -> None:
    user = ClusterApi().user("jane", "dev", "ops").who()
    assert user == {
        "username": "jane",
        "groups": ["dev", "ops", "system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id": [f"X509SHA256={'ab' * 32}"]},
    }
