"""Decode a service account's token, explain its claims and verify its signature.

A token has three base64url parts: header, claims and a signature over both. Anyone can decode
the first two; only the cluster's private key can make the signature. The public keys are at
``/openid/v1/jwks``.
Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kube_embedded.files import read_json
from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import TokenError
from labkit.core.language import text
from labkit.core.redact import HIDDEN

from .answer import Answer
from .client import Client

JWKS_PATH = "/openid/v1/jwks"
JWKS_TYPE = "application/jwk-set+json"
WHOLE = text("Give the whole token: three parts with two dots between them.")
DECODE_BYTES = "Make text of the bytes: add .decode()."
DECODE_BASE64 = text('Decode it: base64.b64decode(secret["data"]["token"]).decode().')
REVIEW_PATH = "/apis/authentication.k8s.io/v1/tokenreviews"

_K8S = "kubernetes.io"
_LEGACY = "kubernetes.io/serviceaccount/"
_TIMES = frozenset({"exp", "iat", "nbf", f"{_K8S}.warnafter"})

EXPLAINED: Mapping[str, str] = read_json(__file__, "claims.json")
"""The meaning of each claim, by its dotted name."""


@dataclass(frozen=True, repr=False)
class Token(Displayable):
    """A decoded token.

    Args:
        header: The JOSE header.
        claims: The claims.
        verified: Whether one of the cluster's keys verifies the signature.
        verdict: The result of the verification in words.
        raw: The token; never shown.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    verified: bool
    verdict: str
    raw: str = field(repr=False, compare=False, default="")

    @classmethod
    def decode(cls, raw: str, asker: Client | None = None) -> Token:
        """Decode a token and verify its signature with the cluster's keys.

        Args:
            raw: The whole token.
            asker: The caller that reads the keys; None skips the verification.

        Raises:
            TokenError: When the text is not a token.
        """
        refuse_mistaken(raw)
        parts = raw.strip().split(".")
        if len(parts) != 3:
            raise TokenError(
                "This is not a token.",
                why=text("a token has three parts with dots between, this has {parts}", len(parts)),
                todo="Take the whole text of the file `token`.",
            )
        header, claims = (
            _part(part, name) for part, name in zip(parts, ("header", "claims"), strict=False)
        )
        if asker is None:
            return cls(header, claims, False, "the signature was not checked", raw)
        verified, verdict = _verify(raw.strip(), header, asker)
        return cls(header, claims, verified, verdict, raw)

    @property
    def flat(self) -> dict[str, Any]:
        """All claims by their dotted names, such as ``kubernetes.io.pod.name``."""
        return _flatten(self.claims)

    @property
    def subject(self) -> str:
        """The ``sub`` claim: the user whom the token authenticates."""
        return str(self.claims.get("sub", ""))

    @property
    def legacy(self) -> bool:
        """Return whether it is a token from a Secret, which does not expire."""
        return any(key.startswith(_LEGACY) for key in self.claims)

    @property
    def expires(self) -> datetime | None:
        """The time of expiry; None for a legacy token."""
        stamp = self.claims.get("exp")
        return datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int | float) else None

    @property
    def expired(self) -> bool:
        """Return whether the token has expired."""
        return self.expires is not None and self.expires.timestamp() <= time.time()

    @property
    def bound_to(self) -> str:
        """The object that the token is bound to, such as ``pod curl``; empty when there is none."""
        claims = self.claims.get(_K8S)
        # The pod first: since 1.30 a pod's token names its node as well.
        for kind in ("pod", "secret", "node"):
            if isinstance(claims, dict) and kind in claims:
                return f"{kind} {claims[kind].get('name')}"
        secret = self.claims.get(f"{_LEGACY}secret.name")
        return f"secret {secret}" if secret else ""

    def explain(self) -> dict[str, str]:
        """Return the meaning of each claim of this token."""
        return {name: EXPLAINED[name] for name in self.flat if name in EXPLAINED}

    def review(self, asker: Client, audiences: Sequence[str] = ()) -> dict[str, Any]:
        """Ask the server whether it accepts the token (TokenReview).

        Args:
            asker: The caller, who needs ``create`` on ``tokenreviews``.
            audiences: For whom; the server itself when left out.

        Returns:
            The review's status: ``authenticated``, ``user``, ``error``.
        """
        spec = {"token": self.raw.strip(), "audiences": list(audiences)}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        answer = asker.post(REVIEW_PATH, body)
        return dict(answer.body.get("status") or {}) if answer.ok else {"error": answer.message}

    def compare(self, other: Token) -> Comparison:
        """Compare with another token, claim by claim."""
        return Comparison(self, other)

    def card(self) -> Card:
        """Return a card that explains every part of the token, without the signature."""
        rows = [Row(f"header {name}", _said(name, value)) for name, value in self.header.items()]
        rows += [Row(name, _said(name, value)) for name, value in self.flat.items()]
        rows += [Row("signature", self.verdict), Row("token", HIDDEN, code=True)]
        tone = "good" if self.verified and not self.expired else "bad"
        who = self.subject or text("nobody")
        title = text("legacy token of {who}", who) if self.legacy else text("token of {who}", who)
        return Card(text("{token}, expired", title) if self.expired else title, tone, rows)


