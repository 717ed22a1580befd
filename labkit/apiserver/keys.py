"""The cluster's keys: a certificate authority, the server's certificate, the token signer.

Kept where kubeadm keeps them (``pki/ca.crt``, ``pki/ca.key``, …). The CA and leaf
certificates use P-256, which is made in a millisecond; service-account tokens are
RS256 on every real cluster, so their key is RSA.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = datetime.timedelta(days=365)
SERVER_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local", "localhost")
SERVER_ADDRESSES = ("127.0.0.1", "::1", "10.96.0.1")


@dataclass(frozen=True)
class Keys:
    """Everything secret that a cluster owns, in PEM.

    Args:
        ca_certificate: What clients trust.
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
        """New keys.

        Args:
            token_key: An RSA key in PEM to share between clusters; made if None.
        """
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("kubernetes", (), ca_key, ca_key, None)
        server_key = ec.generate_private_key(ec.SECP256R1())
        server = _certificate("kube-apiserver", (), server_key, ca_key, ca, server=True)
        return cls(_pem(ca), _private_pem(ca_key), _pem(server), _private_pem(server_key),
                   token_key or new_token_key())

    def client_certificate(self, user: str, groups: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
        """A client certificate and its key, both PEM.

        Args:
            user: Becomes the CN, which the server takes as the user name.
            groups: Become the O values.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        ca = x509.load_pem_x509_certificate(self.ca_certificate)
        ca_key = serialization.load_pem_private_key(self.ca_key, None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        return _pem(_certificate(user, groups, key, ca_key, ca)), _private_pem(key)


def new_token_key() -> bytes:
    """A new RSA key for service-account tokens, PEM."""
    return _private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate(
    common_name: str,
    organizations: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    *,
    server: bool = False,
) -> x509.Certificate:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    authority = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + (10 * YEAR if authority else YEAR))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, not authority, False, False, authority, False, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if not authority:
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if server:
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in SERVER_NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
