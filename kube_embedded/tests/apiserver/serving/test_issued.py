"""A certificate that was asked for through the API, approved and signed, is worth something."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path

from kube_embedded.cluster import Cluster
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import PeerCertificate
from kube_embedded.tests.support.cluster import Caller
from kube_embedded.tests.support.requests import key_pem, request_body, signing_request
from kube_embedded.tests.support.wire import connect, read_all, serving

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


def test_the_certificate_authenticates(keys: Keys, tmp_path: Path) -> None:
    cluster = Cluster(keys, node=False)
    admin = Caller(cluster, PeerCertificate("kubernetes-admin", ("system:masters",), "ab" * 32))
    assert admin.post(PATH, request_body("bob", signing_request("bob", "dev"))).status == 201
    approved = {"status": {"conditions": [{"type": "Approved", "status": "True"}]}}
    assert admin.patch(f"{PATH}/bob/approval", approved).status == 200
    identity = tmp_path / "bob.pem"
    certificate = base64.b64decode(admin.get(f"{PATH}/bob").body["status"]["certificate"])
    identity.write_bytes(certificate + key_pem())
    body = b"{}"
    request = (
        b"POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n" + body
    )
    with (
        serving(keys, cluster.handle) as local,
        connect(local.port, keys.ca_certificate, identity) as connection,
    ):
        assert isinstance(connection, ssl.SSLSocket)
        connection.sendall(request)
        answer = read_all(connection)
    user = json.loads(answer.partition(b"\r\n\r\n")[2])["status"]["userInfo"]
    assert user["username"] == "bob"
    assert user["groups"] == ["dev", "system:authenticated"]
