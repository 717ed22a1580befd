"""Only callers with the right to exec can read a pod's token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from kube_embedded.machinery.request import WINDOW, Object, PeerCertificate, Request, Response
from kube_embedded.tests.support.cluster import Caller, ClusterApi, rule

POD = "/api/v1/namespaces/lab/pods/victim"
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "v5.channel.k8s.io",
}


@pytest.fixture
def api() -> ClusterApi:
    api = ClusterApi(node=True)
    api.namespace("lab")
    api.account("lab", "strong")
    api.pod("lab", "victim", "strong")
    api.role("look", rule("get list watch", "pods pods/log pods/status"), namespace="lab")
    api.bind("look", "Role/look", "User/mallory", namespace="lab")
    return api


def execute(
    api: ClusterApi, user: str, command: list[str], method: str = "GET", *groups: str
) -> Response:
    query = {"command": command, "stdout": ["1"], "stderr": ["1"], "container": ["main"]}
    uri = f"{POD}/exec?{urlencode(query, doseq=True)}"
    return api.cluster.handle(
        Request(
            method,
            f"{POD}/exec",
            query,
            UPGRADE,
            b"",
            PeerCertificate(user, groups, "ab" * 32),
            raw_uri=uri,
        )
    )


class Screen:
    """The output of a command."""

    window = WINDOW

    def __init__(self) -> None:
        self.text = b""

    async def read_stdin(self) -> bytes:
        return b""

    def stdin_ready(self) -> bool:
        return True

    async def write(self, channel: int, data: bytes) -> None:
        self.text += data

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def run(response: Response) -> str:
    session, screen = response.upgrade, Screen()
    assert session is not None

    async def main() -> Object:
        return await session.run(screen)

    asyncio.run(main())
    return screen.text.decode()


def test_an_administrator_reads_it(api: ClusterApi) -> None:
    response = execute(api, "kubernetes-admin", ["cat", TOKEN], "GET", "system:masters")
    assert response.status == 101
    token = run(response).strip()
    assert api.bearer(token).who()["username"] == "system:serviceaccount:lab:strong"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_may_only_look_does_not(api: ClusterApi, method: str) -> None:
    response = execute(api, "mallory", ["cat", TOKEN], method)
    assert response.status == 403
    assert response.upgrade is None


def test_get_alone_is_not_enough(api: ClusterApi) -> None:
    """A WebSocket is opened with GET; running a command is a creation all the same."""
    api.role("get-exec", rule("get", "pods/exec"), namespace="lab")
    api.bind("get-exec", "Role/get-exec", "User/mallory", namespace="lab")
    response = execute(api, "mallory", ["cat", TOKEN])
    assert response.status == 403
    assert b"cannot create resource" in response.body
    assert b"pods/exec" in response.body


def test_nor_is_it_for_a_port(api: ClusterApi) -> None:
    api.role("get-ports", rule("get", "pods/portforward"), namespace="lab")
    api.bind("get-ports", "Role/get-ports", "User/mallory", namespace="lab")
    answer = api.user("mallory").call("GET", f"{POD}/portforward?ports=80", headers=UPGRADE)
    assert answer.status == 403
    assert 'cannot create resource "pods/portforward"' in answer.message


def test_both_are(api: ClusterApi) -> None:
    api.role("exec", rule("get create", "pods/exec"), namespace="lab")
    api.bind("exec", "Role/exec", "User/mallory", namespace="lab")
    assert execute(api, "mallory", ["id"]).status == 101


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{POD}/attach?stdout=1"),
        ("POST", f"{POD}/attach?stdout=1"),
        ("POST", f"{POD}/portforward"),
        ("GET", f"{POD}/portforward?ports=80"),
        ("GET", f"{POD}/proxy/"),
        ("PATCH", f"{POD}/ephemeralcontainers"),
        ("GET", "/api/v1/nodes/labkit/proxy/pods"),
        ("POST", "/api/v1/nodes/labkit/proxy/exec/lab/victim/main?command=id"),
        ("GET", "/api/v1/namespaces/lab/secrets"),
        ("POST", "/api/v1/namespaces/lab/serviceaccounts/strong/token"),
        ("PATCH", POD),
        ("POST", "/api/v1/namespaces/lab/pods"),
    ],
)
def test_other_ways_in(api: ClusterApi, method: str, path: str) -> None:
    mallory: Caller = api.user("mallory")
    headers: Mapping[str, str] = UPGRADE if method == "GET" else {}
    assert mallory.call(method, path, {}, headers=headers).status == 403


def test_the_pod_does_not_show_it(api: ClusterApi) -> None:
    shown = str(api.user("mallory").get(POD).body)
    assert "eyJ" not in shown
