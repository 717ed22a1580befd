"""Checks that a certificate and a key belong together.

Source: Go's ``crypto/tls`` (``X509KeyPair``), which the warnings for secrets come from.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

BLOCK = re.compile(rb"-----BEGIN ([^\n-]*)-----[ \t]*\r?\n(.*?)-----END \1-----", re.DOTALL)
SWITCHED = (
    "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
    "PEM inputs may have been switched"
)
SKIPPED = "after skipping PEM blocks of the following types: ["


def pair_problem(certificate: bytes, key: bytes) -> str:
    """Return what is wrong with a certificate and its key, both PEM, in Go's words; empty if nothing is."""
    found, skipped = _first(certificate, lambda kind: kind == "CERTIFICATE")
    if found is None:
        if not skipped:
            return "tls: failed to find any PEM data in certificate input"
        if len(skipped) == 1 and skipped[0].endswith("PRIVATE KEY"):
            return SWITCHED
        return f'tls: failed to find "CERTIFICATE" PEM block in certificate input {SKIPPED}{" ".join(skipped)}]'
    secret, skipped = _first(key, lambda kind: kind == "PRIVATE KEY" or kind.endswith(" PRIVATE KEY"))
    if secret is None:
        if not skipped:
            return "tls: failed to find any PEM data in key input"
        if skipped == ["CERTIFICATE"]:
            return "tls: found a certificate rather than a key in the PEM for the private key"
        words = " ".join(skipped)
        return f'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input {SKIPPED}{words}]'
    return _mismatch(found, secret)


def _first(text: bytes, wanted: Callable[[str], bool]) -> tuple[bytes | None, list[str]]:
    """The first PEM block of a wanted type, and the types before it."""
    skipped: list[str] = []
    for match in BLOCK.finditer(text):
        kind = match[1].decode("utf-8", "replace")
        try:
            content = base64.b64decode(b"".join(match[2].split()), validate=True)
        except ValueError:
            continue
        if wanted(kind):
            return content, skipped
        skipped.append(kind)
    return None, skipped


def _mismatch(certificate: bytes, secret: bytes) -> str:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        public = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "x509: malformed certificate"
    try:
        private = load_der_private_key(secret, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "tls: failed to parse private key"
    of_private = private.public_key()
    if type(public) is not type(of_private):
        return "tls: private key type does not match public key type"
    return "" if public == of_private else "tls: private key does not match public key"
