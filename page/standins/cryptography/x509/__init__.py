"""Certificates and signing requests, over the library asn1crypto."""

import hashlib
import ipaddress
import secrets
from typing import Any

from asn1crypto import algos, csr, pem
from asn1crypto import x509 as asn1

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import public_of, unwritten, written
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier  # noqa: F401

HASHES = {"sha256_rsa", "sha256_ecdsa"}
"""The signature algorithms that are known."""


class DuplicateExtension(Exception):
    """An extension stands there twice."""


class UnsupportedGeneralNameType(Exception):
    """A name of an unknown kind."""


class ExtensionNotFound(Exception):
    """There is no such extension."""


class NameAttribute:
    def __init__(self, oid, value):
        self.oid, self.value = oid, value


class RelativeDistinguishedName:
    def __init__(self, attributes):
        self._attributes = list(attributes)

    def __iter__(self):
        return iter(self._attributes)


class Name:
    _read: Any = None
    """The name as asn1crypto has it, if it was read."""

    def __init__(self, attributes):
        parts = [
            part if isinstance(part, RelativeDistinguishedName) else [part] for part in attributes
        ]
        self._parts = [list(part) for part in parts]
        self._attributes = [each for part in self._parts for each in part]

    @classmethod
    def read(cls, name):
        made = cls(
            NameAttribute(ObjectIdentifier(entry["type"].dotted), entry["value"].native)
            for part in name.chosen
            for entry in part
        )
        made._read = name
        return made

    def asn1(self):
        if self._read is not None:
            return self._read
        parts = [
            asn1.RelativeDistinguishedName(
                [
                    asn1.NameTypeAndValue(
                        {"type": each.oid.dotted_string, "value": _text(each.value)}
                    )
                    for each in part
                ]
            )
            for part in self._parts
        ]
        return asn1.Name(name="", value=asn1.RDNSequence(parts))

    def __eq__(self, other):
        return isinstance(other, Name) and self.asn1().dump() == other.asn1().dump()

    def __hash__(self):
        return hash(self.asn1().dump())

    def __iter__(self):
        return iter(self._attributes)

    def get_attributes_for_oid(self, oid):
        return [each for each in self._attributes if each.oid == oid]


def _text(value):
    return asn1.DirectoryString(name="utf8_string", value=value)


class GeneralName:
    kind = ""

    def __init__(self, value):
        self.value = value

    def asn1(self):
        return asn1.GeneralName(name=self.kind, value=str(self.value))


class DNSName(GeneralName):
    kind = "dns_name"


class IPAddress(GeneralName):
    kind = "ip_address"

    def asn1(self):
        # From bytes: asn1crypto reads text by the machine's sockets, which know no IPv6 in a page.
        return asn1.GeneralName(name=self.kind, value=asn1.IPAddress(contents=self.value.packed))


class RFC822Name(GeneralName):
    kind = "rfc822_name"


class UniformResourceIdentifier(GeneralName):
    kind = "uniform_resource_identifier"


NAMES = {kind.kind: kind for kind in (DNSName, IPAddress, RFC822Name, UniformResourceIdentifier)}


class ExtensionType:
    oid = ObjectIdentifier("")

    @classmethod
    def read(cls, value):
        """The extension from asn1crypto's value."""
        raise NotImplementedError


class BasicConstraints(ExtensionType):
    oid = ExtensionOID.BASIC_CONSTRAINTS

    def __init__(self, ca, path_length):
        self.ca, self.path_length = ca, path_length

    @classmethod
    def read(cls, value):
        return cls(value["ca"].native, value["path_len_constraint"].native)

    def asn1(self):
        return asn1.BasicConstraints(
            {"ca": self.ca}
            | ({} if self.path_length is None else {"path_len_constraint": self.path_length})
        )


FLAGS = {
    "digital_signature": "digital_signature",
    "content_commitment": "non_repudiation",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "key_cert_sign": "key_cert_sign",
    "crl_sign": "crl_sign",
    "encipher_only": "encipher_only",
    "decipher_only": "decipher_only",
}


