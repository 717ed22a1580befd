"""Signing and verifying service-account tokens, with RS256 only.

A token is a JWT in compact form. The key decides on the algorithm, never the token's
header: a token with ``none`` or ``HS256`` is rejected. ``serviceaccounts`` and ``legacy`` check that the account,
pod or Secret behind a token still exists.

Source: k8s.io/kubernetes ``pkg/serviceaccount/jwt.go``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

ALGORITHM = "RS256"
WRONG_SIGNATURE = "go-jose/go-jose: error in cryptographic primitive"

Claims = Mapping[str, Any]

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class BadToken(Exception):
    """An invalid token.

    The text is the error of a TokenReview; any other request is answered with a bare 401.
    It is empty where the token was not issued by this cluster at all.
    """


class TokenSigner:
    """The cluster's key for service-account tokens, RSA in PEM.

    It is parsed when it is first needed, so that a server starts before its cryptography is loaded.
    """

    def __init__(self, private_key: bytes) -> None:
        self._pem = private_key

    @cached_property
    def _private(self) -> rsa.RSAPrivateKey:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        # The file is our own: checking the primes again would cost most of a start.
        key = serialization.load_pem_private_key(
            self._pem, None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("service-account tokens need an RSA key")
        return key

    @cached_property
    def _public(self) -> rsa.RSAPublicKey:
        return self._private.public_key()

    @cached_property
    def key_id(self) -> str:
        """The ``kid``: base64url of the SHA-256 of the public key's PKIX form."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = self._public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return _encode(hashlib.sha256(der).digest())

    @cached_property
    def _header(self) -> str:
        return _encode(orjson.dumps({"alg": ALGORITHM, "kid": self.key_id}))

    def sign(self, claims: Claims) -> str:
        """A token with these claims."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        signed = f"{self._header}.{_encode(orjson.dumps(claims))}"
        signature = self._private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"

    def verify(self, token: str, issuers: frozenset[str]) -> Claims:
        """The claims of a token that this key signed for one of some issuers.

        Raises:
            BadToken: Another issuer's or malformed, or its signature is wrong.
        """
        # The order is the real server's: issuer, shape, key, signature.
        if not _COMPACT.fullmatch(token):
            raise BadToken
        header_part, claims_part, signature_part = token.split(".")
        claims = _json_object(claims_part)
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in issuers:
            raise BadToken
        header = _json_object(header_part)
        # The classic attack: a token with "none", or an HMAC with the public key as its secret.
        if header.get("alg") != ALGORITHM or "crit" in header:
            raise BadToken
        key_id = header.get("kid") or self.key_id
        if not isinstance(key_id, str):
            raise BadToken
        if key_id != self.key_id:
            raise BadToken("invalid signature, no keys found")
        # Base64 without padding has unused bits: two texts can decode to one signature, and Go accepts only one of them.
        signature = _decode(signature_part)
        if _encode(signature) != signature_part:  # another spelling of the same bytes
            raise BadToken(WRONG_SIGNATURE)
        signed = f"{header_part}.{claims_part}".encode()
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        try:
            self._public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise BadToken(WRONG_SIGNATURE) from error
        return claims

    def key_set(self) -> dict[str, Any]:
        """The JSON Web Key Set for verifying tokens (``/openid/v1/jwks``)."""
        numbers = self._public.public_numbers()
        return {
            "keys": [
                {
                    "use": "sig",
                    "kty": "RSA",
                    "kid": self.key_id,
                    "alg": ALGORITHM,
                    "n": _encode(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
                    "e": _encode(numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")),
                }
            ]
        }


def _json_object(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(_decode(part))
    except orjson.JSONDecodeError as error:
        raise BadToken from error
    if not isinstance(value, dict):
        raise BadToken
    return value


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise BadToken from error
