"""The cluster's keys: a certificate authority, the server's certificate, the token signer.

They have the same file names as kubeadm's (``pki/ca.crt``, ``pki/ca.key``, …). The CA and leaf certificates use
P-256, which
is made in a millisecond. Service-account tokens are RS256 on every real cluster, so their key is RSA.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Keys:
    """The private keys and certificates of a cluster, in PEM.

    Args:
        ca_certificate: The authority that clients trust.
        ca_key: Signs server and client certificates.
        server_certificate: Shown to every client.
        server_key: The server's private key.
        token_key: RSA key that signs service-account tokens.
    """

    ca_certificate: bytes
    ca_key: bytes
    server_certificate: bytes
    server_key: bytes
    token_key: bytes

    @classmethod
    def generate(cls, token_key: bytes | None = None) -> Keys:
        """Generate new keys; clusters can share a ``token_key`` (RSA, PEM), which is slow to generate."""
        from .certificates import new_authority

        return cls(*new_authority(), b"", b"", token_key or new_token_key()).renewed()

    def renewed(self) -> Keys:
        """Return the same keys with a new certificate for the server."""
        from .certificates import issue

        certificate, key = issue(self.ca_certificate, self.ca_key, "kube-apiserver", server=True)
        return replace(self, server_certificate=certificate, server_key=key)

    def with_new_authority(self) -> Keys:
        """Return the same keys with a new certificate for the authority; certificates that it has signed stay valid."""
        from .certificates import renew_authority

        return replace(self, ca_certificate=renew_authority(self.ca_key))

    def client_certificate(self, user: str, groups: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
        """A client certificate and its key, PEM: ``user`` becomes the CN, ``groups`` the O values."""
        from .certificates import issue

        return issue(self.ca_certificate, self.ca_key, user, groups)

    def sign_request(
        self, request: str, usages: Iterable[str], seconds: int | None, now: float
    ) -> bytes:
        """Sign a certificate signing request.

        Args:
            request: A PEM file in base64.
            usages: The key usages of the certificate.
            seconds: The requested lifetime.
            now: Seconds since the epoch.
        """
        from .signing_requests import sign

        return sign(self.ca_certificate, self.ca_key, request, usages, seconds, now)


def new_token_key() -> bytes:
    """Make an RSA key for service account tokens, PEM."""
    from .certificates import new_token_key

    return new_token_key()