class KeyUsage(ExtensionType):
    oid = ExtensionOID.KEY_USAGE

    def __init__(self, *flags, **named):
        for name, value in {**dict(zip(FLAGS, flags, strict=False)), **named}.items():
            setattr(self, name, value)

    @classmethod
    def read(cls, value):
        return cls(**{name: theirs in value.native for name, theirs in FLAGS.items()})

    def asn1(self):
        return asn1.KeyUsage({theirs for name, theirs in FLAGS.items() if getattr(self, name)})


class ExtendedKeyUsage(ExtensionType):
    oid = ExtensionOID.EXTENDED_KEY_USAGE

    def __init__(self, usages):
        self._usages = list(usages)

    @classmethod
    def read(cls, value):
        return cls(ObjectIdentifier(each.dotted) for each in value)

    def asn1(self):
        return asn1.ExtKeyUsageSyntax([each.dotted_string for each in self._usages])

    def __iter__(self):
        return iter(self._usages)


class SubjectKeyIdentifier(ExtensionType):
    oid = ExtensionOID.SUBJECT_KEY_IDENTIFIER

    def __init__(self, digest):
        self.digest = digest

    @classmethod
    def from_public_key(cls, key):
        return cls(key.info().sha1)

    @classmethod
    def read(cls, value):
        return cls(value.native)

    def asn1(self):
        return asn1.OctetString(self.digest)


class AuthorityKeyIdentifier(ExtensionType):
    oid = ExtensionOID.AUTHORITY_KEY_IDENTIFIER

    def __init__(self, key_identifier):
        self.key_identifier = key_identifier

    @classmethod
    def from_issuer_public_key(cls, key):
        return cls(key.info().sha1)

    @classmethod
    def from_issuer_subject_key_identifier(cls, identifier):
        return cls(identifier.digest)

    @classmethod
    def read(cls, value):
        return cls(value["key_identifier"].native)

    def asn1(self):
        return asn1.AuthorityKeyIdentifier({"key_identifier": self.key_identifier})


class SubjectAlternativeName(ExtensionType):
    oid = ExtensionOID.SUBJECT_ALTERNATIVE_NAME

    def __init__(self, names):
        self._names = list(names)

    @classmethod
    def read(cls, value):
        names = []
        for each in value:
            if each.name not in NAMES:
                raise UnsupportedGeneralNameType(each.name)
            read = (
                ipaddress.ip_address(each.chosen.contents)
                if each.name == "ip_address"
                else each.native
            )
            names.append(NAMES[each.name](read))
        return cls(names)

    def asn1(self):
        return asn1.GeneralNames([each.asn1() for each in self._names])

    def __iter__(self):
        return iter(self._names)

    def get_values_for_type(self, kind):
        return [each.value for each in self._names if type(each) is kind]


class NameConstraints(ExtensionType):
    oid = ExtensionOID.NAME_CONSTRAINTS

    @classmethod
    def read(cls, _value):
        return cls()


KINDS = {kind.oid: kind for kind in ExtensionType.__subclasses__()}


class Extension:
    def __init__(self, oid, critical, value):
        self.oid, self.critical, self.value = oid, critical, value


class Extensions:
    def __init__(self, found):
        self._found: list[Extension] = []
        for each in found:
            oid = ObjectIdentifier(each["extn_id"].dotted)
            if any(oid == other.oid for other in self._found):
                raise DuplicateExtension(oid.dotted_string)
            kind = KINDS.get(oid)
            value = kind.read(each["extn_value"].parsed) if kind else each["extn_value"].native
            self._found.append(Extension(oid, each["critical"].native, value))

    def __iter__(self):
        return iter(self._found)

    def get_extension_for_class(self, kind):
        for each in self._found:
            if each.oid == kind.oid:
                return each
        raise ExtensionNotFound(kind.__name__)


