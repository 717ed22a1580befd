"""Reads, checks and signs certificate signing requests. Imported when there is one.

Source: RFC 2986; k8s.io/kubernetes ``pkg/apis/certificates/helpers.go``,
``pkg/controller/certificates/{authority,signer}``.
"""

import base64
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..golang.quote import go_quote
from .certificates import authority_key, build

BACKDATE = datetime.timedelta(minutes=5)
SHORT = datetime.timedelta(hours=8)
MAX_LIFETIME = datetime.timedelta(days=365)
MIN_LIFETIME = datetime.timedelta(minutes=10)
LABEL = re.compile(rb"-----BEGIN ([^-\n]*)-----")
HEADER = re.compile(rb"-----BEGIN [^-\n]*-----\s*[\w-]+:")
UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)

USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
"""The usages that a request can name; the cluster signs few of them."""


class BadRequestFile(ValueError):
    """Not a signing request; the message is the real server's."""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """The subject in a certificate signing request."""

    parsed: x509.CertificateSigningRequest
    common_name: str
    organizations: tuple[str, ...]


def read_request(text: str) -> SigningRequest:
    """Parse ``spec.request``, a PEM file in base64, without verifying its signature.

    Raises:
        BadRequestFile: It is none.
    """
    data = base64.b64decode(text)
    # Go reads the first block alone; cryptography would search for a request behind other blocks.
    if LABEL.findall(data)[:1] != [b"CERTIFICATE REQUEST"]:
        raise BadRequestFile("PEM block type must be CERTIFICATE REQUEST")
    try:
        parsed = x509.load_pem_x509_csr(data)
        subject = parsed.subject
        # Read for its errors: it raises for names that could not be signed later.
        _alternative_names(parsed)
    except UNREADABLE as error:
        raise BadRequestFile("asn1: structure error: tags don't match") from error
    names, organizations = (
        tuple(str(attribute.value) for attribute in subject.get_attributes_for_oid(oid))
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    )
    # Of several common names, Go takes the last one.
    return SigningRequest(parsed, names[-1] if names else "", organizations)


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
    # Go names the algorithm that failed.
    rsa_key = isinstance(parsed.public_key(), rsa.RSAPublicKey)
    return "crypto/rsa: verification error" if rsa_key else "x509: ECDSA verification failure"


def check_certificates(text: str) -> str:
    """The problem of ``status.certificate``, a PEM file in base64; empty for a valid one."""
    data = base64.b64decode(text)
    labels = LABEL.findall(data)
    for label in labels:
        if label != b"CERTIFICATE":
            quoted = go_quote(label.decode("utf-8", "replace"))
            return f"only CERTIFICATE PEM blocks are allowed, found {quoted}"
    if HEADER.search(data):
        return "no PEM block headers are permitted"
    if not labels:
        return "must contain at least one CERTIFICATE PEM block" if text else ""
    try:
        x509.load_pem_x509_certificates(data)
    except ValueError:
        return "x509: malformed certificate"
    return ""


def sign(
    ca_certificate: bytes,
    ca_key: bytes,
    text: str,
    usages: Iterable[str],
    seconds: int | None,
    now: float,
) -> bytes:
    """Sign a client's request; see ``Keys.sign_request``. Empty if there can be no certificate for its key or subject."""
    begin = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    life = MAX_LIFETIME
    if seconds is not None:
        life = min(max(datetime.timedelta(seconds=seconds), MIN_LIFETIME), MAX_LIFETIME)
    # A short life counts from now; a longer one contains the minutes by which the begin is dated back.
    end = begin + life if life < SHORT else begin - BACKDATE + life
    try:
        request = read_request(text).parsed
        authority = x509.load_pem_x509_certificate(ca_certificate)
        certificate = build(
            request.subject,
            request.public_key(),
            authority,
            authority_key(ca_key),
            (begin - BACKDATE, min(end, authority.not_valid_after_utc)),
            [usage.replace(" ", "_") for usage in usages if usage != "client auth"],
            [ExtendedKeyUsageOID.CLIENT_AUTH],
            _alternative_names(request),
        )
    except (*UNREADABLE, TypeError):
        return b""
    return certificate.public_bytes(serialization.Encoding.PEM)
