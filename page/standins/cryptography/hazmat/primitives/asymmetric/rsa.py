"""RSA with PKCS #1 v1.5 and SHA-256, in Python's integers. Source: RFC 8017, 5.2 and 8.2."""

import hashlib
import secrets
from collections import namedtuple
from math import gcd

from asn1crypto import keys as asn1

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import written

PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
"""SHA-256's DigestInfo, before the digest."""

ROUNDS = 6
"""Of Miller-Rabin, for a random number of 1,024 bits: an error is less likely than 2**-100 (FIPS 186-5, table B.1)."""

SIEVE = 20_000


def _encoded(data, size):
    end = PREFIX + hashlib.sha256(data).digest()
    return b"\0\1" + b"\xff" * (size - len(end) - 3) + b"\0" + end


class RSAPublicNumbers(namedtuple("RSAPublicNumbers", "e n")):
    def public_key(self, backend=None):
        return RSAPublicKey(self.n, self.e)


class RSAPrivateNumbers:
    """None is ever made."""


def rsa_crt_dmp1(*_numbers):
    raise NotImplementedError


rsa_crt_dmq1 = rsa_crt_iqmp = rsa_recover_prime_factors = rsa_crt_dmp1


class RSAPublicKey:
    def __init__(self, n, e):
        self.n, self.e = n, e
        self.key_size = n.bit_length()

    def __eq__(self, other):
        return isinstance(other, RSAPublicKey) and (self.n, self.e) == (other.n, other.e)

    def __hash__(self):
        return hash((self.n, self.e))

    def public_numbers(self):
        return RSAPublicNumbers(self.e, self.n)

    def verify(self, signature, data, *_algorithms):
        size = (self.key_size + 7) // 8
        number = int.from_bytes(signature, "big")
        if (
            len(signature) != size
            or number >= self.n
            or pow(number, self.e, self.n).to_bytes(size, "big") != _encoded(data, size)
        ):
            raise InvalidSignature

    def info(self):
        return asn1.PublicKeyInfo.wrap(
            asn1.RSAPublicKey({"modulus": self.n, "public_exponent": self.e}), "rsa"
        )

    def public_bytes(self, encoding, _form):
        return written(self.info().dump(), encoding, "PUBLIC KEY")


class RSAPrivateKey:
    algorithm = "sha256_rsa"

    def __init__(self, numbers):
        self.numbers = numbers
        self.key_size = numbers["modulus"].bit_length()

    def public_key(self):
        return RSAPublicKey(self.numbers["modulus"], self.numbers["public_exponent"])

    def sign(self, data, *_algorithms):
        given = self.numbers
        p, q = given["prime1"], given["prime2"]
        size = (self.key_size + 7) // 8
        number = int.from_bytes(_encoded(data, size), "big")
        first, second = (
            pow(number % p, given["exponent1"], p),
            pow(number % q, given["exponent2"], q),
        )
        return (second + q * ((first - second) * given["coefficient"] % p)).to_bytes(size, "big")

    def private_bytes(self, encoding, _form, _encryption):
        info = asn1.PrivateKeyInfo.wrap(asn1.RSAPrivateKey(self.numbers), "rsa")
        return written(info.dump(), encoding, "PRIVATE KEY")


def generate_private_key(public_exponent=65537, key_size=2048, backend=None):
    while True:
        p, q = _prime(key_size // 2), _prime(key_size // 2)
        n, e = p * q, public_exponent
        totient = (p - 1) * (q - 1) // gcd(p - 1, q - 1)
        if p != q and n.bit_length() == key_size and gcd(e, totient) == 1:
            break
    d = pow(e, -1, totient)
    numbers = {
        "version": "two-prime",
        "modulus": n,
        "public_exponent": e,
        "private_exponent": d,
        "prime1": p,
        "prime2": q,
    }
    numbers |= {"exponent1": d % (p - 1), "exponent2": d % (q - 1), "coefficient": pow(q, -1, p)}
    return RSAPrivateKey(numbers)


def _small_primes():
    marks = bytearray([1]) * SIEVE
    for number in range(3, int(SIEVE**0.5) + 1, 2):
        marks[number * number :: 2 * number] = bytes(len(range(number * number, SIEVE, 2 * number)))
    return [number for number in range(3, SIEVE, 2) if marks[number]]


def _prime(bits):
    """A random prime whose two highest bits are set: candidates come from a sieved window of odd numbers."""
    small = _small_primes()
    while True:
        start = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        window = bytearray([1]) * (4 * bits)
        for prime in small:
            first = -start * pow(2, -1, prime) % prime
            window[first::prime] = bytes(len(range(first, len(window), prime)))
        for index, kept in enumerate(window):
            candidate = start + 2 * index
            if kept and candidate.bit_length() == bits and _is_prime(candidate):
                return candidate


def _is_prime(number):
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, *(secrets.randbelow(number - 3) + 2 for _ in range(ROUNDS))):
        power = pow(base, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True
