"""A Dask cluster of this machine for tests and measurements: a scheduler and workers, each a process, over TLS."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kube_embedded.tests.support import certificates
from kube_embedded.tests.support.until import until
from tests.scale import odd_worker

KEY = "LABKIT_TEST_TLS_KEY"
"""The variable that names another file for a worker's TLS key."""


def free_port() -> int:
    """Return an unused port."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@dataclass
class Cluster:
    """A scheduler and its workers. Certificates are made when it is entered; all files are below ``room``."""

    room: Path
    tls: bool = True
    port: int = field(default_factory=free_port)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    scheduler: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.room.mkdir(parents=True, exist_ok=True)
        self.files = make_certificates(self.room)
        self.start_scheduler()
        return self

    def __exit__(self, *_error: object) -> None:
        everything = [*self.workers, *([self.scheduler] if self.scheduler else [])]
        for process in everything:
            process.terminate()
        for process in everything:
            with suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
            process.wait()

    @property
    def address(self) -> str:
        """The scheduler's."""
        return f"{'tls' if self.tls else 'tcp'}://127.0.0.1:{self.port}"

    @property
    def options(self) -> list[str]:
        """The options of ``labkit grade`` that name it."""
        names = {
            "--tls-ca": "tls_ca_file",
            "--tls-cert": "tls_client_cert",
            "--tls-key": "tls_client_key",
        }
        named = [word for option, name in names.items() for word in (option, self.files[name])]
        return ["--scheduler", self.address, *(named if self.tls else [])]

    def start_scheduler(self) -> None:
        """Start the scheduler, or start it again at the same port."""
        options = ["--host", "127.0.0.1", "--port", str(self.port)]
        self.scheduler = self._start("distributed.cli.dask_scheduler", options, {})
        until(lambda: _listens(self.port))

    def start_worker(
        self,
        odd: str = "",
        *,
        threads: int = 1,
        nanny: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker, and perhaps a nanny that starts it again when it has ended.

        Args:
            odd: Its peculiarity; see ``odd_worker``.
            threads: How many submissions it grades at once.
            nanny: Give it a nanny; without one the returned process is the worker's own.
            environment: More variables.
        """
        options = ["--host", "127.0.0.1", "--nthreads", str(threads), "--memory-limit", "0"]
        options.append("--nanny" if nanny else "--no-nanny")
        options += ["--preload", odd_worker.__name__] if odd else []
        own = {**(environment or {}), odd_worker.ODD: odd}
        worker = self._start("distributed.cli.dask_worker", [self.address, *options], own)
        self.workers.append(worker)
        return worker

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a process as the kernel does for want of memory."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def log(self) -> str:
        """The logs of the scheduler and the workers."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.room.glob("*.log")))

    def _start(
        self, module: str, options: list[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        key = environment.get(KEY, self.files["tls_client_key"])
        tls = ["--protocol", "tls", "--tls-ca-file", self.files["tls_ca_file"], "--tls-cert"]
        tls.append(self.files["tls_client_cert"])
        command = [sys.executable, "-m", module, *options, "--no-dashboard"]
        command += [*tls, "--tls-key", key] if self.tls else []
        own = {
            "DASK_TEMPORARY_DIRECTORY": str(self.room),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2",
        }
        own["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        log = self.room / f"{module.rpartition('.')[2]}-{len(list(self.room.glob('*.log')))}.log"
        with log.open("wb") as file:
            return subprocess.Popen(
                command,
                env={**os.environ, **own, **environment},
                stdout=file,
                stderr=file,
                cwd=self.room,
            )


def make_certificates(room: Path) -> dict[str, str]:
    """An authority for one cluster, and the certificate that all of it show; the files' paths as Dask names them."""
    authority = certificates.root("labkit cluster")
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    usages = (*certificates.CLIENT, *certificates.SERVER)
    identity = authority.issue("labkit", (), usages=usages, more=[(names, False)])
    ca = room / "ca.pem"
    ca.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    path = identity.written(room / "cluster.pem")
    path.chmod(0o600)
    return {"tls_ca_file": str(ca), "tls_client_cert": str(path), "tls_client_key": str(path)}


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
