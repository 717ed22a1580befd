from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from labkit.client.client import Client
from labkit.client.tokens import EXPLAINED, Token, plain, refuse_mistaken
from labkit.core.errors import TokenError
from labkit.core.redact import HIDDEN, redact
from tests.client.fake import Fake, Reply, Request, fake_api

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = int(time.time())
CLAIMS: dict[str, Any] = {
    "aud": ["https://kubernetes.default.svc.cluster.local"],
    "exp": NOW + 3600,
    "iat": NOW,
    "iss": "https://kubernetes.default.svc.cluster.local",
    "jti": "a-1",
    "kubernetes.io": {
        "namespace": "default",
        "pod": {"name": "curl", "uid": "p-1"},
        "serviceaccount": {"name": "kikai", "uid": "s-1"},
        "warnafter": NOW + 3607,
    },
    "nbf": NOW,
    "sub": "system:serviceaccount:default:kikai",
}


def signed(claims: dict[str, Any] = CLAIMS, key: Any = KEY, kid: str = "k1") -> str:
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def keys(_request: Request) -> Reply:
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return Reply(200, {"keys": [{**key, "kid": "k1", "alg": "RS256", "use": "sig"}]})


@pytest.fixture
def api() -> Iterator[Fake]:
    with fake_api(keys) as fake:
        yield fake


def test_a_good_token_is_decoded_and_verified(api: Fake) -> None:
    token = Token.decode(f"  {signed()}\n", Client(api.endpoint))
    assert token.verified
    assert token.subject == "system:serviceaccount:default:kikai"
    assert token.flat["kubernetes.io.pod.name"] == "curl"
    assert token.bound_to == "pod curl"
    assert not token.legacy
    assert not token.expired


def tampered() -> str:
    header, _, signature = signed().split(".")
    claims = {**CLAIMS, "sub": "system:serviceaccount:kube-system:default"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{header}.{body}.{signature}"


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (tampered(), "header or claims were changed"),
        (signed(key=OTHER), "does not fit"),
        (signed(kid="k2"), "no key k2"),
        (
            jwt.encode(CLAIMS, "secret" * 8, algorithm="HS256", headers={"kid": "k1"}),
            "claims HS256",
        ),
        (jwt.encode(CLAIMS, "", algorithm="none", headers={"kid": "k1"}), "claims none"),
    ],
)
def test_a_bad_token_says_where_verification_fails(api: Fake, raw: str, verdict: str) -> None:
    token = Token.decode(raw, Client(api.endpoint))
    assert not token.verified
    assert verdict in token.verdict
    assert token.card().tone == "bad"


def test_an_expired_token_still_verifies_and_is_called_expired(api: Fake) -> None:
    token = Token.decode(signed({**CLAIMS, "exp": NOW - 10}), Client(api.endpoint))
    assert token.verified
    assert token.expired
    assert "expired" in repr(token)
    assert token.card().tone == "bad"
    assert Token.decode(signed(), Client(api.endpoint)).card().tone == "good"
    assert Token.decode(signed()).card().tone == "bad"


def test_keys_that_cannot_be_read_are_said_so() -> None:
    with fake_api(lambda _: Reply(403, {"kind": "Status"})) as fake:
        token = Token.decode(signed(), Client(fake.endpoint))
    assert "cannot be read (403)" in token.verdict


@pytest.mark.parametrize(
    "text", ["", "a.b", "a.b.c", "!.!.!", "W10.W10.x", "eyJ.eyJ.eyJ", "e30.MTI.x"]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError, match="not a token"):
        Token.decode(text)


def test_reprs_explain_and_never_hold_the_signature(api: Fake) -> None:
    raw = signed()
    token = Token.decode(raw, Client(api.endpoint))
    for text in (repr(token), token._repr_html_(), repr(token.compare(token))):
        assert raw not in text
        assert raw.rpartition(".")[2] not in text
    assert HIDDEN in repr(token)
    shown = html.escape(HIDDEN)
    assert re.search(f"<code[^>]*>{re.escape(shown)}</code>", token._repr_html_())
    assert EXPLAINED["sub"] in repr(token)
    assert token.explain()["kubernetes.io.pod.name"] == EXPLAINED["kubernetes.io.pod.name"]


def test_a_legacy_token_is_known_by_its_flat_claims() -> None:
    claims = {
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "default",
        "kubernetes.io/serviceaccount/secret.name": "kikai-token",
        "sub": "system:serviceaccount:default:kikai",
    }
    token = Token.decode(signed(claims))
    assert token.legacy
    assert token.expires is None
    assert not token.expired
    assert "legacy token of system:serviceaccount:default:kikai" in repr(token)
    assert token.bound_to == "secret kikai-token"
    assert "not checked" in token.verdict


def test_two_tokens_are_compared_claim_by_claim() -> None:
    requested = {**CLAIMS, "jti": "b-2", "kubernetes.io": {**CLAIMS["kubernetes.io"]}}
    del requested["kubernetes.io"]["pod"]
    comparison = Token.decode(signed()).compare(Token.decode(signed(requested)))
    assert not comparison.identical
    assert comparison.different["jti"] == ("a-1", "b-2")
    assert comparison.different["kubernetes.io.pod.name"] == ("curl", None)
    assert comparison.same["sub"] == CLAIMS["sub"]
    assert "3 claims differ" in repr(comparison)
    assert "(none)" in repr(comparison)
    assert "identical" in repr(comparison.left.compare(comparison.left))


def test_redaction_finds_tokens_anywhere() -> None:
    raw = signed()
    assert redact(f"Bearer {raw}, and {raw}.") == f"Bearer {HIDDEN}, and {HIDDEN}."
    encoded = base64.b64encode(raw.encode()).decode()
    assert redact(f'{{"token":"{encoded}"}}') == '{"token":"<base64 of a token>"}'
    assert redact("eyJ and nothing more.") == "eyJ and nothing more."


def encoded(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


@pytest.mark.parametrize(
    ("mistake", "what", "todo"),
    [
        (
            encoded,
            "This is base64 of a token",
            'base64.b64decode(secret["data"]["token"]).decode()',
        ),
        (str.encode, "This is bytes", "add .decode()"),
        (lambda token: str(token.encode()), "This is bytes", "add .decode()"),
        (
            lambda token: f"Bearer {token}",
            "This is the value of a header",
            "Leave the word Bearer out",
        ),
    ],
)
def test_a_token_read_wrongly_is_recognized_and_not_repeated(
    mistake: Any, what: str, todo: str
) -> None:
    token = signed()
    with pytest.raises(TokenError) as caught:
        Token.decode(mistake(token))
    assert what in caught.value.what
    assert todo in caught.value.todo
    assert token[:20] not in str(caught.value)
    assert encoded(token)[:20] not in str(caught.value)
    refuse_mistaken(token)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "in 0 min"),
        (-1, "0 min ago"),
        (90, "in 2 min"),
        (-3600, "60 min ago"),
        (2 * 86400, "in 2880 min"),
        (3 * 86400, "in 3 days"),
        (-10 * 86400, "10 days ago"),
    ],
)
def test_a_time_has_its_date_and_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, seconds: int, said: str
) -> None:
    at = 1_700_000_000
    monkeypatch.setattr(time, "time", lambda: float(at - seconds))
    assert plain("exp", at) == f"{at} (2023-11-14 22:13:20 UTC, {said})"
    assert plain("jti", at) == str(at)


def test_other_claims_are_shown_as_they_are() -> None:
    assert plain("aud", ["a", "b"]) == "a, b"
    assert plain("aud", None) == "(none)"
    assert plain("exp", "soon") == "soon"
