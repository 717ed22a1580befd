"""Which client certificates count, over real TLS: the handshake lets all of them in, as the real server's does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kube_embedded.apiserver.serving.pki import load_keys
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.support.certificates import SERVER, Identity, authority_of, root
from kube_embedded.tests.support.server import Server, running_server

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ADMIN = ("kubernetes-admin", ("system:masters",))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server(node=False) as server:
        yield server


@pytest.fixture(scope="module")
def ours(server: Server) -> Identity:
    return authority_of(load_keys(server.home))


def status(
    server: Server, identity: Path, path: str = "/api/v1/namespaces", token: str = ""
) -> int:
    """The status of the answer to who shows a certificate."""
    connection = server.connect(identity)
    try:
        connection.request(
            "GET", path, headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        return connection.getresponse().status
    finally:
        connection.close()


WORTHLESS: dict[str, Callable[[Identity], Identity]] = {
    "of another authority": lambda ours: root().issue(*ADMIN),
    "of another authority of the very same name": lambda ours: root("kubernetes").issue(*ADMIN),
    "of our authority with another's key": lambda ours: Identity(
        ours.certificate, root().key
    ).issue(*ADMIN),
    "expired": lambda ours: ours.issue(*ADMIN, days=(-2, -1)),
    "early": lambda ours: ours.issue(*ADMIN, days=(1, 2)),
    "for servers only": lambda ours: ours.issue(*ADMIN, usages=SERVER),
    "signed by a user": lambda ours: ours.issue("jane").issue(*ADMIN),
    "signed by itself": lambda ours: root("kubernetes-admin"),
}


def test_of_our_ca(server: Server, ours: Identity, tmp_path: Path) -> None:
    assert status(server, ours.issue(*ADMIN).written(tmp_path / "identity.pem")) == 200
    assert (
        server.call("POST", WHO, {}).json()["status"]["userInfo"]["username"] == "kubernetes-admin"
    )


@pytest.mark.parametrize("kind", WORTHLESS)
def test_worthless(server: Server, ours: Identity, tmp_path: Path, kind: str) -> None:
    """401, even for paths that anonymous callers can read."""
    identity = WORTHLESS[kind](ours).written(tmp_path / "identity.pem")
    assert [
        status(server, identity, path) for path in ("/api/v1/namespaces", "/version", "/healthz")
    ] == [401] * 3


def test_a_token_counts_beside_it(server: Server, tmp_path: Path) -> None:
    identity = root().issue(*ADMIN).written(tmp_path / "identity.pem")
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = server.call("POST", path, {}).json()["status"]["token"]
    assert status(server, identity, token=token) == 403
    assert status(server, identity, token="nonsense") == 401


def test_the_servers_own(server: Server, tmp_path: Path) -> None:
    pki = server.home / "pki"
    path = tmp_path / "identity.pem"
    path.write_bytes((pki / "apiserver.crt").read_bytes() + (pki / "apiserver.key").read_bytes())
    assert status(server, path) == 401


def test_of_another_cluster(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    path.write_bytes(b"".join(Keys.generate(b"-").client_certificate(*ADMIN)))
    assert status(server, path) == 401


def test_below_another_of_ours(server: Server, ours: Identity, tmp_path: Path) -> None:
    identity = ours.authority().issue("jane").written(tmp_path / "identity.pem")
    assert [status(server, identity, path) for path in ("/api/v1/namespaces", "/version")] == [
        403,
        200,
    ]


def test_a_certificate_beats_a_token(server: Server) -> None:
    headers = {"Authorization": "Bearer nonsense"}
    assert server.call("POST", WHO, {}, user="jane", groups=(), headers=headers).status == 201
    assert server.call("POST", WHO, {}, user=None, headers=headers).status == 401
