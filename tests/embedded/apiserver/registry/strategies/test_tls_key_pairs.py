from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from labkit.embedded.apiserver.registry.strategies.tls_key_pairs import pair_problem


def key_pem(key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(key: EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def pem(kind: str, content: bytes = b"abc") -> bytes:
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(content).decode()}-----END {kind}-----\n".encode()


KEY = generate_private_key(SECP256R1())
PEM = key_pem(KEY)
CERTIFICATE = certificate_pem(KEY)
SWITCHED = "but did find a private key; PEM inputs may have been switched"


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        (CERTIFICATE, PEM, ""),
        (CERTIFICATE.replace(b"\n", b"\r\n"), pem("EC PARAMETERS") + PEM.strip(), ""),
        (b"junk", PEM, "tls: failed to find any PEM data in certificate input"),
        (PEM, CERTIFICATE, f"tls: failed to find certificate PEM data in certificate input, {SWITCHED}"),
        (
            pem("X") + pem("Y"),
            PEM,
            'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the '
            "following types: [X Y]",
        ),
        (pem("CERTIFICATE"), PEM, "x509: malformed certificate"),
        (CERTIFICATE, b"", "tls: failed to find any PEM data in key input"),
        (CERTIFICATE, CERTIFICATE, "tls: found a certificate rather than a key in the PEM for the private key"),
        (
            CERTIFICATE,
            pem("X"),
            'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks '
            "of the following types: [X]",
        ),
        (CERTIFICATE, pem("PRIVATE KEY"), "tls: failed to parse private key"),
        (CERTIFICATE, key_pem(generate_private_key(SECP256R1())), "tls: private key does not match public key"),
        (
            CERTIFICATE,
            key_pem(Ed25519PrivateKey.generate()),
            "tls: private key type does not match public key type",
        ),
    ],
)
def test_pairs(certificate: bytes, key: bytes, problem: str) -> None:
    assert pair_problem(certificate, key) == problem
