"""Reads, checks and signs certificate signing requests. Imported when there is one.

Source: RFC 2986; k8s.io/kubernetes ``pkg/apis/certificates/helpers.go``,
``pkg/controller/certificates/{authority,signer}``.
"""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.pki.certificates import grouped_name

BACKDATE = datetime.timedelta(minutes=5)
SHORT = datetime.timedelta(hours=8)
MAX_LIFETIME = datetime.timedelta(days=365)
MIN_LIFETIME = datetime.timedelta(minutes=10)
BEGIN, END, DASHES = b"-----BEGIN ", b"-----END ", b"-----"
UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)

KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
EXTENDED_USAGES = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec end system": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft sgc": x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": x509.ObjectIdentifier("2.16.840.1.113730.4.1"),
}
USAGES = sorted({**KEY_USAGES, **EXTENDED_USAGES})
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class BadRequestFile(ValueError):
    """Not a signing request; the message is the real server's."""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """The subject that a certificate request asks for."""

    parsed: x509.CertificateSigningRequest
    common_name: str
    organizations: tuple[str, ...]


def pem_blocks(data: bytes) -> Iterator[tuple[str, bytes, bool]]:
    """The blocks of a PEM file: label, content, and whether it has headers. Linear in the file's size."""
    at, end = 0, -1
    while True:
        begin = data.find(BEGIN, at)
        head = data.find(DASHES, begin + len(BEGIN)) if begin >= 0 else -1
        if head < 0:
            return
        label, at = data[begin + len(BEGIN) : head], head + len(DASHES)
        if end < at:
            end = data.find(END, at)
        if end < 0:
            return
        closing = END + label + DASHES
        if data[end : end + len(closing)] != closing:
            continue
        content = _pem_content(data[at:end])
        at = end + len(closing)
        if content is not None:
            yield label.decode("utf-8", "replace"), *content


def _pem_content(body: bytes) -> tuple[bytes, bool] | None:
    head, blank, rest = body.partition(b"\n\n")
    headers = bool(blank) and b":" in head
    try:
        return base64.b64decode(
            b"".join((rest if headers else body).split()), validate=True
        ), headers
    except binascii.Error:
        return None


def read_request(text: str) -> SigningRequest:
    """Parse ``spec.request``, a PEM file in base64, without verifying its signature.

    Raises:
        BadRequestFile: It is none.
    """
    block = next(pem_blocks(base64.b64decode(text)), None)
    if block is None or block[0] != "CERTIFICATE REQUEST":
        raise BadRequestFile("PEM block type must be CERTIFICATE REQUEST")
    try:
        parsed = x509.load_der_x509_csr(block[1])
        subject = parsed.subject
        _alternative_names(parsed)  # raises for what cannot be read
    except UNREADABLE as error:
        raise BadRequestFile("asn1: structure error: tags don't match") from error
    common_names = [str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return SigningRequest(
        parsed,
        common_names[-1] if common_names else "",
        tuple(
            str(each.value) for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        ),
    )


def _alternative_names(parsed: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def check_request(text: str) -> str:
    """The problem of ``spec.request``; empty for a valid one."""
    try:
        parsed = read_request(text).parsed
    except BadRequestFile as error:
        return str(error)
    try:
        if parsed.is_signature_valid:
            return ""
    except (*UNREADABLE, InvalidSignature):
        return "x509: cannot verify signature: algorithm unimplemented"
    rsa_key = isinstance(parsed.public_key(), rsa.RSAPublicKey)
    return "crypto/rsa: verification error" if rsa_key else "x509: ECDSA verification failure"


def check_certificates(text: str) -> str:
    """The problem of ``status.certificate``, a PEM file in base64; empty for a valid one."""
    found = False
    for label, content, headers in pem_blocks(base64.b64decode(text)):
        found = True
        if label != "CERTIFICATE":
            return f"only CERTIFICATE PEM blocks are allowed, found {go_quote(label)}"
        if headers:
            return "no PEM block headers are permitted"
        if not content:
            return "found CERTIFICATE PEM block containing 0 certificates"
        try:
            x509.load_der_x509_certificate(content)
        except ValueError:
            return "x509: malformed certificate"
    return "" if found or not text else "must contain at least one CERTIFICATE PEM block"


def sign(
    ca_certificate: bytes,
    ca_key: bytes,
    text: str,
    usages: Iterable[str],
    seconds: int | None,
    now: float,
) -> bytes:
    """Sign a request; see ``Keys.sign_request``. Empty if there can be no certificate for such a key or subject."""
    try:
        return _signed(ca_certificate, ca_key, text, usages, seconds, now)
    except (*UNREADABLE, TypeError):
        return b""


def _signed(
    ca_certificate: bytes,
    ca_key: bytes,
    text: str,
    usages: Iterable[str],
    seconds: int | None,
    now: float,
) -> bytes:
    parsed = read_request(text).parsed
    authority = x509.load_pem_x509_certificate(ca_certificate)
    key = cast(PrivateKey, serialization.load_pem_private_key(ca_key, None))
    begin = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    life = (
        MAX_LIFETIME
        if seconds is None
        else min(max(datetime.timedelta(seconds=seconds), MIN_LIFETIME), MAX_LIFETIME)
    )
    end = min(
        begin + life if life < SHORT else begin - BACKDATE + life, authority.not_valid_after_utc
    )
    chosen = list(usages)
    named = {KEY_USAGES[usage] for usage in chosen if usage in KEY_USAGES}
    extended = list(
        dict.fromkeys(EXTENDED_USAGES[each] for each in EXTENDED_USAGES if each in chosen)
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(grouped_name(parsed.subject))
        .issuer_name(authority.subject)
        .public_key(parsed.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - BACKDATE)
        .not_valid_after(end)
    )
    if named:
        flags = {name: name in named for name in KEY_USAGES.values()}
        if not flags["key_agreement"]:
            flags["encipher_only"] = flags["decipher_only"] = False
        builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
    )
    names = _alternative_names(parsed)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)