class Certificate:
    def __init__(self, certificate):
        self._certificate = certificate
        self._body = certificate["tbs_certificate"]

    def __eq__(self, other):
        return (
            isinstance(other, Certificate) and self._certificate.dump() == other._certificate.dump()
        )

    def __hash__(self):
        return hash(self._certificate.dump())

    @property
    def subject(self):
        return Name.read(self._certificate.subject)

    @property
    def issuer(self):
        return Name.read(self._certificate.issuer)

    @property
    def serial_number(self):
        return self._certificate.serial_number

    @property
    def not_valid_before_utc(self):
        return self._certificate.not_valid_before

    @property
    def not_valid_after_utc(self):
        return self._certificate.not_valid_after

    @property
    def extensions(self):
        return Extensions(self._body["extensions"] or ())

    def fingerprint(self, algorithm):
        return hashlib.new(algorithm.name, self._certificate.dump()).digest()

    def public_key(self):
        return public_of(self._certificate.public_key)

    def public_bytes(self, encoding):
        return written(self._certificate.dump(), encoding, "CERTIFICATE")

    def verify_directly_issued_by(self, issuer):
        if self.issuer != issuer.subject:
            raise ValueError("the issuer is another one")
        if self._certificate["signature_algorithm"]["algorithm"].native not in HASHES:
            raise ValueError("an unknown algorithm")
        issuer.public_key().verify(
            self._certificate["signature_value"].native, self._body.dump(), None
        )


class CertificateSigningRequest:
    def __init__(self, request):
        self._request = request
        self._body = request["certification_request_info"]

    @property
    def subject(self):
        return Name.read(self._body["subject"])

    @property
    def extensions(self):
        wanted = [
            each
            for each in self._body["attributes"] or ()
            if each["type"].native == "extension_request"
        ]
        return Extensions(wanted[0]["values"][0] if wanted else ())

    def public_key(self):
        return public_of(self._body["subject_pk_info"])

    @property
    def is_signature_valid(self):
        try:
            self.public_key().verify(self._request["signature"].native, self._body.dump(), None)
        except InvalidSignature:
            return False
        return True


def load_der_x509_certificate(data):
    made = asn1.Certificate.load(data, strict=True)
    try:
        _parsed = (
            made.subject.native,
            made.issuer.native,
            made.not_valid_after,
            made.public_key.algorithm,
        )
    except (TypeError, OverflowError) as error:  # asn1crypto parses late
        raise ValueError(str(error)) from error
    return Certificate(made)


def load_pem_x509_certificate(data):
    return load_der_x509_certificate(unwritten(data))


def load_pem_x509_certificates(data):
    return [load_der_x509_certificate(der) for _, _, der in pem.unarmor(data, multiple=True)]


def load_der_x509_csr(data):
    made = csr.CertificationRequest.load(data, strict=True)
    try:
        _parsed = (
            made["certification_request_info"]["subject"].native,
            made["signature_algorithm"].native,
        )
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error
    return CertificateSigningRequest(made)


def random_serial_number():
    return secrets.randbits(159) | 1


class CertificateBuilder:
    def __init__(self, **parts):
        self._parts = parts

    def _with(self, **more):
        return CertificateBuilder(**self._parts, **more)

    def subject_name(self, name):
        return self._with(subject=name)

    def issuer_name(self, name):
        return self._with(issuer=name)

    def public_key(self, key):
        return self._with(key=key)

    def serial_number(self, number):
        return self._with(serial=number)

    def not_valid_before(self, time):
        return self._with(since=time)

    def not_valid_after(self, time):
        return self._with(until=time)

    def add_extension(self, value, critical):
        known = self._parts.get("extensions", ())
        return CertificateBuilder(**{**self._parts, "extensions": (*known, (value, critical))})

    def sign(self, key, _algorithm):
        parts = self._parts
        algorithm = algos.SignedDigestAlgorithm({"algorithm": key.algorithm})
        body = asn1.TbsCertificate(
            {
                "version": "v3",
                "serial_number": parts["serial"],
                "signature": algorithm,
                "issuer": parts["issuer"].asn1(),
                "validity": {
                    "not_before": _time(parts["since"]),
                    "not_after": _time(parts["until"]),
                },
                "subject": parts["subject"].asn1(),
                "subject_public_key_info": parts["key"].info(),
                "extensions": [
                    {
                        "extn_id": value.oid.dotted_string,
                        "critical": critical,
                        "extn_value": value.asn1(),
                    }
                    for value, critical in parts.get("extensions", ())
                ],
            }
        )
        signature = key.sign(body.dump(), None)
        return Certificate(
            asn1.Certificate(
                {
                    "tbs_certificate": body,
                    "signature_algorithm": algorithm,
                    "signature_value": signature,
                }
            )
        )


def _time(time):
    time = time.replace(microsecond=0)
    return asn1.Time(name="utc_time" if time.year < 2050 else "general_time", value=time)
