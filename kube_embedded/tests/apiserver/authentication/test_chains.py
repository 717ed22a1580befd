"""Which chains of certificates count, as kube-apiserver v1.36.2 was seen to judge them."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kube_embedded.apiserver.authentication.chains import BadCertificate, identify
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.support.certificates import (
    CLIENT,
    SERVER,
    Identity,
    authority_of,
    key_usage,
    root,
    subject,
)

KEYS = Keys.generate(b"-")
OURS = authority_of(KEYS)
OTHER = root()
TWIN = root("kubernetes")

ANY = (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
ONLY_EXAMPLES = x509.NameConstraints([x509.DNSName("example.com")], None)
ELSEWHERE = x509.SubjectAlternativeName([x509.DNSName("elsewhere.org")])

GOOD: dict[str, Callable[[], Identity]] = {
    "plain": OURS.issue,
    "for anything": lambda: OURS.issue(usages=ANY),
    "for servers too": lambda: OURS.issue(usages=(*SERVER, *CLIENT)),
    "for nothing in particular": lambda: OURS.issue(usages=()),
    "without basic constraints": lambda: OURS.issue(basic=None),
    "an authority itself": OURS.authority,
    "whose key is for signing certificates": lambda: OURS.issue(
        more=[(key_usage("key_cert_sign"), True)]
    ),
    "whose key is for encryption": lambda: OURS.issue(more=[(key_usage("key_encipherment"), True)]),
    "with something unknown that is not critical": lambda: OURS.issue(more=[(UNKNOWN, False)]),
    "expired, which is asked elsewhere": lambda: OURS.issue(days=(-2, -1)),
    "below another": lambda: OURS.authority().issue(),
    "below two": lambda: OURS.authority("a").authority("b").issue(),
    "below one that may have none below it": lambda: OURS.authority(path_length=0).issue(),
    "without alternative names, below one that constrains them": lambda: OURS.authority(
        more=[(ONLY_EXAMPLES, True)]
    ).issue(),
}

BAD: dict[str, Callable[[], Identity]] = {
    "of another authority": OTHER.issue,
    "of another authority of the same name": TWIN.issue,
    "signed by itself": lambda: OTHER,
    "for servers": lambda: OURS.issue(usages=SERVER),
    "for signing code": lambda: OURS.issue(usages=(ExtendedKeyUsageOID.CODE_SIGNING,)),
    "with something unknown that is critical": lambda: OURS.issue(more=[(UNKNOWN, True)]),
    "below a user's": lambda: OURS.issue().issue(),
    "below another that is for servers": lambda: OURS.authority(usages=SERVER).issue(),
    "below another whose key is not for signing certificates": lambda: OURS.authority(
        more=[(key_usage("digital_signature"), True)]
    ).issue(),
    "below another with something unknown": lambda: OURS.authority(more=[(UNKNOWN, True)]).issue(),
    "below more than the other may have": lambda: (
        OURS.authority("a", path_length=0).authority("b").issue()
    ),
    "for a name that the other may not give": lambda: OURS.authority(
        more=[(ONLY_EXAMPLES, True)]
    ).issue(more=[(ELSEWHERE, False)]),
    "for a name that one two above may not give": lambda: (
        OURS.authority("a", more=[(ONLY_EXAMPLES, True)])
        .authority("b")
        .issue(more=[(ELSEWHERE, False)])
    ),
    "with two uids": lambda: OURS.issue(subject("jane", uids=("1", "2"))),
    "with an empty uid": lambda: OURS.issue(subject("jane", uids=("",))),
}


def judged(identity: Identity) -> tuple[str, tuple[str, ...]]:
    """User and groups of a certificate."""
    peer = identify(identity.chain, KEYS.ca_certificate)
    return peer.common_name, peer.organizations


@pytest.mark.parametrize("kind", GOOD)
def test_good(kind: str) -> None:
    identity = GOOD[kind]()
    assert (
        identify(identity.chain, KEYS.ca_certificate).sha256
        == identity.certificate.fingerprint(hashes.SHA256()).hex()
    )


@pytest.mark.parametrize("kind", BAD)
def test_bad(kind: str) -> None:
    with pytest.raises(BadCertificate):
        judged(BAD[kind]())


def test_the_authority_is_a_client_like_another() -> None:
    assert judged(OURS) == ("kubernetes", ())


def test_what_comes_along_may_be_in_any_order_and_too_much() -> None:
    own = OURS.authority("a").authority("b").issue()
    mixed = Identity(
        own.certificate, own.key, (OTHER.certificate, *reversed(own.along), *own.along)
    )
    assert judged(mixed) == ("jane", ("dev",))
    assert len(own.along) == 2


def test_what_does_not_come_along_is_missed() -> None:
    own = OURS.authority().issue()
    with pytest.raises(BadCertificate):
        judged(Identity(own.certificate, own.key))


def test_an_authority_that_comes_along_is_not_trusted() -> None:
    own = OTHER.issue()
    with pytest.raises(BadCertificate):
        judged(Identity(own.certificate, own.key, (OTHER.certificate, TWIN.certificate)))


def test_the_issuer_s_name_alone_is_worth_nothing() -> None:
    """Our authority's certificate, and another key."""
    with pytest.raises(BadCertificate):
        judged(Identity(OURS.certificate, TWIN.key).issue())


