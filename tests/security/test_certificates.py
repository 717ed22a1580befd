"""Which client certificates count, over real TLS."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from labkit.apiserver.keys import Keys
from tests.support.server import Server, running_server

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server(node=False) as server:
        yield server


def refused(server: Server, identity: Path) -> bool:
    """Whether the server takes the certificate for nobody: the handshake fails, or the answer is 401."""
    connection = server.connect(identity)
    try:
        connection.request("GET", "/api/v1/namespaces")
        return connection.getresponse().status == 401
    except (ssl.SSLError, ConnectionError):
        return True
    finally:
        connection.close()


def forged(
    tmp_path: Path,
    ca_certificate: bytes,
    ca_key: bytes,
    *,
    days: tuple[int, int] = (-1, 1),
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> Path:
    """A certificate of an administrator, signed by some key."""
    issuer = x509.load_pem_x509_certificate(ca_certificate)
    signer = serialization.load_pem_private_key(ca_key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes-admin"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    path = tmp_path / "identity.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def own(server: Server) -> tuple[bytes, bytes]:
    pki = server.home / "pki"
    return (pki / "ca.crt").read_bytes(), (pki / "ca.key").read_bytes()


def test_of_our_ca(server: Server, tmp_path: Path) -> None:
    assert not refused(server, forged(tmp_path, *own(server)))
    assert server.call("POST", WHO, {}).json()["status"]["userInfo"]["username"] == "kubernetes-admin"


def test_of_another_ca(server: Server, tmp_path: Path) -> None:
    """Another CA with the very same name."""
    other = Keys.generate()
    assert refused(server, forged(tmp_path, other.ca_certificate, other.ca_key))


def test_of_our_ca_with_anothers_key(server: Server, tmp_path: Path) -> None:
    assert refused(server, forged(tmp_path, own(server)[0], Keys.generate().ca_key))


def test_expired_and_early(server: Server, tmp_path: Path) -> None:
    assert refused(server, forged(tmp_path, *own(server), days=(-2, -1)))
    assert refused(server, forged(tmp_path, *own(server), days=(1, 2)))


def test_for_servers_only(server: Server, tmp_path: Path) -> None:
    assert refused(server, forged(tmp_path, *own(server), usage=ExtendedKeyUsageOID.SERVER_AUTH))


def test_the_servers_own(server: Server, tmp_path: Path) -> None:
    pki = server.home / "pki"
    path = tmp_path / "identity.pem"
    path.write_bytes((pki / "apiserver.crt").read_bytes() + (pki / "apiserver.key").read_bytes())
    assert refused(server, path)


def test_signed_by_a_user(server: Server, tmp_path: Path) -> None:
    """A user's certificate is no CA."""
    pem = server.identity("jane").read_bytes()
    certificate, mark, rest = pem.partition(b"-----BEGIN PRIVATE KEY-----")
    assert refused(server, forged(tmp_path, certificate, mark + rest))


def test_a_certificate_beats_a_token(server: Server) -> None:
    headers = {"Authorization": "Bearer nonsense"}
    assert server.call("POST", WHO, {}, user="jane", groups=(), headers=headers).status == 201
    assert server.call("POST", WHO, {}, user=None, headers=headers).status == 401
