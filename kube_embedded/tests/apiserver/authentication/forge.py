"""Makes tokens of every bad kind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> Any:
    """A part of a token as JSON."""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    claims: dict[str, Any] = decode(token.split(".")[1])
    return claims


def header_of(token: str) -> dict[str, Any]:
    """The header of a token."""
    header: dict[str, Any] = decode(token.split(".")[0])
    return header


def with_header(token: str, **changes: Any) -> str:
    """The token with another header and its old signature."""
    _, claims, signature = token.split(".")
    return f"{encode(json.dumps({**header_of(token), **changes}).encode())}.{claims}.{signature}"


def with_claims(token: str, **changes: Any) -> str:
    """The token with other claims and its old signature."""
    header, _, signature = token.split(".")
    return f"{header}.{encode(json.dumps({**claims_of(token), **changes}).encode())}.{signature}"


def unsigned(token: str, algorithm: str = "none") -> str:
    """The token as one that says it needs no signature."""
    return with_header(token, alg=algorithm).rpartition(".")[0] + "."


def signed_with_secret(token: str, secret: bytes) -> str:
    """The token signed with HMAC, the public key taken for the secret."""
    signed = with_header(token, alg="HS256").rpartition(".")[0]
    return f"{signed}.{encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
