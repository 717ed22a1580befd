"""Service-account tokens: who they name, and whether they still count.

Checked in the real server's order: issuer, key, signature, audience, time, the account
with that uid, the bound object with that uid. The objects are looked up each time, so a
deleted account or pod counts at the very next request (a real server may take ten
seconds to notice).

Source: k8s.io/kubernetes ``pkg/serviceaccount/{claims,legacy}.go``.
"""

from __future__ import annotations

import datetime
import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.apiserver.authentication.claims import (
    ISSUER,
    LEGACY_ISSUER,
    LEGACY_PREFIX,
    group_names,
    user_name,
)
from labkit.apiserver.authentication.signer import BadToken, Claims, TokenSigner
from labkit.apiserver.request import Object, User

LEEWAY_SECONDS = 60
"""How far clocks may differ, and how long a token outlives its deleted pod."""

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"

AUTO_GENERATED_WARNING = (
    "Use tokens from the TokenRequest API or manually created secret-based tokens "
    "instead of auto-generated secret-based tokens."
)

Lookup = Callable[[str, str, str], Object | None]
"""(plural of a core resource, namespace, name) to the object."""

MAX_REMEMBERED = 4096
"""How many verified signatures are kept; when there are more, all are forgotten."""
API_AUDIENCES = (ISSUER,)
"""The API server's own audiences."""

