"""A real server process on a state directory, for tests and benchmarks.

    with running_server(tmp_path, node=False) as server:
        answer = server.call("GET", "/version")

The process is the one a learner gets (``python -m kube_embedded``). It is
stopped by its process id; ``kill()`` is the crash.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from kube_embedded.apiserver.serving.pki import load_keys

START_TIMEOUT_SECONDS = 300.0
"""How long a loaded machine may take to start the server; it normally takes 0.3 s."""


class Reply(NamedTuple):
    """One answer, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class ServerFailed(AssertionError):
    """The process ended, or did not become ready."""


@dataclass
class Server:
    """A running server.

    Args:
        home: Its state directory.
        process: The process.
        url: ``https://127.0.0.1:PORT``.
    """

    home: Path
    process: subprocess.Popen[bytes]
    url: str
    _identities: dict[tuple[str, tuple[str, ...]], Path] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return urlsplit(self.url).port or 0

    @property
    def ca_file(self) -> Path:
        """The CA to trust."""
        return self.home / "pki" / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.home / "admin.conf"

    def identity(self, user: str, groups: tuple[str, ...] = ()) -> Path:
        """A PEM file with a client certificate of the cluster's CA and its key.

        Args:
            user: The certificate's CN.
            groups: Its O values.
        """
        key = (user, tuple(groups))
        if key not in self._identities:
            certificate, private = load_keys(self.home).client_certificate(user, tuple(groups))
            path = self._identity_file()
            path.write_bytes(certificate + private)
            self._identities[key] = path
        return self._identities[key]

    def admin_identity(self) -> Path:
        """The administrator's certificate and key, from the kubeconfig, as one PEM file."""
        user = yaml.safe_load(self.kubeconfig.read_text())["users"][0]["user"]
        path = self._identity_file()
        path.write_bytes(
            base64.b64decode(user["client-certificate-data"])
            + base64.b64decode(user["client-key-data"])
        )
        return path

    def _identity_file(self) -> Path:
        folder = self.home.with_name(f"{self.home.name}-identities")
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{len(list(folder.iterdir()))}-{os.urandom(4).hex()}.pem"

    def tls(self, identity: Path | None = None) -> ssl.SSLContext:
        """TLS that trusts the cluster's CA, perhaps with a client certificate."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if identity is not None:
            context.load_cert_chain(identity)
        return context

    def connect(
        self, identity: Path | None = None, timeout: float = 60
    ) -> http.client.HTTPSConnection:
        """A connection that is reused between requests."""
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=timeout, context=self.tls(identity)
        )

    def call(
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        user: str | None = "kubernetes-admin",
        groups: tuple[str, ...] = ("system:masters",),
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request on a connection of its own.

        Args:
            method: The HTTP method.
            path: Path and query.
            body: Bytes or text are sent as they are, anything else as JSON.
            user: Whose client certificate to show; None for none.
            groups: The groups in it.
            token: A bearer token; then no certificate is shown.
            headers: More headers.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            user, sent["Authorization"] = None, f"Bearer {token}"
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection = self.connect(self.identity(user, groups) if user is not None else None)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def stop(self, timeout: float = 60) -> int:
        """Ask it to end, and wait.

        Returns:
            The exit code.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End it as a crash would (SIGKILL), and wait."""
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        """The content of its log."""
        path = self.home / "server.log"
        return path.read_text() if path.exists() else ""


def start_server(
    home: Path,
    *,
    node: bool = True,
    era: str = "now",
    port: int = 0,
    options: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    pod_seconds: float = 0.0,
) -> Server:
    """Start a server and wait until it is ready.

    Args:
        home: Its state directory; made if missing.
        node: False leaves the node out.
        era: ``now`` or ``1.20``.
        port: A port, or 0 for any.
        options: More options of the process.
        environment: More environment variables.
        pod_seconds: How long its pods take to start.

    Raises:
        ServerFailed: It ended, or was not ready in time.
    """
    module = (
        ["kube_embedded.tests.support.slow_node", str(pod_seconds)]
        if pod_seconds
        else ["kube_embedded"]
    )
    command = [sys.executable, "-m", *module, "--home", str(home), "--era", era, *options]
    if not node:
        command.append("--no-node")
    if port:
        command += ["--port", str(port)]
    output = tempfile.TemporaryFile()  # noqa: SIM115 - the process writes to it, we read it if that fails
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=Path(__file__).parents[3],
        env={**os.environ, **(environment or {})},
    )
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output.seek(0)
            said = output.read().decode(errors="replace")
            output.close()
            raise ServerFailed(f"the server ended with {process.returncode}: {said}")
        try:
            state = json.loads((home / "server.json").read_text())
        except (OSError, ValueError):
            state = {}
        if state.get("pid") == process.pid and "url" in state:
            output.close()
            return Server(home, process, state["url"])
        time.sleep(0.01)
    process.kill()
    process.wait()
    output.close()
    raise ServerFailed(f"the server was not ready within {START_TIMEOUT_SECONDS} s")


@contextmanager
def running_server(
    home: Path | None = None,
    *,
    node: bool = True,
    era: str = "now",
    port: int = 0,
    options: tuple[str, ...] = (),
) -> Iterator[Server]:
    """A server for the length of a block; see ``start_server``.

    Args:
        home: The state directory; a temporary one if None.
        node: False leaves the node out.
        era: ``now`` or ``1.20``.
        port: A port, or 0 for any.
        options: More options of the process.
    """
    with tempfile.TemporaryDirectory(prefix="kube-embedded-", ignore_cleanup_errors=True) as folder:
        server = start_server(
            home if home is not None else Path(folder) / "home",
            node=node,
            era=era,
            port=port,
            options=options,
        )
        try:
            yield server
        finally:
            server.stop()