def test_of_several_names_the_last_counts() -> None:
    both = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "first"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "a"),
            x509.NameAttribute(NameOID.COMMON_NAME, "second"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "b"),
        ]
    )
    assert judged(OURS.issue(both)) == ("second", ("a", "b"))


def test_names_side_by_side() -> None:
    first, second = subject("jane", ["dev"]).rdns
    together = x509.Name([x509.RelativeDistinguishedName([*first, *second])])
    assert judged(OURS.issue(together)) == ("jane", ("dev",))


def test_a_uid() -> None:
    assert (
        identify(OURS.issue(subject("jane", uids=("a-uid",))).chain, KEYS.ca_certificate).uid
        == "a-uid"
    )
    assert identify(OURS.issue().chain, KEYS.ca_certificate).uid == ""


def test_a_chain_counts_while_all_of_it_does() -> None:
    recent = OURS.authority("recent", days=(-1, 5))
    anchor = recent.certificate.public_bytes(serialization.Encoding.PEM)
    between = recent.authority(days=(-3, 1))
    own = between.issue(days=(-2, 5)).certificate
    since, until = identify(between.issue(days=(-2, 5)).chain, anchor).valid
    assert (
        since
        == recent.certificate.not_valid_before_utc.timestamp()
        > own.not_valid_before_utc.timestamp()
    )
    assert (
        until
        == between.certificate.not_valid_after_utc.timestamp()
        < own.not_valid_after_utc.timestamp()
    )