_ISSUERS = frozenset((ISSUER, LEGACY_ISSUER))
_INVALIDATED = "service account token has been invalidated"


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    """Whom a token names.

    Args:
        user: The account as a user, without ``system:authenticated``.
        audiences: Those of the token's audiences that were asked for.
        annotations: For the audit event.
        warnings: For the caller.
    """

    user: User
    audiences: tuple[str, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reference:
    """An object that a token is bound to: what it is called, and which one of that name."""

    plural: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token whose signature is good, taken apart; nothing in it can change."""

    claims: Claims
    audiences: tuple[str, ...]
    not_before: float
    expires: float
    account: _Reference
    bound: tuple[_Reference, ...]
    user: User
    warn_after: float


class ServiceAccountTokens:
    """Authenticates service-account tokens of both kinds.

    Args:
        signer: The cluster's key.
        lookup: Reads serviceaccounts, secrets, pods and nodes.
        clock: Seconds since the epoch.
        mark_used: Called with (Secret, date) when a legacy token is used for the first
            time on a day, to label its Secret.
    """

    def __init__(
        self,
        signer: TokenSigner,
        lookup: Lookup,
        clock: Callable[[], float],
        mark_used: Callable[[Object, str], None],
    ) -> None:
        self._signer = signer
        self._lookup = lookup
        self._clock = clock
        self._mark_used = mark_used
        self._verified: dict[str, _Verified] = {}

    def __call__(self, token: str, audiences: Sequence[str] = API_AUDIENCES) -> TokenIdentity:
        """Whom a token names.

        Args:
            token: In compact form.
            audiences: The token must be for one of these.

        Raises:
            BadToken: It names nobody, with the reason.
        """
        verified = self._verified.get(token)
        if verified is None:
            verified = _taken_apart(self._signer.verify(token, _ISSUERS))
            if len(self._verified) >= MAX_REMEMBERED:
                self._verified.clear()
            self._verified[token] = verified
        matched = _matched(verified.audiences, audiences)
        if verified.claims["iss"] == LEGACY_ISSUER:
            return self._legacy(token, verified.claims, matched)
        return self._bound(verified, matched)

    def _bound(self, token: _Verified, audiences: tuple[str, ...]) -> TokenIdentity:
        now = self._clock()
        if not token.not_before <= now <= token.expires:
            _explain_times(token.claims, now)
        self._check_account(token.account, now)
        for reference in token.bound:
            self._check_bound(reference, now)
        if token.warn_after and now > token.warn_after:
            late = int(now) - int(token.warn_after)
            stale = f"subject: {token.claims.get('sub', '')}, seconds after warning threshold: {late}"
            return TokenIdentity(token.user, audiences, {"authentication.k8s.io/stale-token": stale})
        return TokenIdentity(token.user, audiences)

    def _check_account(self, claimed: _Reference, now: float) -> None:
        account = self._lookup(claimed.plural, claimed.namespace, claimed.name)
        if account is None:
            raise BadToken(f'serviceaccounts "{claimed.name}" not found')
        found = account["metadata"]["uid"]
        if found != claimed.uid:
            raise BadToken(f"service account UID ({found}) does not match claim ({claimed.uid})")
        if _deleted(account, now):
            raise BadToken(f"service account {claimed.namespace}/{claimed.name} has been deleted")

    def _check_bound(self, claimed: _Reference, now: float) -> None:
        bound = self._lookup(claimed.plural, claimed.namespace, claimed.name)
        if bound is None:
            raise BadToken(_INVALIDATED)
        found, word = bound["metadata"]["uid"], claimed.plural.removesuffix("s")
        if found != claimed.uid:
            raise BadToken(f"{word} UID ({found}) does not match service account {word} ref claim ({claimed.uid})")
        if _deleted(bound, now):
            raise BadToken(_INVALIDATED)

    def _legacy(self, token: str, claims: Claims, audiences: tuple[str, ...]) -> TokenIdentity:
        values = {}
        for claim, word in (
            ("namespace", "namespace"),
            ("secret.name", "secretName"),
            ("service-account.name", "serviceAccountName"),
            ("service-account.uid", "serviceAccountUID"),
        ):
            values[claim] = _text(claims.get(f"{LEGACY_PREFIX}{claim}"))
            if not values[claim]:
                raise BadToken(f"{word} claim is missing")
        namespace, secret_name = values["namespace"], values["secret.name"]
        name, uid = values["service-account.name"], values["service-account.uid"]
        if claims.get("sub") != user_name(namespace, name):
            raise BadToken("sub claim is invalid")
        secret = self._lookup("secrets", namespace, secret_name)
        if secret is None or secret["metadata"].get("deletionTimestamp"):
            raise BadToken("Token has been invalidated")
        if not _same_token(secret, token):
            raise BadToken("Token does not match server's copy")
        account = self._lookup("serviceaccounts", namespace, name)
        if account is None:
            raise BadToken(f'serviceaccounts "{name}" not found')
        if account["metadata"].get("deletionTimestamp"):
            raise BadToken(f"ServiceAccount {namespace}/{name} has been deleted")
        if account["metadata"]["uid"] != uid:
            raise BadToken(f"ServiceAccount UID ({account['metadata']['uid']}) does not match claim ({uid})")
        self._note_use(secret)
        if (secret["metadata"].get("labels") or {}).get(INVALID_SINCE):
            raise BadToken(
                f"the token in secret {namespace}/{secret_name} for service account {namespace}/{name} has been "
                "marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or "
                f"remove the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
            )
        automatic = any(ref.get("name") == secret_name for ref in account.get("secrets") or ())
        form = "autogenerated" if automatic else "manual"
        return TokenIdentity(
            User(user_name(namespace, name), group_names(namespace), uid),
            audiences,
            {
                "authentication.k8s.io/legacy-token": str(claims.get("sub", "")),
                f"authentication.k8s.io/legacy-token-{form}-secret": secret_name,
            },
            (AUTO_GENERATED_WARNING,) if automatic else (),
        )

    def _note_use(self, secret: Object) -> None:
        today = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC).date()
        tomorrow = today + datetime.timedelta(days=1)
        used = (secret["metadata"].get("labels") or {}).get(LAST_USED)
        if used not in (today.isoformat(), tomorrow.isoformat()):
            self._mark_used(secret, today.isoformat())


def _taken_apart(claims: Claims) -> _Verified:
    if not isinstance(claims.get("aud") or [], str | list):
        raise BadToken
    private = _mapping(claims.get("kubernetes.io"))
    namespace = _text(private.get("namespace"))
    account = _reference("serviceaccounts", namespace, private.get("serviceaccount"))
    secret, pod, node = (private.get(word) for word in ("secret", "pod", "node"))
    bound = []
    if secret is not None:
        bound.append(_reference("secrets", namespace, secret))
    if pod is not None:
        bound.append(_reference("pods", namespace, pod))
    elif node is not None:
        bound.append(_reference("nodes", "", node))
    claimed = claims.get("aud") or []
    audiences = (claimed,) if isinstance(claimed, str) else tuple(map(_text, claimed))
    return _Verified(
        claims,
        audiences or API_AUDIENCES,  # legacy tokens name no audience and are for the API server
        max(_number(claims.get("nbf")), _number(claims.get("iat"))) - LEEWAY_SECONDS,
        _number(claims.get("exp")) + LEEWAY_SECONDS,
        account,
        tuple(bound),
        User(user_name(namespace, account.name), group_names(namespace), account.uid, _extra(claims, pod, node)),
        _number(private.get("warnafter")),
    )


def _reference(plural: str, namespace: str, claimed: object) -> _Reference:
    named = _mapping(claimed)
    return _Reference(plural, namespace, _text(named.get("name")), _text(named.get("uid")))


def _matched(held: tuple[str, ...], wanted: Sequence[str]) -> tuple[str, ...]:
    if held == wanted:
        return held
    matched = tuple(audience for audience in held if audience in wanted)
    if not matched:
        raise BadToken(f"token audiences {_quoted(held)} is invalid for the target audiences {_quoted(wanted)}")
    return matched


def _explain_times(claims: Claims, now: float) -> None:
    if now - LEEWAY_SECONDS > _number(claims.get("exp")):
        raise BadToken("service account token has expired")
    if now + LEEWAY_SECONDS < _number(claims.get("nbf")):
        raise BadToken("service account token is not valid yet")
    raise BadToken("service account token is issued in the future")


def _extra(claims: Claims, pod: object, node: object) -> dict[str, tuple[str, ...]]:
    prefix = "authentication.kubernetes.io/"
    extra: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        extra[CREDENTIAL_ID] = (f"JTI={claims['jti']}",)
    for word, reference in (("node", node), ("pod", pod)):
        if reference is not None:
            named = _mapping(reference)
            extra[f"{prefix}{word}-name"] = (_text(named.get("name")),)
            if named.get("uid"):
                extra[f"{prefix}{word}-uid"] = (_text(named.get("uid")),)
    return extra


def _deleted(obj: Object, now: float) -> bool:
    since = obj["metadata"].get("deletionTimestamp")
    if not since:
        return False
    return datetime.datetime.fromisoformat(since).timestamp() < now - LEEWAY_SECONDS


def _same_token(secret: Object, token: str) -> bool:
    try:
        stored = b64decode((secret.get("data") or {}).get("token", ""))
    except ValueError:
        return False
    return hmac.compare_digest(stored, token.encode())


def _quoted(words: Sequence[str]) -> str:
    return "[" + " ".join(f'"{word}"' for word in words) + "]"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
