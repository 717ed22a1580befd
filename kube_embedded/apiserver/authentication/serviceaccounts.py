"""Validation of service-account tokens.

The checks are in the real server's order: issuer, key, signature, audience, time, the account
with that uid, the bound object with that uid. The objects are looked up each time: a deletion takes effect
at the next request, whereas a real server can take ten seconds to notice it.

Source: k8s.io/kubernetes ``pkg/serviceaccount/{claims,legacy}.go``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kube_embedded.rbac.attributes import User
from kube_embedded.rbac.subjects import account_groups, account_user

from ...machinery.golang.quote import go_quote_list
from ...machinery.pods.state import parse_time
from ...machinery.request import Object
from ...machinery.steady_clock import Clock
from .claims import ISSUER, LEGACY_ISSUER
from .identity import Lookup, TokenIdentity
from .signer import BadToken, Claims, TokenSigner

LEEWAY_SECONDS = 60
"""Seconds by which clocks may differ, and for which a token outlives its deleted pod."""

MAX_VERIFIED = 4096
"""Verified tokens that are kept; when there are more, all are dropped."""
API_AUDIENCES = (ISSUER,)
"""The API server's own audiences."""

_ISSUERS = frozenset((ISSUER, LEGACY_ISSUER))
_INVALIDATED = "service account token has been invalidated"


@dataclass(frozen=True, slots=True)
class _Reference:
    """An object that a token is bound to."""

    plural: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class _Verified:
    """A parsed token with a verified signature; it is immutable."""

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

    ``lookup`` reads serviceaccounts, secrets, pods and nodes; ``legacy`` gets legacy tokens with a verified signature.
    """

    def __init__(
        self,
        signer: TokenSigner,
        lookup: Lookup,
        clock: Clock,
        legacy: Callable[[str, Claims, tuple[str, ...]], TokenIdentity],
    ) -> None:
        self._signer = signer
        self._lookup = lookup
        self._clock = clock
        self._legacy = legacy
        self._verified: dict[str, _Verified] = {}

    def __call__(self, token: str, audiences: Sequence[str] = API_AUDIENCES) -> TokenIdentity:
        """The identity in a token for one of some audiences.

        Raises:
            BadToken: It is not valid, with the reason.
        """
        verified = self._verified.get(token)
        if verified is None:
            verified = _parsed(self._signer.verify(token, _ISSUERS))
            # Dropping all is simpler than evicting one, and costs one signature check for each token in use.
            if len(self._verified) >= MAX_VERIFIED:
                self._verified.clear()
            self._verified[token] = verified
        matched = _common(verified.audiences, audiences)
        if verified.claims["iss"] == LEGACY_ISSUER:
            return self._legacy(token, verified.claims, matched)
        return self._bound(verified, matched)

    def _bound(self, token: _Verified, audiences: tuple[str, ...]) -> TokenIdentity:
        now = self._clock()
        if not token.not_before <= now <= token.expires:
            _raise_time_error(token.claims, now)
        self._check_account(token.account, now)
        for reference in token.bound:
            self._check_bound(reference, now)
        if token.warn_after and now > token.warn_after:
            late = int(now) - int(token.warn_after)
            stale = (
                f"subject: {token.claims.get('sub', '')}, seconds after warning threshold: {late}"
            )
            return TokenIdentity(
                token.user, audiences, {"authentication.k8s.io/stale-token": stale}
            )
        return TokenIdentity(token.user, audiences)

    def _check_account(self, claimed: _Reference, now: float) -> None:
        account = self._lookup(claimed.plural, claimed.namespace, claimed.name)
        if account is None:
            raise BadToken(f'serviceaccounts "{claimed.name}" not found')
        found = account["metadata"]["uid"]
        # An account that was deleted and created again has the same name: its old tokens must stay invalid.
        if found != claimed.uid:
            raise BadToken(f"service account UID ({found}) does not match claim ({claimed.uid})")
        if _deleted(account, now):
            raise BadToken(f"service account {claimed.namespace}/{claimed.name} has been deleted")

    def _check_bound(self, claimed: _Reference, now: float) -> None:
        bound = self._lookup(claimed.plural, claimed.namespace, claimed.name)
        if bound is None:
            raise BadToken(_INVALIDATED)
        found = bound["metadata"]["uid"]
        word = claimed.plural.removesuffix("s")
        if found != claimed.uid:
            raise BadToken(
                f"{word} UID ({found}) does not match service account {word} ref claim ({claimed.uid})"
            )
        if _deleted(bound, now):
            raise BadToken(_INVALIDATED)


def _parsed(claims: Claims) -> _Verified:
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
        User(
            account_user(namespace, account.name),
            account_groups(namespace),
            account.uid,
            _extra(claims, pod, node),
        ),
        _number(private.get("warnafter")),
    )


def _reference(plural: str, namespace: str, claimed: object) -> _Reference:
    named = _mapping(claimed)
    return _Reference(plural, namespace, _text(named.get("name")), _text(named.get("uid")))


def _common(held: tuple[str, ...], requested: Sequence[str]) -> tuple[str, ...]:
    """The wanted audiences that a token has, in the order in which they are wanted; there must be one."""
    if held == requested:
        return held
    matched = tuple(audience for audience in requested if audience in held)
    if not matched:
        shown = (
            f"{go_quote_list(held)} is invalid for the target audiences {go_quote_list(requested)}"
        )
        raise BadToken(f"token audiences {shown}")
    return matched


def _raise_time_error(claims: Claims, now: float) -> None:
    if now - LEEWAY_SECONDS > _number(claims.get("exp")):
        raise BadToken("service account token has expired")
    if now + LEEWAY_SECONDS < _number(claims.get("nbf")):
        raise BadToken("service account token is not valid yet")
    raise BadToken("service account token is issued in the future")


def _extra(claims: Claims, pod: object, node: object) -> dict[str, tuple[str, ...]]:
    prefix = "authentication.kubernetes.io/"
    extra: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        extra["authentication.kubernetes.io/credential-id"] = (f"JTI={claims['jti']}",)
    for word, reference in (("node", node), ("pod", pod)):
        if reference is not None:
            named = _mapping(reference)
            extra[f"{prefix}{word}-name"] = (_text(named.get("name")),)
            if named.get("uid"):
                extra[f"{prefix}{word}-uid"] = (_text(named.get("uid")),)
    return extra


def _deleted(obj: Object, now: float) -> bool:
    since = obj["metadata"].get("deletionTimestamp")
    # A pod that is shutting down can still call the API for a while, as on the real server.
    return bool(since) and parse_time(since) < now - LEEWAY_SECONDS


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
