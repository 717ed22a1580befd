"""Creates certificates and private keys. Imported when one is needed, because cryptography loads slowly.

Source: the certificates kubeadm makes; RFC 5280.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
YEAR = datetime.timedelta(days=365)
EARLIEST = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
)

# The last one is the Service ``kubernetes``, by which pods reach the server.
SERVER_ADDRESSES = ("127.0.0.1", "::1", "10.96.0.1")


def new_authority() -> tuple[bytes, bytes]:
    """Make a certificate authority: certificate and key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _pem(_certificate("kubernetes", (), key, key, None)), _private_pem(key)


def renew_authority(ca_key: bytes) -> bytes:
    """Make a new certificate for an authority's old key, PEM."""
    key = authority_key(ca_key)
    return _pem(_certificate("kubernetes", (), key, key, None))


def authority_key(ca_key: bytes) -> ec.EllipticCurvePrivateKey:
    """Read the key of an authority, PEM."""
    key = serialization.load_pem_private_key(ca_key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def issue(
    ca_certificate: bytes,
    ca_key: bytes,
    user: str,
    groups: tuple[str, ...] = (),
    *,
    server: bool = False,
) -> tuple[bytes, bytes]:
    """Make a certificate and its key, PEM: ``user`` becomes the CN, ``groups`` the O values.

    With ``server``, include the API server's DNS names and IP addresses.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.load_pem_x509_certificate(ca_certificate)
    issued = _certificate(user, groups, key, authority_key(ca_key), authority, server=server)
    return _pem(issued), _private_pem(key)


def new_token_key() -> bytes:
    """Make an RSA key for service account tokens, PEM."""
    return _private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def public_key(private_key: bytes) -> bytes:
    """The public half of a private key, PEM."""
    key = serialization.load_pem_private_key(private_key, None)
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
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
    # Clocks differ, most of all on a laptop that has slept: a certificate must not begin in the future.
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    if issuer is None:
        # An authority is good for the past too: a server whose clock is set back needs no other one.
        validity = (max(begin - 10 * YEAR, EARLIEST), begin + 10 * YEAR)
        usages = {"digital_signature", "key_cert_sign"}
        return build(subject, key.public_key(), None, issuer_key, validity, usages)
    # kubeadm sets key encipherment for every type of key, although an elliptic one like ours cannot encrypt.
    usages = {"digital_signature", "key_encipherment"}
    # One extended usage only: a client's certificate, which a learner gets hold of, must not pass for the server's.
    extended = [ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH]
    names: list[x509.GeneralName] = []
    if server:
        # Go has read no host from the common name since 1.15; an address counts only as an entry of its own type.
        names += map(x509.DNSName, SERVER_NAMES)
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
    validity = (begin, begin + YEAR)
    return build(subject, key.public_key(), issuer, issuer_key, validity, usages, extended, names)


def build(
    subject: x509.Name,
    public_key: CertificatePublicKeyTypes,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    validity: tuple[datetime.datetime, datetime.datetime],
    usages: Collection[str],
    extended: Sequence[x509.ObjectIdentifier] = (),
    names: Sequence[x509.GeneralName] = (),
) -> x509.Certificate:
    """Sign a certificate; without an issuer it is an authority's own, self-signed.

    Args:
        subject: Its subject.
        public_key: The key of the subject.
        issuer: The authority's certificate.
        issuer_key: The authority's key.
        validity: Its begin and its end.
        usages: Names of flags of ``x509.KeyUsage``.
        extended: The extended key usages.
        names: Alternative names.
    """
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
    )
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=issuer is None, path_length=None), True),
        # Most clients do without these two; Python verifies strictly (RFC 5280) since 3.13, and does not.
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
    ]
    if usages:
        flags = {name: name in usages for name in KEY_USAGES}
        extensions.append((x509.KeyUsage(**flags), True))
    if extended:
        extensions.append((x509.ExtendedKeyUsage(extended), False))
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())
