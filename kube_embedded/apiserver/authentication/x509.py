"""Client certificates: the CN is the user, each O a group.

Source: k8s.io/apiserver ``pkg/authentication/request/x509``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from kube_embedded.rbac.attributes import User

from ...machinery.request import PeerCertificate, Request, ShownCertificate
from ...machinery.status import unauthorized
from ...machinery.steady_clock import Clock
from .groups import authenticated

MAX_CHAINS = 256
"""Verified chains that are kept; most connections show one that was seen before."""


class CertificateAuthenticator:
    """Authenticates callers with a client certificate of an authority (PEM)."""

    def __init__(self, authority: bytes, clock: Clock) -> None:
        self._authority = authority
        self._clock = clock
        self._credential_of = lru_cache(MAX_CHAINS)(self._read)

    def renew(self, authority: bytes) -> None:
        """Trust a new certificate of the authority (PEM) from now on."""
        self._authority = authority
        # Chains that led to the old certificate do not necessarily lead to the new one.
        self._credential_of.cache_clear()

    def __call__(self, request: Request) -> User | None:
        """The user that the certificate names, None without one.

        401 if it is not trusted, not valid now, or without a CN: the real server's front-proxy authenticator refuses
        it, and no other one accepts it.
        """
        shown = request.certificate
        if shown is None:
            return None
        credential = (
            self._credential_of(shown.chain)
            if isinstance(shown, ShownCertificate)
            else _credential(shown)
        )
        if credential is None or not credential.since <= self._clock() <= credential.until:
            raise unauthorized()
        return credential.user

    def _read(self, chain: tuple[bytes, ...]) -> _Credential | None:
        # Loaded only now: in-process callers show no certificates.
        from .chains import BadCertificate, identify

        try:
            return _credential(identify(chain, self._authority))
        except BadCertificate:
            return None


class _Credential(NamedTuple):
    user: User
    since: float
    until: float


def _credential(peer: PeerCertificate) -> _Credential | None:
    if not peer.common_name:
        return None
    extra = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={peer.sha256}",)}
    user = authenticated(User(peer.common_name, peer.organizations, peer.uid, extra))
    return _Credential(user, *peer.valid)
