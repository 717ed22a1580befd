"""A fresh embedded server for each suite: a real process, or a cluster in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labkit.apiserver.cluster import Cluster
from labkit.apiserver.keys import Keys
from tests.parity.certificates import Authority
from tests.parity.transport import Https, InProcess, Transport

START_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    """A running server and its directory."""

    home: Path
    url: str

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.home / "admin.conf"


@contextmanager
def process(home: Path, *, node: bool = False, era: str = "now") -> Iterator[Server]:
    """The server as its own process, stopped at the end.

    Args:
        home: Its state directory; created when missing.
        node: Whether pods run.
        era: ``now`` or ``1.20``.

    Raises:
        RuntimeError: It did not come up; the message ends with its last words.
    """
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "labkit.apiserver.serving", "--home", str(home), "--era", era]
    if not node:
        command.append("--no-node")
    log = home / "replay.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "LABKIT_HOME": str(home)},
        )
    try:
        state = home / "server.json"
        deadline = time.monotonic() + START_SECONDS
        while not state.exists():
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        yield Server(home, json.loads(state.read_text())["url"])
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def https(*, node: bool = False) -> Iterator[Transport]:
    """The way over TLS to a fresh server process."""
    with (
        tempfile.TemporaryDirectory(prefix="labkit-parity-") as folder,
        process(Path(folder), node=node) as server,
    ):
        transport = Https(server.kubeconfig, Authority.read(server.home / "pki"))
        try:
            yield transport
        finally:
            transport.close()


_keys: list[Keys] = []


@contextmanager
def in_process(*, node: bool = False) -> Iterator[Transport]:
    """The way into a fresh cluster in this process; keys are made once."""
    if not _keys:
        _keys.append(Keys.generate())
    transport = InProcess(Cluster(_keys[0], node=node))
    try:
        yield transport
    finally:
        transport.close()
