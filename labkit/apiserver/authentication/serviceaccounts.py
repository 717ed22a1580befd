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
        self._users: dict[str, User] = {}

    def __call__(self, token: str, audiences: Sequence[str] = (ISSUER,)) -> TokenIdentity:
        """Whom a token names.

        Args:
            token: In compact form.
            audiences: The token must be for one of these.

        Raises:
            BadToken: It names nobody, with the reason.
        """
        claims = self._signer.verify(token, _ISSUERS)
        matched = _matched_audiences(claims, audiences)
        if claims["iss"] == LEGACY_ISSUER:
            return self._legacy(token, claims, matched)
        return self._bound(token, claims, matched)

    def _bound(self, token: str, claims: Claims, audiences: tuple[str, ...]) -> TokenIdentity:
        now = self._clock()
        _check_times(claims, now)
        private = _mapping(claims.get("kubernetes.io"))
        namespace = _text(private.get("namespace"))
        account = _mapping(private.get("serviceaccount"))
        self._check_account(namespace, account, now)
        pod, node = private.get("pod"), private.get("node")
        if private.get("secret") is not None:
            self._check_bound("secrets", "secret", namespace, private["secret"], now)
        if pod is not None:
            self._check_bound("pods", "pod", namespace, pod, now)
        elif node is not None:
            self._check_bound("nodes", "node", "", node, now)
        user = self._users.get(token)
        if user is None:
            user = _user(namespace, account, _extra(claims, pod, node))
            if len(self._users) > 4096:
                self._users.clear()
            self._users[token] = user
        warn_after = private.get("warnafter")
        if warn_after and now > warn_after:
            late = int(now) - int(warn_after)
            stale = f"subject: {claims.get('sub', '')}, seconds after warning threshold: {late}"
            return TokenIdentity(user, audiences, {"authentication.k8s.io/stale-token": stale})
        return TokenIdentity(user, audiences)

    def _check_account(self, namespace: str, reference: Mapping[str, Any], now: float) -> None:
        name, uid = _text(reference.get("name")), _text(reference.get("uid"))
        account = self._lookup("serviceaccounts", namespace, name)
        if account is None:
            raise BadToken(f'serviceaccounts "{name}" not found')
        found = account["metadata"]["uid"]
        if found != uid:
            raise BadToken(f"service account UID ({found}) does not match claim ({uid})")
        if _deleted(account, now):
            raise BadToken(f"service account {namespace}/{name} has been deleted")

    def _check_bound(self, plural: str, word: str, namespace: str, reference: object, now: float) -> None:
        claimed = _mapping(reference)
        bound = self._lookup(plural, namespace, _text(claimed.get("name")))
        if bound is None:
            raise BadToken(_INVALIDATED)
        found, uid = bound["metadata"]["uid"], _text(claimed.get("uid"))
        if found != uid:
            raise BadToken(f"{word} UID ({found}) does not match service account {word} ref claim ({uid})")
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
            _user(namespace, {"name": name, "uid": uid}, {}),
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


def _matched_audiences(claims: Claims, wanted: Sequence[str]) -> tuple[str, ...]:
    claimed = claims.get("aud")
    held = [claimed] if isinstance(claimed, str) else list(claimed or ())
    held = held or [ISSUER]  # legacy tokens name no audience and are for the API server
    matched = tuple(audience for audience in held if audience in wanted)
    if not matched:
        raise BadToken(f"token audiences {_quoted(held)} is invalid for the target audiences {_quoted(wanted)}")
    return matched


def _check_times(claims: Claims, now: float) -> None:
    if now - LEEWAY_SECONDS > _number(claims.get("exp"), 0):
        raise BadToken("service account token has expired")
    if now + LEEWAY_SECONDS < _number(claims.get("nbf"), 0):
        raise BadToken("service account token is not valid yet")
    if now + LEEWAY_SECONDS < _number(claims.get("iat"), 0):
        raise BadToken("service account token is issued in the future")


def _user(namespace: str, account: Mapping[str, Any], extra: Mapping[str, tuple[str, ...]]) -> User:
    return User(user_name(namespace, account["name"]), group_names(namespace), account["uid"], extra)


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


def _number(value: object, default: float) -> float:
    return value if isinstance(value, int | float) else default
