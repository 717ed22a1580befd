from __future__ import annotations

import base64
import datetime
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kube_embedded.machinery.pki.signing_requests import (
    BadRequestFile,
    check_request,
    read_request,
    sign,
)
from kube_embedded.tests.support.cluster import keys
from kube_embedded.tests.support.requests import signing_request


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


def test_what_a_request_asks() -> None:
    found = read_request(signing_request("bob", "dev", "ops", names=("a.example.com", "10.0.0.1")))
    assert found.common_name == "bob"
    assert found.organizations == ("dev", "ops")
    assert check_request(signing_request("bob")) == ""


@pytest.mark.parametrize("text", [b"", b"junk", b"-----BEGIN X-----\nAAAA\n-----END X-----\n"])
def test_what_is_no_request(text: bytes) -> None:
    with pytest.raises(BadRequestFile, match="PEM block type must be CERTIFICATE REQUEST"):
        read_request(encoded(text))


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN CERTIFICATE REQUEST-----",
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE REQUEST-----\n!!\n-----END CERTIFICATE REQUEST-----\n",
    ],
)
def test_what_is_a_broken_request(text: bytes) -> None:
    with pytest.raises(BadRequestFile, match="asn1: structure error"):
        read_request(encoded(text))


def test_damaged_requests_are_refused_and_never_signed() -> None:
    pem = base64.b64decode(signing_request("bob", names=("a",)))
    content = x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER)
    for place in range(len(content)):
        der = bytearray(content)
        der[place] ^= 0xFF
        body = b"-----BEGIN CERTIFICATE REQUEST-----\n" + base64.b64encode(bytes(der))
        assert check_request(encoded(body + b"\n-----END CERTIFICATE REQUEST-----\n"))


def test_a_request_that_cannot_be_read_is_not_signed() -> None:
    authority = keys()
    text = encoded(b"junk")
    assert (
        sign(authority.ca_certificate, authority.ca_key, text, ["client auth"], None, time.time())
        == b""
    )


@pytest.mark.parametrize(
    ("seconds", "lifetime"),
    [
        (None, 365 * 86_400 - 300),
        (0, 600),
        (599, 600),
        (3600, 3600),
        (8 * 3600 - 1, 8 * 3600 - 1),
        # From eight hours on, the minutes by which the begin is dated back are a part of it.
        (8 * 3600, 8 * 3600 - 300),
        (86_400, 86_400 - 300),
        (366 * 86_400, 365 * 86_400 - 300),
    ],
)
def test_how_long_a_certificate_is_valid(seconds: int | None, lifetime: int) -> None:
    authority, now = keys(), int(time.time())
    request, usages = signing_request("bob"), ["client auth"]
    pem = sign(authority.ca_certificate, authority.ca_key, request, usages, seconds, now)
    made = x509.load_pem_x509_certificate(pem)
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    assert made.not_valid_before_utc == moment - datetime.timedelta(seconds=300)
    assert made.not_valid_after_utc == moment + datetime.timedelta(seconds=lifetime)


def test_a_certificate_does_not_outlive_its_authority() -> None:
    authority = keys()
    end = x509.load_pem_x509_certificate(authority.ca_certificate).not_valid_after_utc
    late = end.timestamp() - 3600
    request, usages = signing_request("bob"), ["client auth"]
    pem = sign(authority.ca_certificate, authority.ca_key, request, usages, None, late)
    assert x509.load_pem_x509_certificate(pem).not_valid_after_utc == end
