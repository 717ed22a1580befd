"""Verification of a client's certificate chain, as Go does it.

No clock is involved: a valid chain comes with the times between which it is valid.

Sources: Go's ``crypto/x509`` (``Certificate.Verify``, ``isValid``, ``checkChainForKeyUsage``);
RFC 5280, section 6; k8s.io/apiserver ``pkg/authentication/request/x509`` (``CommonNameUserConversion``).
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from ...machinery.request import PeerCertificate

UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")
"""The attribute of a subject that is the user's uid. Source: ``k8s.io/apimachinery/pkg/apis/asn1``."""

CLIENTS = frozenset((ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))

MAX_SIGNATURES = 100
"""Signatures that are checked before a chain is rejected (Go's ``maxChainSignatureChecks``)."""

UNDERSTOOD = frozenset(
    (
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    )
)
"""Extensions that may be critical."""

UNREADABLE = (
    ValueError,
    TypeError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)

E = TypeVar("E", bound=x509.ExtensionType)


class BadCertificate(Exception):
    """An invalid client certificate; the message is the reason."""


def identify(chain: Sequence[bytes], authority: bytes) -> PeerCertificate:
    """Return the identity in the first certificate of a chain (DER).

    The others can be intermediates that lead to the authority (PEM).

    Raises:
        BadCertificate: It cannot be read, or does not lead to the authority.
    """
    try:
        leaf, *others = [x509.load_der_x509_certificate(certificate) for certificate in chain]
        roots = x509.load_pem_x509_certificates(authority)
        # A leaf can reach the authority on several paths, for example after the CA was renewed. Go accepts any valid
        # one, so the one that lasts longest decides.
        windows = [
            _window(path) for path in _PathSearch(others, roots).paths(leaf) if _for_clients(path)
        ]
        if not windows:
            raise BadCertificate("certificate signed by unknown authority")
        return _peer(leaf, max(windows, key=lambda window: window[1]))
    except UNREADABLE as error:
        raise BadCertificate(str(error)) from error


def _peer(leaf: x509.Certificate, valid: tuple[float, float]) -> PeerCertificate:
    names, groups, uids = (
        [str(item.value) for item in leaf.subject.get_attributes_for_oid(kind)]
        for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, UID)
    )
    if len(uids) > 1 or uids == [""]:
        raise BadCertificate("expected 1 UID")
    return PeerCertificate(
        names[-1] if names else "",
        tuple(groups),
        leaf.fingerprint(hashes.SHA256()).hex(),
        uids[0] if uids else "",
        valid,
    )


class _PathSearch:
    """Finds the paths from a certificate to an authority, through other certificates."""

    def __init__(
        self, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
    ) -> None:
        self._others = others
        self._roots = roots
        self._signatures = 0

    def paths(self, leaf: x509.Certificate) -> Iterator[tuple[x509.Certificate, ...]]:
        """All paths, the certificate first and the authority last."""
        if _understood(leaf):
            if leaf in self._roots:
                yield (leaf,)
            else:
                yield from self._extend((leaf,))

    def _extend(self, path: tuple[x509.Certificate, ...]) -> Iterator[tuple[x509.Certificate, ...]]:
        for root in self._roots:
            if self._issued_by(path, root):
                yield (*path, root)
        for other in self._others:
            if other not in path and other not in self._roots and self._issued_by(path, other):
                yield from self._extend((*path, other))

    def _issued_by(self, path: tuple[x509.Certificate, ...], issuer: x509.Certificate) -> bool:
        if path[-1].issuer != issuer.subject or not _may_issue(path, issuer):
            return False
        # Cross-signed certificates can have exponentially many paths.
        self._signatures += 1
        if self._signatures > MAX_SIGNATURES:
            raise BadCertificate(
                "signature check attempts limit reached while verifying certificate chain"
            )
        return _signed(path[-1], issuer)


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:  # MD5 and SHA-1 are refused here, as by Go
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _may_issue(path: tuple[x509.Certificate, ...], issuer: x509.Certificate) -> bool:
    """Return whether a certificate can issue the last one of a path, and its path length constraint allows the path.

    Name constraints are not evaluated: an issuer with any can sign only certificates without alternative names.
    """
    basic = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    constrained = _extension(issuer, x509.NameConstraints) is not None
    return (
        _understood(issuer)
        and basic is not None
        and basic.ca
        and (basic.path_length is None or len(path) - 1 <= basic.path_length)
        and (usage is None or usage.key_cert_sign)
        and not (
            constrained
            and any(_extension(certificate, x509.SubjectAlternativeName) for certificate in path)
        )
    )


def _for_clients(path: tuple[x509.Certificate, ...]) -> bool:
    """Return whether all certificates that restrict their usage include client authentication."""
    usages = [_extension(certificate, x509.ExtendedKeyUsage) for certificate in path]
    return all(usage is None or CLIENTS.intersection(usage) for usage in usages)


def _window(path: tuple[x509.Certificate, ...]) -> tuple[float, float]:
    return (
        max(certificate.not_valid_before_utc.timestamp() for certificate in path),
        min(certificate.not_valid_after_utc.timestamp() for certificate in path),
    )


def _understood(certificate: x509.Certificate) -> bool:
    """Return whether all critical extensions are known."""
    return all(
        not extension.critical or extension.oid in UNDERSTOOD
        for extension in certificate.extensions
    )


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
