"""Learners' processes: forked from the fork server into namespaces of their own, one for each notebook.

The grader's end of ``fork_server``. A worker's listening socket is opened inside its network
namespace and handed to the grader, which serves a cluster there.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from labkit.core.scratch import scratch_directory
from labkit.embedded import Keys
from labkit.grading.running import wire
from labkit.grading.running.guard import ASK_HELD
from labkit.grading.walls import isolation
from labkit.grading.walls.control_group import group_prefix, remove_groups
from labkit.grading.walls.isolation import Limits
from labkit.grading.walls.packages import package_directories
from labkit.grading.walls.root_directory import sandbox_home

GRADING = Path(__file__).resolve().parents[1]
"""The folder ``labkit/grading``. A learner's process finds it empty: tasks, checks and solutions lie in it."""


@dataclass(frozen=True, slots=True)
class ServedCluster:
    """A cluster, served to one learner's process.

    Args:
        files: The text of each file in its ``LABKIT_HOME``.
        close: Called when the process is gone, before anything else is done.
        environment: More environment variables.
        held_seconds: Returns how long it was kept from answering by what is not the notebook's.
        on_starved: Called if the process waited too long for a processor.
    """

    files: Mapping[str, str]
    close: Callable[[], Awaitable[None]]
    environment: Mapping[str, str] = field(default_factory=dict)
    held_seconds: Callable[[], float] = float
    on_starved: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Report:
    """How a notebook's process ended, as its supervisor saw it.

    Args:
        ended: ``done``, or how else it ended; see ``Result.ended``.
        claimed_cells: How many cells ran, as the learner's process itself says.
        output: What was printed, at most ``Limits.output_bytes``.
        cpu_seconds: Processor time of the supervisor and of everything below it.
        starved: Whether it waited too long for a processor.
    """

    ended: str
    claimed_cells: int
    output: str
    cpu_seconds: float
    starved: bool = False


def start_process(
    module: str, environment: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Run a module as a process that serves a channel, and ends when it is closed; return this end, too.

    The module's argument is the file descriptor of its end. ``PYTHONPATH`` is added to its environment.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**environment, "PYTHONPATH": str(GRADING.parents[1])},
            cwd="/",  # no module beside the submissions is imported
            start_new_session=True,  # a terminal's Ctrl-C is for the starter alone, which then closes the channel
        )
    return process, ours


