"""Certificates of every kind, good and bad, made by hand."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kube_embedded.machinery.pki.certificates import KEY_USAGES
from kube_embedded.machinery.pki.keys import Keys

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extension = tuple[x509.ExtensionType, bool]
"""An extension, and whether it is critical."""

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
NO_AUTHORITY: Extension = (x509.BasicConstraints(ca=False, path_length=None), True)
UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")


def key_usage(*names: str) -> x509.KeyUsage:
    """A key usage with just these bits."""
    return x509.KeyUsage(**{name: name in names for name in KEY_USAGES})


def subject(user: str = "", groups: Sequence[str] = (), *, uids: Sequence[str] = ()) -> x509.Name:
    """A subject: each group an O, the user the CN."""
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            *([x509.NameAttribute(NameOID.COMMON_NAME, user)] if user else []),
            *(x509.NameAttribute(UID, uid) for uid in uids),
        ]
    )


@dataclass(frozen=True)
class Identity:
    """A certificate, its key, and further certificates of its chain.

    Args:
        certificate: The certificate.
        key: Its private key.
        along: The further certificates that are sent.
    """

    certificate: x509.Certificate
    key: PrivateKey
    along: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        """The certificates and the key."""
        return b"".join(
            each.public_bytes(serialization.Encoding.PEM)
            for each in (self.certificate, *self.along)
        ) + self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates in DER, as TLS sends them."""
        return tuple(
            each.public_bytes(serialization.Encoding.DER)
            for each in (self.certificate, *self.along)
        )

    def written(self, path: Path) -> Path:
        """Write the PEM file.

        Returns:
            The path.
        """
        path.write_bytes(self.pem)
        return path

    def issue(
        self,
        user: str | x509.Name = "jane",
        groups: Sequence[str] = ("dev",),
        *,
        days: tuple[float, float] = (-1, 1),
        usages: Sequence[x509.ObjectIdentifier] = CLIENT,
        basic: Extension | None = NO_AUTHORITY,
        more: Sequence[Extension] = (),
    ) -> Identity:
        """Issue a certificate that is signed by this one, even if this one is not a CA.

        Args:
            user: The CN, or a whole subject.
            groups: The O values.
            days: From when to when it is valid, in days from now.
            usages: Its extended key usages.
            basic: Its basic constraints.
            more: Further extensions.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(user if isinstance(user, x509.Name) else subject(user, groups))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        for extension, critical in [*([basic] if basic else []), *more]:
            builder = builder.add_extension(extension, critical)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return Identity(builder.sign(self.key, hashes.SHA256()), key, self._between)

    def authority(
        self,
        name: str = "between",
        *,
        path_length: int | None = None,
        days: tuple[float, float] = (-1, 1),
        usages: Sequence[x509.ObjectIdentifier] = (),
        more: Sequence[Extension] = (),
    ) -> Identity:
        """Issue an authority below this one; its certificates are sent with their chain.

        Args:
            name: Its CN.
            path_length: The number of authorities allowed below it.
            days: As in ``issue``.
            usages: As in ``issue``.
            more: As in ``issue``.
        """
        basic = x509.BasicConstraints(ca=True, path_length=path_length)
        return self.issue(name, (), days=days, usages=usages, basic=(basic, True), more=more)

    @property
    def _between(self) -> tuple[x509.Certificate, ...]:
        own = self.certificate
        return () if own.issuer == own.subject else (own, *self.along)


def root(name: str = "other") -> Identity:
    """An authority of its own.

    Args:
        name: Its CN.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .issuer_name(subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)


def authority_of(keys: Keys) -> Identity:
    """A cluster's authority."""
    key = serialization.load_pem_private_key(keys.ca_key, None)
    assert isinstance(key, PrivateKey)
    return Identity(x509.load_pem_x509_certificate(keys.ca_certificate), key)