@dataclass(frozen=True, repr=False)
class Comparison(Displayable):
    """Two tokens side by side.

    Args:
        left: One token.
        right: The other.
    """

    left: Token
    right: Token

    @property
    def identical(self) -> bool:
        """Return whether both are the same token."""
        return self.left.raw == self.right.raw

    @property
    def same(self) -> dict[str, Any]:
        """The claims that have the same value in both."""
        other = self.right.flat
        return {k: v for k, v in self.left.flat.items() if k in other and other[k] == v}

    @property
    def different(self) -> dict[str, tuple[Any, Any]]:
        """The claims that differ, with both values; None for a missing claim."""
        left = self.left.flat
        right = self.right.flat
        names = [*left, *(name for name in right if name not in left)]
        pairs = {name: (left.get(name), right.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def card(self) -> Card:
        """Return a card with the claims that have the same value, then those that differ."""
        rows = [Row(f"= {name}", plain(name, value)) for name, value in self.same.items()]
        for name, (left, right) in self.different.items():
            sides = text("left:  {left}\nright: {right}", plain(name, left), plain(name, right))
            rows.append(Row(f"≠ {name}", sides))
        count = len(self.different)
        same = len(self.same)
        title = text("{count} claims differ, {same} are the same", count, same)
        if count == 1:
            title = text("1 claim differs, {same} are the same", same)
        return Card(text("identical tokens") if self.identical else title, "plain", rows)


def refuse_mistaken(raw: str | bytes) -> None:
    """Refuse a learner's token that was read, encoded or copied in a usual wrong way.

    Raises:
        TokenError: It was; the error never contains the token.
    """
    if isinstance(raw, bytes):
        raise TokenError(
            "This is bytes, and a token is text.", why="b64decode returns bytes", todo=DECODE_BYTES
        )
    token = "".join(raw.split())
    if re.match(r"b['\"]", token):
        why = text(
            "it begins with b and a quote, as bytes do that were made text by str() or an f-string"
        )
        raise TokenError("This is bytes, and a token is text.", why=why, todo=DECODE_BYTES)
    # A token begins with {" in base64, which is eyJ, and that once more in base64 is ZXlK.
    if token.startswith("ZXlK"):
        why = text("the values in a Secret's data are encoded")
        raise TokenError("This is base64 of a token, not the token.", why=why, todo=DECODE_BASE64)
    # The whitespace is gone by now, also that after "Bearer".
    if token.lower().startswith("bearereyj"):
        raise TokenError(
            "This is the value of a header; the token is only a part of it.",
            todo="Leave the word Bearer out.",
        )


def request_token(asker: Client, namespace: str, account: str) -> Answer:
    """Ask for a new token of a service account (TokenRequest): ``status.token`` in the answer's body."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return asker.post(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", body)


def _part(part: str, name: str) -> dict[str, Any]:
    try:
        # base64url in a JWT has no padding (RFC 7515, section 2), and Python's decoder wants it.
        padded = part + "=" * (-len(part) % 4)
        value = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise TokenError(
            text("This is not a token: its {name} cannot be decoded.", name),
            why=str(error),
            todo=WHOLE,
        ) from error
    if not isinstance(value, dict):
        raise TokenError(
            text("This is not a token: its {name} is no JSON object.", name), todo=WHOLE
        )
    return value


def _verify(raw: str, header: Mapping[str, Any], asker: Client) -> tuple[bool, str]:
    import jwt

    # The server serves this media type alone, and answers 406 to application/json.
    answer = asker.request("GET", JWKS_PATH, headers={"Accept": JWKS_TYPE})
    if not answer.ok:
        return False, text(
            "not checked: the cluster's keys cannot be read ({status})", answer.status
        )
    keys = {key.get("kid"): key for key in answer.body.get("keys", [])}
    key = keys.get(header.get("kid"))
    if key is None:
        return False, text("not verified: the cluster has no key {key}", header.get("kid"))
    # The key decides, never the header, which the token's author can choose. RFC 8725, section 3.1.
    algorithm = str(key.get("alg", "RS256"))
    if header.get("alg") != algorithm:
        return False, text(
            "not verified: it claims {claimed}, the key is for {right}",
            header.get("alg"),
            algorithm,
        )
    # Only the signature: an expired token is shown as such, and can still be genuine.
    checks: Any = dict.fromkeys(("verify_aud", "verify_exp", "verify_nbf", "verify_iat"), False)
    try:
        jwt.decode(raw, jwt.PyJWK.from_dict(key), algorithms=[algorithm], options=checks)
    except jwt.InvalidSignatureError:
        return False, text(
            "not verified: the signature does not fit; header or claims were changed"
        )
    except jwt.PyJWTError as error:
        return False, text("not verified: {error}", error)
    return True, text("verified with the cluster's published key {key}…", str(header["kid"])[:8])


def _flatten(claims: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in claims.items():
        key = prefix + name
        # Other claims with objects in them are shown whole.
        nested = isinstance(value, dict) and key.startswith(_K8S)
        flat |= _flatten(value, f"{key}.") if nested else {key: value}
    return flat


def plain(name: str, value: Any) -> str:
    """Return a claim's value as text: timestamps with their date, lists with commas."""
    if value is None:
        return text("(none)")
    if name in _TIMES and isinstance(value, int | float):
        date = f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}"
        return text("{value} ({date} UTC, {distance})", value, date, _distance(value))
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    return str(value)


def _said(name: str, value: Any) -> str:
    meaning = EXPLAINED.get(name)
    return (
        text("{value}   — {meaning}", plain(name, value), text(meaning))
        if meaning
        else plain(name, value)
    )


def _distance(stamp: float) -> str:
    seconds = stamp - time.time()
    minutes = round(abs(seconds) / 60)
    days = round(abs(seconds) / 86400)
    time_text = text("{count} days", days) if days > 2 else text("{count} min", minutes)
    return text("in {time}", time_text) if seconds >= 0 else text("{time} ago", time_text)
