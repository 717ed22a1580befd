"""Private keys and tokens in the forms in which a shell shows them."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from labkit.core.redact import redact

TOKEN = "eyJhbGciOiJSUzI1NiJ9." + "eyJhdWQiOlsiaHR0cHM6Ly9rdWJlcm5ldGVzIl0s." + "c2lnbmF0dXJl" * 28
FORMS: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.encodebytes(text.encode()).decode(),  # as the program base64 wraps it
]


def keys() -> list[str]:
    """Return a key of each kind in each of its formats."""
    made: list[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
    ]
    formats = [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]
    return [
        key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        for key in made
        for form in formats
    ]


@pytest.mark.parametrize("form", FORMS)
def test_no_token_and_no_key_is_left(form: Callable[[str], str]) -> None:
    for secret in [TOKEN, *keys()]:
        shown = redact(f"tls.key: {form(secret)}\nname: web")
        assert shown.startswith("tls.key: ")
        assert shown.endswith("\nname: web")
        assert len(shown) < 60, shown


def test_a_key_that_is_cut_is_hidden_too_and_a_certificate_is_not() -> None:
    assert redact(keys()[0][:400]) == "<private key>"
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    assert redact(certificate) == certificate
    encoded = base64.b64encode(certificate.encode() * 3).decode()
    assert redact(encoded) == encoded
