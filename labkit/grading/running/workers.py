"""The grader's end of ``fork_server``: learners' processes, each in namespaces of its own, one for each notebook.

A worker's listening socket is opened inside its network namespace and handed to the grader, which
serves a cluster there.
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
from typing import Self

from kube_embedded import Keys
from labkit.core.scratch import scratch_directory

from ..walls import isolation
from ..walls.control_group import group_prefix, remove_groups
from ..walls.isolation import Limits
from ..walls.packages import package_directories
from ..walls.root_directory import sandbox_home
from . import wire
from .guard import ASK_HELD

GRADING = Path(__file__).resolve().parents[1]
"""The folder ``labkit/grading``. It is empty for a learner's process, since it has tasks, checks and solutions."""


@dataclass(frozen=True, slots=True)
class ServedCluster:
    """A cluster, served to one learner's process.

    Args:
        files: The text of each file in its ``LABKIT_HOME``.
        close: Called when the process is gone, before anything else is done.
        environment: More environment variables.
        held_seconds: Returns how long other submissions blocked it.
        on_starved: Called if the process waited too long for a processor.
    """

    files: Mapping[str, str]
    close: Callable[[], Awaitable[None]]
    environment: Mapping[str, str] = field(default_factory=dict)
    held_seconds: Callable[[], float] = float
    on_starved: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Report:
    """How a notebook's process ended, as its supervisor observed it.

    Args:
        ended: ``done``, or how else it ended; see ``Result.ended``.
        claimed_cells: How many cells ran, by the learner's process's own account.
        output: The printed text, at most ``Limits.output_bytes``.
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
    """Run a module as a process that serves a channel, and ends when the channel is closed.

    Args:
        module: The module; its argument is the file descriptor of its end of the channel.
        environment: Its environment, to which ``PYTHONPATH`` is added.

    Returns:
        The process, and this end of the channel.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**environment, "PYTHONPATH": str(GRADING.parents[1])},
            # Elsewhere, Python would import modules that learners handed in.
            cwd="/",
            # A terminal's Ctrl-C is for the starter alone, which then closes the channel.
            start_new_session=True,
        )
    return process, ours


def end_process(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until a process whose channel is closed has ended; kill it after some seconds."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    process.wait()


class WorkerFailed(Exception):
    """A notebook could not be run, through no fault of its own."""


class Worker:
    """A process that waits, isolated, for a notebook.

    Args:
        channel: Leads to its supervisor.
        listener: The socket on which it expects a cluster.
        home: Its home directory, by the path that it has inside.
        remove_home: Whether the home is a directory of this machine, which ``close`` removes.
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
        """The worker's ``LABKIT_HOME``."""
        return self._home / "labkit"

    def connect(self, cluster: ServedCluster) -> None:
        """Set the cluster that is served on ``listener``; ``close`` closes it."""
        self._cluster = cluster

    async def run(self, cells: list[str], learner: str, files: Mapping[str, bytes]) -> Report:
        """Run a notebook to its end, or to the end of its limits; then all its processes are gone.

        Args:
            cells: The sources of its code cells.
            learner: The learner's name.
            files: Files for its home directory.

        Raises:
            WorkerFailed: It could not be run.
        """
        assert self._cluster is not None
        # The learner's process gets only this of the submission.
        job = {
            "cells": cells,
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
        """Kill the notebook's processes, then close the cluster. A second call has no effect."""
        if self._closed:
            return
        self._closed = True
        # The supervisor notices that the channel is closed, and kills every process.
        self._channel.close()
        if self._cluster is None:
            self.listener.close()
        else:
            await self._cluster.close()
        if self._remove_home:
            shutil.rmtree(self._home, ignore_errors=True)


class Workers:
    """Starts the fork server, which forks workers."""

    directory: Path
    """Temporary files, while it is entered."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self.level = ""
        """The isolation: ``root``, ``user`` or ``plain``; empty before the fork server runs."""
        self.cpu_seconds = 0.0
        """Processor time of the notebooks that have ended."""
        self._cleanup = ExitStack()
        self._fork_server: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self.directory = cleanup.enter_context(scratch_directory("labkit-grade-"))
            packages = package_directories(self.directory) if sys.platform == "linux" else ()
            self._packages = [asdict(package) for package in packages]
            cleanup.callback(self._stop_fork_server)
            self._start_fork_server()
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._cleanup.close()

    def _start_fork_server(self) -> socket.socket:
        """Start the fork server, in place of one that was killed; return the channel to it."""
        self._stop_fork_server()
        # Only these: a learner's process inherits this memory, and the grader's environment can hold secrets.
        keep = {
            name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ
        }
        environment = {**keep, "PYTHONDONTWRITEBYTECODE": "1", **isolation.ALLOCATORS}
        process, channel = start_process("labkit.grading.running.fork_server", environment)
        self._fork_server = process, channel
        settings = {"kernel": self.limits.kernel, "packages": self._packages}
        wire.send(channel, {**_unused_credentials(), **settings})
        hello, _ = wire.receive(channel)
        self.level = str(hello["level"])
        return channel

    def _stop_fork_server(self) -> None:
        if self._fork_server:
            process, channel = self._fork_server
            channel.close()
            end_process(process, 5)
            # The server removes its groups itself, unless it was killed.
            remove_groups(group_prefix(process.pid))

    @property
    def isolated(self) -> bool:
        """True if learners are separated from each other and from the machine."""
        return self.level != "plain"

    @property
    def fork_server_pid(self) -> int:
        """The fork server's process id; 0 before it runs."""
        return self._fork_server[0].pid if self._fork_server else 0

    async def start(self, slot: int) -> Worker:
        """Fork a worker and isolate it; it must be closed. A slot runs one notebook at a time.

        Raises:
            WorkerFailed: It could not be started.
        """
        root = self.directory / str(slot)
        root.mkdir(exist_ok=True)
        home = sandbox_home() if self.isolated else Path(tempfile.mkdtemp(dir=self.directory))
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._send_order(slot, root, home, theirs)
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

    def _send_order(self, slot: int, root: Path, home: Path, connection: socket.socket) -> None:
        assert self._fork_server
        process, channel = self._fork_server
        if process.poll() is not None:
            channel = self._start_fork_server()
        order = {
            "slot": slot,
            "user": isolation.user_id(self.fork_server_pid, slot),
            "root": str(root),
            "home": str(home),
            "hidden": [str(GRADING)],
            "limits": asdict(self.limits),
        }
        try:
            wire.send(channel, order, connection)
        except ConnectionError:
            # A notebook made the kernel kill it for want of memory, a moment ago.
            wire.send(self._start_fork_server(), order, connection)


async def _receive(channel: socket.socket) -> wire.Message:
    """Receive a message without a thread, which could not be interrupted."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(channel, _resolve, readable)
    try:
        await readable
    finally:
        loop.remove_reader(channel)
    # uvloop has made it non-blocking.
    channel.setblocking(True)
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
    """A grader, which can be used while it is entered: its workers are forked from a process of its own."""

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
