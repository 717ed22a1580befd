"""Client certificates: the CN is the user, each O a group.

Source: k8s.io/apiserver ``pkg/authentication/request/x509``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from labkit.embedded.apiserver.authentication.groups import authenticated
from labkit.embedded.machinery.request import PeerCertificate, Request, ShownCertificate
from labkit.embedded.machinery.status import unauthorized
from labkit.rbac.attributes import User

REMEMBERED = 256
"""How many chains it is remembered of who they name; most connections show one that was seen before."""


class CertificateAuthenticator:
    """Authenticates whoever shows a certificate.

    Args:
        authority: The authority whose certificates count, PEM.
        clock: Seconds since the epoch.
    """

    def __init__(self, authority: bytes, clock: Callable[[], float]) -> None:
        self._authority = authority
        self._clock = clock
        self._named = lru_cache(REMEMBERED)(self._read)

    def renew(self, authority: bytes) -> None:
        """Trust a new certificate of the authority from now on.

        Args:
            authority: PEM.
        """
        self._authority = authority
        self._named.cache_clear()

    def __call__(self, request: Request) -> User | None:
        """The user that the certificate names, None without one.

        Raises:
            ApiError: 401: the certificate counts for nobody, or not now. One without a CN too: the
                real server's front-proxy authenticator refuses it, and nobody else takes it.
        """
        shown = request.certificate
        if shown is None:
            return None
        named = self._named(shown.chain) if isinstance(shown, ShownCertificate) else _named(shown)
        if named is None or not named.since <= self._clock() <= named.until:
            raise unauthorized()
        return named.user

    def _read(self, chain: tuple[bytes, ...]) -> _Named | None:
        # Loaded only now: in-process callers show no certificates.
        from labkit.embedded.apiserver.authentication.chains import BadCertificate, identify

        try:
            return _named(identify(chain, self._authority))
        except BadCertificate:
            return None


class _Named(NamedTuple):
    user: User
    since: float
    until: float


def _named(peer: PeerCertificate) -> _Named | None:
    if not peer.common_name:
        return None
    extra = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={peer.sha256}",)}
    user = authenticated(User(peer.common_name, peer.organizations, peer.uid, extra))
    return _Named(user, *peer.valid)
