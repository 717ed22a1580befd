"""Mutated requests over TLS: no failure, no traceback, no hang, no growth, and no secrets for the wrong ones."""

from __future__ import annotations

import base64
import http.client
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.support.properties import examples
from kube_embedded.tests.support.server import Server, running_server
from kube_embedded.tests.support.until import SECONDS
from kube_embedded.tests.support.wire import connect, read_all
from labkit.core.home import read_json
from tests.robustness.mutations import CORE, Mutator
from tests.support.defects import is_server_error

CANARY = "canary-7f3a9c"
ANSWER_SECONDS = 30.0
SILENCE_SECONDS = 0.15
"""How long an answer may be awaited of a request that may never have been whole."""

MIB = 1024 * 1024


@dataclass
class Findings:
    """The results of a run."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Fuzzer:
    """Sends mutated requests on one connection after the other, as one caller.

    Args:
        server: The victim.
        seed: Of the requests.
        tokens: See ``Mutator``.
        identity: A client certificate; None for none.
        admin: The certificate has all rights; other callers must never see the canary.
    """

    def __init__(
        self,
        server: Server,
        seed: int,
        tokens: tuple[str, ...],
        identity: Path | None,
        *,
        admin: bool,
    ) -> None:
        self._server = server
        self._mutator = Mutator(seed, tokens)
        self._context = server.tls(identity)
        self._admin = admin
        self._connection: ssl.SSLSocket | None = None
        self.findings = Findings()

    def run(self, count: int) -> None:
        """Send so many requests."""
        for _ in range(count):
            if self.findings.wrong:
                break
            self._one(self._mutator.request(credentials=not self._admin))
        self._hang_up()

    def _one(self, data: bytes) -> None:
        try:
            connection = self._connected()
            connection.sendall(data)
            status, body = self._read(connection, data)
        except (ConnectionError, ssl.SSLError, http.client.HTTPException):
            self._hang_up()
            status, body = "hung up", b""
        self.findings.statuses[status] += 1
        if wrong := self._judge(status, body, data):
            self.findings.wrong.append(
                f"{wrong}: {status} {body[:600]!r} to {base64.b64encode(data[:3000]).decode()}"
            )

    def _connected(self) -> ssl.SSLSocket:
        if self._connection is None:
            raw = socket.create_connection(("127.0.0.1", self._server.port), timeout=ANSWER_SECONDS)
            self._connection = self._context.wrap_socket(raw, server_hostname="127.0.0.1")
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, connection: ssl.SSLSocket, data: bytes) -> tuple[str, bytes]:
        whole = is_whole(data)
        connection.settimeout(ANSWER_SECONDS if whole else SILENCE_SECONDS)
        response = http.client.HTTPResponse(connection, method=data[:4].decode("latin-1").strip())
        try:
            response.begin()
            body = response.read()
        except TimeoutError:
            self._hang_up()
            return ("hang" if whole else "waits"), b""
        finally:
            response.close()
        # What the mutation left behind the request must not be taken for the next one.
        if response.will_close or not whole or response.status in (101, 400):
            self._hang_up()
        return str(response.status), body

    def _judge(self, status: str, body: bytes, data: bytes) -> str:
        if status == "hang":
            return "no answer"
        silent = data.startswith(
            b"HEAD "
        )  # its answer has no body to tell by; the log has the traceback
        if status.isdigit() and not silent and is_server_error(int(status), body):
            return "a server error"
        if b"Traceback (most recent" in body or b'File "' in body:
            return "a traceback"
        if not self._admin and (
            CANARY.encode() in body or base64.b64encode(CANARY.encode())[:-4] in body
        ):
            return "an answer to who may not have it"
        return ""


def is_whole(data: bytes) -> bool:
    """Return whether the end of this request is unambiguous."""
    head, end, body = data.partition(b"\r\n\r\n")
    lengths = re.findall(rb"\r\n(?i:content-length): *([^\r\n]*)", head)
    strange = re.search(
        rb"(?i)\r\n(transfer-encoding|expect|upgrade)|[\x00\n]\n|watch|follow", head
    )
    plain = re.match(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) /[^ ]* HTTP/1\.1\r\n", head)
    if not end or strange or not plain or not re.search(rb"\r\nHost: ", head):
        return False
    return [b"%d" % len(body)] == lengths or (not lengths and not body)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("fuzz") / "home") as running:
        plant(running)
        containers = [{"name": "main", "image": "debian", "command": ["sleep", "infinity"]}]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "curl"},
            "spec": {"containers": containers},
        }
        assert running.call("POST", f"{CORE}/pods", pod).status == 201
        assert running.call("GET", f"{CORE}/pods/curl").json()["status"]["phase"] == "Running"
        for name in ("weak", "strong"):
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
            assert running.call("POST", f"{CORE}/serviceaccounts", account).status == 201
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "strong"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{"kind": "ServiceAccount", "name": "strong", "namespace": "default"}],
        }
        path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
        assert running.call("POST", path, binding).status == 201
        yield running


def plant(server: Server) -> None:
    """Create the canary, which only the administrator can read, unless it exists.

    A mutated request of the administrator can have deleted it.
    """
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "canary"},
        "stringData": {"a": CANARY},
    }
    assert server.call("POST", f"{CORE}/secrets", secret).status in (201, 409)
    shown = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "canary"},
        "data": {"a": CANARY},
    }
    assert server.call("POST", f"{CORE}/configmaps", shown).status in (201, 409)


@pytest.fixture(scope="module")
def tokens(server: Server) -> tuple[str, ...]:
    """Return the token of an account without rights, and of one with all rights."""
    spec = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 86400},
    }
    found = []
    for name in ("weak", "strong"):
        reply = server.call("POST", f"{CORE}/serviceaccounts/{name}/token", spec)
        assert reply.status == 201, reply.body
        found.append(reply.json()["status"]["token"])
    assert CANARY in server.call("GET", f"{CORE}/configmaps/canary", token=found[1]).body.decode()
    assert server.call("GET", f"{CORE}/configmaps/canary", token=found[0]).status == 403
    return tuple(found)


def fuzz(server: Server, tokens: tuple[str, ...], seed: int, count: int) -> Counter[str]:
    """Fuzz anonymously, as a user without rights and as the administrator, in a thread each."""
    plant(server)
    callers = [
        Fuzzer(server, seed, tokens, None, admin=False),
        Fuzzer(server, seed + 1, tokens, server.identity("mallory", ("dev",)), admin=False),
        Fuzzer(
            server,
            seed + 2,
            (),
            server.identity("kubernetes-admin", ("system:masters",)),
            admin=True,
        ),
    ]
    threads = [
        threading.Thread(target=caller.run, args=(count // len(callers),), daemon=True)
        for caller in callers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3600)
        assert not thread.is_alive(), "a fuzzer hangs"
    wrong = [text for caller in callers for text in caller.findings.wrong]
    assert wrong == [], f"seed {seed}"
    assert server.process.poll() is None, "the server is gone"
    assert "Traceback" not in server.log()
    assert server.call("GET", "/api/v1/namespaces/default").status == 200
    return sum((caller.findings.statuses for caller in callers), Counter())


def resident(server: Server) -> float:
    """The server's resident memory in MiB."""
    return float(psutil.Process(server.process.pid).memory_info().rss) / MIB


