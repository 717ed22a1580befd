"""P-256, over the library ecdsa."""

import hashlib
import secrets

from asn1crypto import keys as asn1
from ecdsa import BadSignatureError, NIST256p, SigningKey, VerifyingKey
from ecdsa.util import MalformedSignature, sigdecode_der, sigencode_der

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import written


class EllipticCurve:
    name = ""


class SECP256R1(EllipticCurve):
    name = "secp256r1"
    key_size = 256


class SECP256K1(EllipticCurve):
    name = "secp256k1"


class SECP384R1(EllipticCurve):
    name = "secp384r1"


class SECP521R1(EllipticCurve):
    name = "secp521r1"


class EllipticCurvePrivateNumbers:
    """None is ever made."""


class EllipticCurvePublicNumbers:
    """None is ever made."""


class ECDSA:
    def __init__(self, algorithm):
        self.algorithm = algorithm


class EllipticCurvePublicKey:
    def __init__(self, point):
        self.point = point
        self.curve = SECP256R1()
        self.key_size = 256

    def __eq__(self, other):
        return isinstance(other, EllipticCurvePublicKey) and self.point == other.point

    def __hash__(self):
        return hash(self.point)

    def verify(self, signature, data, _algorithm):
        try:
            key = VerifyingKey.from_string(self.point, curve=NIST256p)
            key.verify(signature, data, hashfunc=hashlib.sha256, sigdecode=sigdecode_der)
        except (BadSignatureError, MalformedSignature) as error:
            raise InvalidSignature from error

    def info(self):
        curve = asn1.ECDomainParameters(name="named", value="secp256r1")
        algorithm = asn1.PublicKeyAlgorithm({"algorithm": "ec", "parameters": curve})
        return asn1.PublicKeyInfo(
            {"algorithm": algorithm, "public_key": asn1.ECPointBitString(self.point)}
        )

    def public_bytes(self, encoding, _form):
        return written(self.info().dump(), encoding, "PUBLIC KEY")


class EllipticCurvePrivateKey:
    algorithm = "sha256_ecdsa"

    def __init__(self, secret):
        self.secret = secret
        self.curve = SECP256R1()
        self.key_size = 256
        self._key = SigningKey.from_secret_exponent(secret, NIST256p)

    def public_key(self):
        return EllipticCurvePublicKey(self._key.verifying_key.to_string("uncompressed"))

    def sign(self, data, _algorithm):
        return self._key.sign(data, hashfunc=hashlib.sha256, sigencode=sigencode_der)

    def private_bytes(self, encoding, _form, _encryption):
        inner = asn1.ECPrivateKey(
            {
                "version": "ecPrivkeyVer1",
                "private_key": self.secret,
                "public_key": asn1.ECPointBitString(self.public_key().point),
            }
        )
        inner["private_key"].set_encoded_width(32)
        curve = asn1.ECDomainParameters(name="named", value="secp256r1")
        algorithm = asn1.PrivateKeyAlgorithm({"algorithm": "ec", "parameters": curve})
        info = asn1.PrivateKeyInfo(
            {"version": 0, "private_key_algorithm": algorithm, "private_key": inner}
        )
        return written(info.dump(), encoding, "PRIVATE KEY")


def generate_private_key(curve, backend=None):
    if curve.name != "secp256r1":
        raise UnsupportedAlgorithm(curve.name)
    return EllipticCurvePrivateKey(secrets.randbelow(NIST256p.order - 1) + 1)
