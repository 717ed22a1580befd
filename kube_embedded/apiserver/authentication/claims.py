"""Issuing service-account tokens: their claims.

A token is bound to its account alone, or also to a pod, Secret or node. The legacy token of a Secret never expires.

Source: k8s.io/kubernetes ``pkg/serviceaccount/{claims,legacy}.go``; KEP 1205 (bound
tokens), KEP 4193 (``jti`` and node claims).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kube_embedded.rbac.subjects import account_user

from ...machinery.request import Object
from ...machinery.steady_clock import Clock
from .signer import TokenSigner

ISSUER = "https://kubernetes.default.svc.cluster.local"
"""The issuer of bound tokens, and the API server's own audience."""
LEGACY_ISSUER = "kubernetes/serviceaccount"
LEGACY_PREFIX = "kubernetes.io/serviceaccount/"

WARN_AFTER_SECONDS = 3607
"""The default lifetime of a pod's token volume."""
EXTENDED_SECONDS = 365 * 24 * 3600
"""The real lifetime of such a token, for clients that never read the file again."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token.

    Args:
        id: Its ``jti``.
        expires: When it should be renewed, in seconds since the epoch; a pod's token of
            3607 seconds is accepted for a year.
    """

    token: str
    id: str
    expires: float


class TokenIssuer:
    """Issues tokens for service accounts; ``new_id`` returns a new ``jti``."""

    def __init__(self, signer: TokenSigner, clock: Clock, new_id: Callable[[], str]) -> None:
        self._signer = signer
        self._clock = clock
        self._new_id = new_id

    def issue(
        self,
        account: Object,
        audiences: Sequence[str],
        expiration_seconds: int,
        *,
        pod: Object | None = None,
        secret: Object | None = None,
        node: Object | None = None,
    ) -> IssuedToken:
        """Return a token for an account, bound to at most one of pod, Secret and node.

        With a pod, ``node`` is the node that it runs on. Without audiences the token is for the API server.
        """
        audiences = list(audiences) or [ISSUER]
        lifetime = expiration_seconds
        warn_after = 0
        if (
            pod is not None
            and expiration_seconds == WARN_AFTER_SECONDS
            and set(audiences) == {ISSUER}
        ):
            # Since 1.21 (KEP-1205): old clients read a token once and never again. They get a year, and the audit log names
            # them by authentication.k8s.io/stale-token.
            lifetime = EXTENDED_SECONDS
            warn_after = expiration_seconds
        # JWT times are whole seconds (RFC 7519, NumericDate).
        now = int(self._clock())
        metadata = account["metadata"]
        token_id = self._new_id()
        kubernetes: Object = {"namespace": metadata["namespace"]}
        for field, bound in (("node", node), ("pod", pod), ("secret", secret)):
            if bound is not None:
                kubernetes[field] = _reference(bound)
        kubernetes["serviceaccount"] = _reference(account)
        if warn_after:
            kubernetes["warnafter"] = now + warn_after
        claims = {
            "aud": audiences,
            "exp": now + lifetime,
            "iat": now,
            "iss": ISSUER,
            "jti": token_id,
            "kubernetes.io": kubernetes,
            "nbf": now,
            "sub": account_user(metadata["namespace"], metadata["name"]),
        }
        return IssuedToken(self._signer.sign(claims), token_id, now + expiration_seconds)

    def issue_legacy(self, account: Object, secret_name: str) -> str:
        """The token of a ``kubernetes.io/service-account-token`` Secret."""
        metadata = account["metadata"]
        claims = {
            "iss": LEGACY_ISSUER,
            f"{LEGACY_PREFIX}namespace": metadata["namespace"],
            f"{LEGACY_PREFIX}secret.name": secret_name,
            f"{LEGACY_PREFIX}service-account.name": metadata["name"],
            f"{LEGACY_PREFIX}service-account.uid": metadata["uid"],
            "sub": account_user(metadata["namespace"], metadata["name"]),
        }
        return self._signer.sign(claims)


def _reference(obj: Object) -> Object:
    metadata = obj["metadata"]
    reference = {"name": metadata["name"]}
    if metadata.get("uid"):
        reference["uid"] = metadata["uid"]
    return reference