def test_mutated_requests(server: Server, tokens: tuple[str, ...]) -> None:
    seed = int(os.environ.get("LABKIT_FUZZ_SEED", "1"))  # the long test takes another each time
    statuses = fuzz(server, tokens, seed, examples(2100))
    # A run in which everything is refused at the door would prove little.
    for status in ("200", "201", "400", "401", "403", "404"):
        assert statuses[status] > 5, statuses


@pytest.mark.soak
def test_a_hundred_thousand_mutated_requests_and_no_growth(
    server: Server, tokens: tuple[str, ...]
) -> None:
    fuzz(server, tokens, random.randrange(1 << 30), 20_000)
    before = resident(server)
    for _ in range(8):
        fuzz(server, tokens, random.randrange(1 << 30), 10_000)
    assert resident(server) - before < 40


@pytest.mark.slow
def test_bad_certificates_are_worth_nothing(server: Server, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(
        b"".join(Keys.generate(b"-").client_certificate("kubernetes-admin", ("system:masters",)))
    )
    # The server's own certificate is none for a client.
    own = tmp_path / "own.pem"
    own.write_bytes(
        b"".join((server.home / "pki" / f"apiserver.{end}").read_bytes() for end in ("crt", "key"))
    )
    for identity in (stranger, own):
        with connect(server.port, server.ca_file.read_bytes(), identity) as connection:
            connection.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_all(connection).startswith(b"HTTP/1.1 401 Unauthorized\r\n")


@pytest.mark.slow
def test_a_slow_sender_does_not_hold_up_others(server: Server) -> None:
    ca = server.ca_file.read_bytes()
    slow = [connect(server.port, ca) for _ in range(50)]
    for connection in slow:
        connection.sendall(b"GET /version HTTP/1.1\r\nHo")
    assert server.call("GET", "/version").status == 200
    for connection in slow:
        connection.sendall(b"st: x\r\nConnection: close\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 200")
        connection.close()


@pytest.mark.slow
def test_a_flood_of_connections_leaves_room_again(server: Server) -> None:
    """Files are limited to few here; who comes too late is turned away, and the server goes on."""
    command = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128));"
        "sys.argv[:] = ['serving', '--no-node', '--home', sys.argv[1]];"
        "runpy.run_module('kube_embedded', run_name='__main__')"
    )
    home = server.home.with_name("flooded")
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", command, str(home)], cwd=root)
    try:
        deadline = time.monotonic() + SECONDS
        while not (state := read_json(home / "server.json")).get("port"):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        port = int(state["port"])
        flooded = Server(home, process, f"https://127.0.0.1:{port}")
        crowd = [socket.create_connection(("127.0.0.1", port), timeout=SECONDS) for _ in range(200)]
        time.sleep(0.2)
        assert process.poll() is None
        for each in crowd:
            each.close()
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                assert flooded.call("GET", "/version").status == 200
                break
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert "Traceback" not in flooded.log()
    finally:
        process.terminate()
        assert process.wait(SECONDS) == 0
