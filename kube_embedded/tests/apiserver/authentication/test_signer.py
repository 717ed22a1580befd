"""Signatures: ours, and nothing else."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kube_embedded.apiserver.authentication.signer import BadToken, TokenSigner
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.apiserver.authentication import forge
from kube_embedded.tests.support.cluster import keys

ISSUERS = frozenset({"me"})
CLAIMS = {"iss": "me", "sub": "x", "aud": ["a"]}


@pytest.fixture(scope="module")
def signer() -> TokenSigner:
    return TokenSigner(keys().token_key)


def public_key(key: bytes) -> rsa.RSAPublicKey:
    private = serialization.load_pem_private_key(key, None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return private.public_key()


def test_other_libraries_verify_our_tokens(signer: TokenSigner) -> None:
    token = signer.sign(CLAIMS)
    assert (
        jwt.decode(token, public_key(keys().token_key), algorithms=["RS256"], audience="a")
        == CLAIMS
    )
    assert jwt.PyJWK(signer.key_set()["keys"][0]).key_id == signer.key_id
    assert (
        jwt.decode(
            token, jwt.PyJWK(signer.key_set()["keys"][0]), algorithms=["RS256"], audience="a"
        )
        == CLAIMS
    )


def test_we_verify_tokens_of_other_libraries(signer: TokenSigner) -> None:
    token = jwt.encode(CLAIMS, keys().token_key, "RS256", headers={"kid": signer.key_id})
    assert signer.verify(token, ISSUERS) == CLAIMS
    assert signer.verify(jwt.encode(CLAIMS, keys().token_key, "RS256"), ISSUERS) == CLAIMS


def test_header(signer: TokenSigner) -> None:
    der = public_key(keys().token_key).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    expected = {"alg": "RS256", "kid": forge.encode(hashlib.sha256(der).digest())}
    assert forge.header_of(signer.sign(CLAIMS)) == expected


def wrong(signer: TokenSigner, token: str, why: str = "") -> None:
    with pytest.raises(BadToken) as caught:
        signer.verify(token, ISSUERS)
    assert str(caught.value) == why


CRYPTO = "go-jose/go-jose: error in cryptographic primitive"


def test_not_a_token(signer: TokenSigner) -> None:
    token = signer.sign(CLAIMS)
    for text in (
        "",
        "x",
        "a.b",
        "a.b.c.d",
        f"{token}.",
        f" {token}",
        f"{token}=",
        f"{token}!",
        "{}.{}.{}",
        "é.é.é",
    ):
        wrong(signer, text)


def test_claims_that_are_none(signer: TokenSigner) -> None:
    header, _, signature = signer.sign(CLAIMS).split(".")
    for claims in (b"[]", b"null", b"1", b"{", b"\xff", b"[" * 100_000):
        wrong(signer, f"{header}.{forge.encode(claims)}.{signature}")
    wrong(signer, f"{header}.a.{signature}")


def test_issuer_comes_first(signer: TokenSigner) -> None:
    wrong(signer, signer.sign({**CLAIMS, "iss": "other"}))
    wrong(signer, signer.sign({"sub": "x"}))
    wrong(signer, signer.sign({**CLAIMS, "iss": ["me"]}))
    wrong(signer, forge.with_header(signer.sign({**CLAIMS, "iss": "other"}), kid="other"))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS256", "RS512", "PS256", "ES256", "rs256", "", None, 1]
)
def test_other_algorithms(signer: TokenSigner, algorithm: Any) -> None:
    token = signer.sign(CLAIMS)
    wrong(signer, forge.with_header(token, alg=algorithm))
    wrong(signer, forge.with_header(token, alg=algorithm).rpartition(".")[0] + ".")


def test_the_public_key_is_no_secret(signer: TokenSigner) -> None:
    public = public_key(keys().token_key)
    for form in (serialization.Encoding.PEM, serialization.Encoding.DER):
        secret = public.public_bytes(form, serialization.PublicFormat.SubjectPublicKeyInfo)
        wrong(signer, forge.signed_with_secret(signer.sign(CLAIMS), secret))


def test_other_headers(signer: TokenSigner) -> None:
    token = signer.sign(CLAIMS)
    wrong(signer, forge.with_header(token, kid="other"), "invalid signature, no keys found")
    wrong(signer, forge.with_header(token, crit=["b64"], b64=False))
    wrong(signer, forge.with_header(token, kid=7))
    wrong(signer, forge.with_header(token, typ="JWT"), CRYPTO)
    other = TokenSigner(Keys.generate().token_key)
    jwk = other.key_set()["keys"][0]
    forged = jwt.encode(
        CLAIMS, Keys.generate().token_key, "RS256", headers={"jwk": jwk, "kid": signer.key_id}
    )
    wrong(signer, forged, CRYPTO)


def test_tampered(signer: TokenSigner) -> None:
    token = signer.sign(CLAIMS)
    wrong(signer, forge.with_claims(token, sub="admin"), CRYPTO)
    head, _, signature = token.rpartition(".")
    for position in (0, 100, len(signature) - 2):
        letter = "A" if signature[position] != "A" else "B"
        wrong(signer, f"{head}.{signature[:position]}{letter}{signature[position + 1 :]}", CRYPTO)
    wrong(signer, f"{head}.{signature[:-4]}", CRYPTO)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelt_otherwise = (
        signature[:-1] + letters[letters.index(signature[-1]) + 1]
    )  # the last letter's spare bits
    assert urlsafe_b64decode(f"{spelt_otherwise}==") == urlsafe_b64decode(f"{signature}==")
    wrong(signer, f"{head}.{spelt_otherwise}", CRYPTO)
    wrong(signer, f"{head}.a")
    assert signer.verify(token, ISSUERS) == CLAIMS


def test_another_key(signer: TokenSigner) -> None:
    other = TokenSigner(Keys.generate().token_key)
    wrong(signer, other.sign(CLAIMS), "invalid signature, no keys found")
    wrong(signer, forge.with_header(other.sign(CLAIMS), kid=signer.key_id), CRYPTO)
    wrong(signer, jwt.encode(CLAIMS, Keys.generate().token_key, "RS256"), CRYPTO)


def test_only_rsa_signs_tokens() -> None:
    with pytest.raises(ValueError, match="RSA"):
        TokenSigner(keys().ca_key).sign({})