def end_process(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until a process whose channel is closed has ended; kill it after some seconds."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    process.wait()


class WorkerFailed(Exception):
    """A notebook could not be run, and not by its own fault."""


class Worker:
    """A process that waits, isolated, for a notebook.

    ``home`` is its home directory, as it sees it; with ``remove_home``, it is this machine's, and ``close`` removes it.
    """

    def __init__(
        self, channel: socket.socket, listener: socket.socket, home: Path, *, remove_home: bool
    ) -> None:
        self._channel = channel
        self.listener = listener
        self._home = home
        self._remove_home = remove_home
        self._cluster: ServedCluster | None = None
        self._closed = False

    @property
    def lab_home(self) -> Path:
        """The directory that its ``LABKIT_HOME`` names."""
        return self._home / "labkit"

    def connect(self, cluster: ServedCluster) -> None:
        """Take the cluster that is served on ``listener``; ``close`` closes it."""
        self._cluster = cluster

    async def run(
        self, cells: list[str], learner: str, *, kernel: bool, files: Mapping[str, bytes]
    ) -> Report:
        """Run a notebook to its end, or to the end of its limits; then all its processes are gone.

        With ``kernel``, it runs in a real kernel although it needs none. ``files`` lie in its home directory.

        Raises:
            WorkerFailed: It could not be run.
        """
        assert self._cluster is not None
        # All that the learner's process gets to know.
        job = {
            "cells": cells,
            "kernel": kernel,
            "learner": learner,
            "files": dict(self._cluster.files),
            "beside": {name: base64.b64encode(data).decode() for name, data in files.items()},
            "environment": dict(self._cluster.environment),
        }
        try:
            wire.send(self._channel, job)
            while (report := (await _receive(self._channel))[0]) == ASK_HELD:
                wire.send(self._channel, {"seconds": self._cluster.held_seconds()})
        except (wire.Closed, OSError) as error:
            raise WorkerFailed(str(error)) from error
        if "failed" in report:
            raise WorkerFailed(str(report["failed"]))
        if report["starved"]:
            self._cluster.on_starved()
        return Report(**report)

    async def close(self) -> None:
        """Kill what is left of the notebook, then close the cluster. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._channel.close()  # its supervisor notices, and kills every process
        if self._cluster is None:
            self.listener.close()
        else:
            await self._cluster.close()
        if self._remove_home:
            shutil.rmtree(self._home, ignore_errors=True)


class Workers:
    """Starts the fork server, and has it fork workers.

    With ``kernel``, every notebook runs in a real kernel, and not only those that need one.
    """

    def __init__(self, limits: Limits | None = None, *, kernel: bool = False) -> None:
        self._limits = limits or Limits()
        self.kernel = kernel
        self._cleanup = ExitStack()
        self._directory: Path | None = None
        self._fork_server: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._package_directories: list[dict[str, Any]] | None = None
        self.level = ""
        """The isolation: ``root``, ``user`` or ``plain``; empty before the fork server runs."""
        self.cpu_seconds = 0.0
        """Processor time of the notebooks that have ended."""

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self._directory = cleanup.enter_context(scratch_directory("labkit-grade-"))
            cleanup.callback(self._stop_fork_server)
            self._start_fork_server()
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._cleanup.close()

    def _start_fork_server(self) -> None:
        keep = {
            name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ
        }
        environment = {**keep, "PYTHONDONTWRITEBYTECODE": "1", **isolation.ALLOCATORS}
        self._fork_server, self._channel = start_process(
            "labkit.grading.running.fork_server", environment
        )
        wire.send(
            self._channel,
            {**_unused_credentials(), "kernel": self.kernel, "packages": self._packages()},
        )
        hello, _ = wire.receive(self._channel)
        self.level = str(hello["level"])

    def _packages(self) -> list[dict[str, Any]]:
        """Find what is hidden of the installed packages, once."""
        if self._package_directories is None:
            assert self._directory is not None
            found = package_directories(self._directory) if sys.platform == "linux" else []
            self._package_directories = [asdict(entry) for entry in found]
        return self._package_directories

    def _stop_fork_server(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._fork_server is not None:
            end_process(self._fork_server, 5)
            remove_groups(group_prefix(self._fork_server.pid))

    @property
    def isolated(self) -> bool:
        """Whether learners are kept apart from each other and from the machine."""
        return self.level != "plain"

    @property
    def directory(self) -> Path | None:
        """Temporary files; none before it is entered."""
        return self._directory

    @property
    def fork_server_pid(self) -> int:
        """The fork server's process id; 0 before it runs."""
        return self._fork_server.pid if self._fork_server is not None else 0

    async def start(self, slot: int) -> Worker:
        """Fork a worker and isolate it; it must be closed. A slot runs one notebook at a time.

        Raises:
            WorkerFailed: It could not be started.
        """
        assert self._directory is not None
        if self._fork_server is None or self._fork_server.poll() is not None:
            self._restart_fork_server()
        root = self._directory / str(slot)
        root.mkdir(exist_ok=True)
        home = sandbox_home() if self.isolated else Path(tempfile.mkdtemp(dir=self._directory))
        order = {
            "slot": slot,
            "user": isolation.user_id(self.fork_server_pid, slot),
            "root": str(root),
            "home": str(home),
            "hidden": [str(GRADING)],
            "limits": asdict(self._limits),
        }
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._send_order(order, theirs)
            hello, listener = await _receive(ours)
            if listener is None:
                raise WorkerFailed(str(hello.get("failed", "no socket")))
        except BaseException as error:
            ours.close()
            if not self.isolated:
                shutil.rmtree(home, ignore_errors=True)
            if isinstance(error, (wire.Closed, OSError)):
                raise WorkerFailed(str(error)) from error
            raise
        return Worker(ours, listener, home, remove_home=not self.isolated)

    def _send_order(self, order: dict[str, Any], connection: socket.socket) -> None:
        """Send the fork server an order; one that was killed, and not noticed yet, is replaced first."""
        assert self._channel is not None
        try:
            wire.send(self._channel, order, connection)
        except ConnectionError:
            self._restart_fork_server()
            wire.send(self._channel, order, connection)

    def _restart_fork_server(self) -> None:
        """Replace the fork server: a notebook may have made the kernel kill it for want of memory."""
        self._stop_fork_server()
        self._start_fork_server()


async def _receive(channel: socket.socket) -> wire.Message:
    """Receive a message without a thread: a thread could not be interrupted, and there are few."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(channel, _resolve, readable)
    try:
        await readable
    finally:
        loop.remove_reader(channel)
    channel.setblocking(True)  # uvloop has made it non-blocking
    return wire.receive(channel)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _unused_credentials() -> dict[str, str]:
    """Make credentials of no cluster, with which the fork server warms up TLS."""
    keys = Keys.generate(b"-")
    certificate, key = keys.client_certificate("nobody")
    return {
        "ca": keys.ca_certificate.decode(),
        "certificate": certificate.decode(),
        "key": key.decode(),
    }


class WithWorkers:
    """A grader: it can be used while it is entered, since its workers are forked from a process of its own."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers

    def __enter__(self) -> Self:
        self.workers.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        self.workers.__exit__()

    @property
    def level(self) -> str:
        """The isolation: ``root``, ``user`` or ``plain``; empty before the grader is entered."""
        return self.workers.level
