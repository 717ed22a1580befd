"""Certificate signing requests for tests."""

from __future__ import annotations

import base64
import ipaddress
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLIENT = "kubernetes.io/kube-apiserver-client"


@lru_cache(maxsize=1)
def key() -> ec.EllipticCurvePrivateKey:
    """The key that all requests are made with."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem() -> bytes:
    """The key, PEM."""
    return key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signing_request(user: str, *groups: str, names: tuple[str, ...] = ()) -> str:
    """A request for a certificate, PEM in base64.

    Args:
        user: The CN.
        groups: The O values.
        names: Alternative names; those that are addresses become addresses.
    """
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, user)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        others = [general_name(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    made = builder.sign(key(), hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def general_name(name: str) -> x509.GeneralName:
    """An alternative name."""
    if "@" in name:
        return x509.RFC822Name(name)
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def request_body(
    name: str, request: str, signer: str = CLIENT, *usages: str, **spec: Any
) -> dict[str, Any]:
    """The body of a CertificateSigningRequest."""
    wanted = list(usages) or ["client auth"]
    return {
        "metadata": {"name": name},
        "spec": {"request": request, "signerName": signer, "usages": wanted, **spec},
    }
