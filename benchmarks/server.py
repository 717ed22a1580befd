"""Servers to measure: the embedded one as a process, and a bare aiohttp one beside it."""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import yaml

from labkit.core.home import read_json


@dataclass(frozen=True)
class Target:
    """A running server.

    Args:
        pid: Its process.
        port: Its loopback port.
        authority: PEM of the CA that signed its certificate.
        client: PEM of the administrator's certificate and key.
    """

    pid: int
    port: int
    authority: str
    client: bytes

    def context(self, *, admin: bool = True) -> ssl.SSLContext:
        """A TLS context that trusts this server and, as admin, shows the client certificate."""
        context = ssl.create_default_context(cadata=self.authority)
        if admin:
            with tempfile.NamedTemporaryFile(suffix=".pem") as file:
                file.write(self.client)
                file.flush()
                context.load_cert_chain(file.name)
        return context

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request as the administrator, over a connection of its own."""
        connection = HTTPSConnection("127.0.0.1", self.port, context=self.context(), timeout=60)
        try:
            data = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"} if data else {}
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith(b"{") else text.decode()
        finally:
            connection.close()


def target(home: Path, pid: int) -> Target:
    """The server with the state directory ``home``."""
    config = yaml.safe_load((home / "admin.conf").read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]

    def data(entry: dict[str, str], name: str) -> bytes:
        return base64.b64decode(entry[f"{name}-data"])

    return Target(
        pid,
        int(cluster["server"].rsplit(":", 1)[1]),
        data(cluster, "certificate-authority").decode(),
        data(user, "client-certificate") + b"\n" + data(user, "client-key"),
    )


def until_ready(home: Path, child: subprocess.Popen[bytes]) -> Target:
    """Wait for ``server.json``, then for the first authenticated answer."""
    while "port" not in read_json(home / "server.json"):
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}")
        time.sleep(0.002)
    server = target(home, child.pid)
    status, _ = server.call("GET", "/api/v1/namespaces/default")
    if status != 200:
        raise RuntimeError(f"the first answer was {status}")
    return server


@contextmanager
def embedded(home: Path, *arguments: str) -> Iterator[tuple[Target, float]]:
    """The embedded server as a process.

    Args:
        home: Its state directory.
        arguments: More of its command line, such as ``--no-node``.

    Yields:
        The server, and the seconds from its start to the first authenticated answer.
    """
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "kube_embedded", "--home", str(home), *arguments]
    begin = time.perf_counter()
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=(home / "bench.log").open("wb")
    )
    try:
        server = until_ready(home, child)
        yield server, time.perf_counter() - begin
    finally:
        stop(child)


@contextmanager
def bare_aiohttp(like: Target, home: Path, body: bytes) -> Iterator[Target]:
    """An aiohttp server that does nothing but answer ``body``, behind the same TLS.

    Args:
        like: The embedded server whose keys (in ``home``) it uses.
        home: That server's state directory.
        body: What it answers.
    """
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        (Path(folder) / "body").write_bytes(body)
        command = [sys.executable, "-m", "benchmarks.bare", str(home / "pki"), folder]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=os.environ)
        try:
            port = Path(folder) / "port"
            while not port.exists():
                if child.poll() is not None:
                    raise RuntimeError("the bare server did not start")
                time.sleep(0.01)
            yield Target(child.pid, int(port.read_text()), like.authority, like.client)
        finally:
            stop(child)


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a process that we started."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