def test_of_several_ways_the_one_that_lasts_counts() -> None:
    """One authority with two certificates, of which one has expired."""
    new = OURS.authority("between", days=(-5, 1))
    moment = new.certificate.not_valid_after_utc
    old = (
        x509.CertificateBuilder()
        .subject_name(new.certificate.subject)
        .issuer_name(OURS.certificate.subject)
        .public_key(new.key.public_key())
        .serial_number(1)
        .not_valid_before(OURS.certificate.not_valid_before_utc)
        .not_valid_after(OURS.certificate.not_valid_before_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(OURS.key, hashes.SHA256())
    )
    own = new.issue()
    for along in ((old, new.certificate), (new.certificate, old)):
        peer = identify(Identity(own.certificate, own.key, along).chain, KEYS.ca_certificate)
        assert peer.valid[1] == min(moment, own.certificate.not_valid_after_utc).timestamp()


def test_any_of_several_authorities() -> None:
    both = KEYS.ca_certificate + OTHER.certificate.public_bytes(serialization.Encoding.PEM)
    assert identify(OTHER.issue().chain, both).common_name == "jane"
    assert identify(OURS.issue().chain, both).common_name == "jane"


def test_what_is_no_certificate() -> None:
    with pytest.raises(BadCertificate):
        identify((b"nonsense",), KEYS.ca_certificate)
    with pytest.raises(BadCertificate):
        identify((OURS.issue().chain[0], b"nonsense"), KEYS.ca_certificate)


def test_a_maze_of_authorities_ends() -> None:
    """Authorities of one name and key: each may have signed each, and none leads to ours."""
    first = OTHER.authority("maze")
    same = [
        Identity(OTHER.certificate, OTHER.key).issue(
            "maze", (), basic=(x509.BasicConstraints(ca=True, path_length=None), True), usages=()
        )
        for _ in range(12)
    ]
    loops = tuple(
        x509.CertificateBuilder()
        .subject_name(first.certificate.subject)
        .issuer_name(first.certificate.subject)
        .public_key(first.key.public_key())
        .serial_number(number + 1)
        .not_valid_before(first.certificate.not_valid_before_utc)
        .not_valid_after(first.certificate.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(first.key, hashes.SHA256())
        for number in range(12)
    )
    own = first.issue()
    with pytest.raises(BadCertificate, match="limit"):
        judged(Identity(own.certificate, own.key, loops + tuple(each.certificate for each in same)))


AN_AUTHORITY = (
    "MIIBbjCCAROgAwIBAgIUESA/wYxoof691hg8qTmFsVSoTA8wCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBazAeFw0yNjExMjUw"
    "MzU2MDdaFw0yNjEyMDUwMzU2MDdaMAwxCjAIBgNVBAMMAWswWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARkCMhHHfTnRgl+"
    "LCV5XgKB16autduQA6F/zpQxaoO6FPBY2mmYgRBWL7GVbYJYFebWIPu02vyrVYNpgp+noE0wo1MwUTAdBgNVHQ4EFgQU0aOQ"
    "BGjJSbRpCYNlkFE7PC6D/d4wHwYDVR0jBBgwFoAU0aOQBGjJSbRpCYNlkFE7PC6D/d4wDwYDVR0TAQH/BAUwAwEB/zAKBggq"
    "hkjOPQQDAgNJADBGAiEAspuq4CaOLtyGNEBNJrIMTGG8KUNfW7Nuf1r4P2AyUiwCIQDOwJi0e5qBhD3EiwiXGAdPHKZMepUj"
    "7k0CS7L0oXtKRw=="
)
SIGNED_WITH_SHA1 = (
    "MIIBXTCCAQSgAwIBAgIUJZGHszsg7lZ2Obk13FFAuYCchT8wCQYHKoZIzj0EATAMMQowCAYDVQQDDAFrMB4XDTI2MTEyNTAz"
    "NTYwN1oXDTI2MTEzMDAzNTYwN1owDzENMAsGA1UEAwwEamFuZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMtU4Ts3MQWu"
    "lDoLlfavOIsgy+CuYHnIcencUb3xtcxJGFTw+YLKV6ZfqnbL/X4GOlYHbyFWCPG84F2rmYanmJejQjBAMB0GA1UdDgQWBBTK"
    "Sz9idVJ+DxrPuIIEu1YKFgyxbTAfBgNVHSMEGDAWgBTRo5AEaMlJtGkJg2WQUTs8LoP93jAJBgcqhkjOPQQBA0gAMEUCIE+H"
    "4JnEJqLqEUOcjcmVo6U7SEuGqNtu846DF+vwZI1/AiEAmMI8d9IXEpplvoML5ICo/DaIJAzI0dtZUQLyeHrZQ5k="
)
SIGNED_WITH_SHA256 = (
    "MIIBXzCCAQWgAwIBAgIUR46/8b/8aPSe3pmfi7/+ckXOre8wCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBazAeFw0yNjExMjUw"
    "MzU2MDdaFw0yNjExMzAwMzU2MDdaMA8xDTALBgNVBAMMBGphbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATLVOE7NzEF"
    "rpQ6C5X2rziLIMvgrmB5yHHp3FG98bXMSRhU8PmCylemX6p2y/1+BjpWB28hVgjxvOBdq5mGp5iXo0IwQDAdBgNVHQ4EFgQU"
    "yks/YnVSfg8az7iCBLtWChYMsW0wHwYDVR0jBBgwFoAU0aOQBGjJSbRpCYNlkFE7PC6D/d4wCgYIKoZIzj0EAwIDSAAwRQIg"
    "aYwcg4mk0NqztbkPakkeUSREcIVE0eiLxer/0PusUf0CIQD0JyOOuZ1ZXBA8ZvThJqpwc5o8rzE0YUvoP83AiQ/BRw=="
)
"""An authority, and a key that it signed for with either hash (``openssl x509 -req -sha1``)."""


def test_a_signature_of_sha1_is_worth_nothing() -> None:
    authority = ssl.DER_cert_to_PEM_cert(base64.b64decode(AN_AUTHORITY)).encode()
    assert identify((base64.b64decode(SIGNED_WITH_SHA256),), authority).common_name == "jane"
    with pytest.raises(BadCertificate):
        identify((base64.b64decode(SIGNED_WITH_SHA1),), authority)
