"""Client certificates: the CN is the user, each O a group.

Source: k8s.io/apiserver ``pkg/authentication/request/x509``.
"""

from __future__ import annotations

from labkit.apiserver.request import Request, User


def authenticate_certificate(request: Request) -> User | None:
    """The user a verified client certificate names; None without one, or if it names nobody."""
    certificate = request.certificate
    if certificate is None or not certificate.common_name:
        return None
    extra = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={certificate.sha256}",)}
    return User(certificate.common_name, certificate.organizations, extra=extra)
