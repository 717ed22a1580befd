import enum

from asn1crypto import keys as asn1
from asn1crypto import pem

from cryptography.exceptions import UnsupportedAlgorithm


class Encoding(enum.Enum):
    PEM = "PEM"
    DER = "DER"


class PrivateFormat(enum.Enum):
    PKCS8 = "PKCS8"


class PublicFormat(enum.Enum):
    SubjectPublicKeyInfo = "SubjectPublicKeyInfo"


class NoEncryption:
    """Keys are kept as they are."""


def written(der, encoding, label):
    """DER as it is, or in PEM."""
    return der if encoding is Encoding.DER else pem.armor(label, der)


def unwritten(data):
    """The DER of a PEM file's first block."""
    if not pem.detect(data):
        raise ValueError("no PEM")
    return pem.unarmor(data)[2]


def load_der_private_key(data, password=None, backend=None, **_options):
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        info = asn1.PrivateKeyInfo.load(data, strict=True)
        kind, inner = info.algorithm, info["private_key"].parsed
        if kind == "rsa":
            return rsa.RSAPrivateKey(inner.native | {"version": "two-prime"})
        if kind == "ec" and info.curve[1] == "secp256r1":
            return ec.EllipticCurvePrivateKey(inner["private_key"].native)
    except TypeError as error:
        raise ValueError("no private key") from error
    raise UnsupportedAlgorithm(kind)


def load_pem_private_key(data, password=None, backend=None, **options):
    return load_der_private_key(unwritten(data), password, **options)


def public_of(info):
    """The public key in a PublicKeyInfo."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if info.algorithm == "ec" and info.curve[1] == "secp256r1":
        return ec.EllipticCurvePublicKey(info["public_key"].native)
    if info.algorithm == "rsa":
        numbers = info["public_key"].parsed.native
        return rsa.RSAPublicKey(numbers["modulus"], numbers["public_exponent"])
    raise UnsupportedAlgorithm(info.algorithm)


def load_der_public_key(data, backend=None):
    return public_of(asn1.PublicKeyInfo.load(data, strict=True))


def load_pem_public_key(data, backend=None):
    return load_der_public_key(unwritten(data))


def load_ssh_public_key(data, backend=None):
    raise UnsupportedAlgorithm("ssh")
