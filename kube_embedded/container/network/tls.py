"""The TLS check of a pod's client: is this certificate for that name, and signed by that authority?

Decided from the certificates themselves, so a wrong ``--cacert`` fails for the real reason.
"""

import datetime
import ipaddress
import re

from cryptography import x509
from cryptography.exceptions import InvalidSignature

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
MAX_CERTIFICATES = 300


def load(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file; what cannot be read is left out."""
    out: list[x509.Certificate] = []
    for block in _PEM.findall(pem)[:MAX_CERTIFICATES]:
        try:
            out.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            continue
    return out


def verify_chain(
    served: list[x509.Certificate], trusted: list[x509.Certificate], now: float
) -> str | None:
    """OpenSSL's message about a chain (leaf first) by the trusted authorities, None if the chain is good."""
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    here = served[0]
    chain = [here]
    # Certificates that have signed each other would make a chain without an end.
    while here not in trusted and len(chain) < 8:
        # The trusted ones first: a chain ends as soon as it can.
        issuers = (issuer for issuer in (*trusted, *served) if issuer not in chain)
        above = next((issuer for issuer in issuers if _signed(here, issuer)), None)
        if above is None:
            break
        chain.append(above)
        here = above
    if here not in trusted:
        if _signed(here, here):
            return (
                "self-signed certificate"
                if len(chain) == 1
                else "self-signed certificate in certificate chain"
            )
        return "unable to get local issuer certificate"
    # OpenSSL looks at the dates only after it has found an authority.
    for certificate in chain:
        if moment > certificate.not_valid_after_utc:
            return "certificate has expired"
        if moment < certificate.not_valid_before_utc:
            return "certificate is not yet valid"
    return None


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def matches_host(certificate: x509.Certificate, host: str) -> bool:
    """Return whether a certificate is for a host name or address."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return str(ipaddress.ip_address(host)) in map(
            str, names.get_values_for_type(x509.IPAddress)
        )
    except ValueError:
        pass
    host = host.lower().rstrip(".")
    first, _, rest = host.partition(".")
    patterns = (host, f"*.{rest}" if first else host)
    return any(name.lower() in patterns for name in names.get_values_for_type(x509.DNSName))
