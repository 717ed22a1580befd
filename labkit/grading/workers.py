"""Learners' processes: forked from a prepared interpreter, behind walls, one for each notebook.

Who runs a notebook says what its process may reach: it gets the listening socket that
was opened inside the walls, and answers with the files of the learner's home.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labkit.embedded.machinery.pki.keys import Keys
from labkit.grading import isolation, wire
from labkit.grading.isolation import Limits


@dataclass(frozen=True, slots=True)
class Door:
    """What a learner's process reaches.

    Args:
        files: The text of each file in its ``LABKIT_HOME``.
        close: Called when its processes are gone, before anything else is done.
        environment: More environment variables.
    """

    files: Mapping[str, str]
    close: Callable[[], Awaitable[None]]
    environment: Mapping[str, str] = field(default_factory=dict)


class WorkerFailed(Exception):
    """A notebook could not be run, and not by its own fault."""


Open = Callable[[socket.socket, Path], Door]
"""Serves on a socket for a process whose ``LABKIT_HOME`` is at a path."""


class Workers:
    """The prepared interpreter, and what is forked from it.

    Args:
        limits: What one submission may use.
        kernel: Run every notebook in a real kernel, and not only those that need one.
    """

    def __init__(self, limits: Limits | None = None, *, kernel: bool = False) -> None:
        self._limits = limits or Limits()
        self._kernel = kernel
        self._room: Path | None = None
        self._zygote: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self.level = ""
        self.cpu_seconds = 0.0

    def __enter__(self) -> Self:
        try:
            self._room = Path(tempfile.mkdtemp(prefix="labkit-grade-"))
            self._prepare()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _prepare(self) -> None:
        """Start the prepared interpreter."""
        ours, theirs = socket.socketpair()
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
        own = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "labkit.grading.fork_server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**keep, **own, **isolation.ALLOCATOR},
            cwd="/",
            # A terminal's Ctrl-C is the grader's alone, which then closes the channel.
            start_new_session=True,
        )
        theirs.close()
        self._channel = ours
        wire.send(ours, {**_of_no_cluster(), "kernel": self._kernel})
        hello, _ = wire.receive(ours)
        self.level = str(hello["level"])

    def _dismiss(self) -> None:
        """End the prepared interpreter."""
        if self._channel is not None:
            self._channel.close()
        if self._zygote is not None:
            with suppress(subprocess.TimeoutExpired):
                self._zygote.wait(5)
            self._zygote.kill()
            self._zygote.wait()

    def _end(self) -> None:
        try:
            self._dismiss()
        finally:
            if self._room is not None:
                shutil.rmtree(self._room, ignore_errors=True)

    @property
    def walled(self) -> bool:
        """Whether learners are kept apart from each other and from the machine."""
        return self.level != "plain"

    @property
    def prepared_pid(self) -> int:
        """The prepared interpreter's process id; 0 before it runs."""
        return self._zygote.pid if self._zygote is not None else 0

    async def run(self, learner: str, cells: list[str], place: int, open_door: Open) -> dict[str, Any]:
        """Run a notebook behind walls.

        Args:
            learner: Whose.
            cells: Its code cells' sources.
            place: Which of the places it runs at; one notebook at a time.
            open_door: Serves what it may reach.

        Returns:
            ``ended``, ``cells`` and ``output``.

        Raises:
            WorkerFailed: No fault of the notebook's.
        """
        assert self._room is not None
        if self._zygote is None or self._zygote.poll() is not None:  # it was killed: what is left is not its fault
            self._dismiss()
            self._prepare()
        ours, theirs = socket.socketpair()
        room = self._room / str(place)
        room.mkdir(exist_ok=True)
        home = isolation.home() if self.walled else Path(tempfile.mkdtemp(dir=self._room))
        order = {
            "user": isolation.user_id(self.prepared_pid, place),
            "room": str(room),
            "home": str(home),
            "hidden": [str(Path(__file__).resolve().parent)],
            "limits": asdict(self._limits),
        }
        door: Door | None = None
        try:
            assert self._channel is not None
            wire.send(self._channel, order, theirs)
            theirs.close()
            hello, listener = await _heard(ours)
            if listener is None:
                raise WorkerFailed(str(hello.get("failed", "no socket")))
            door = open_door(listener, home / "labkit")
            # What the learner's process gets to know: its cells, its cluster, its own name.
            job = {
                "cells": cells,
                "kernel": self._kernel,
                "learner": learner,
                "files": dict(door.files),
                "environment": dict(door.environment),
            }
            wire.send(ours, job)
            report, _ = await _heard(ours)
            if "failed" in report:
                raise WorkerFailed(str(report["failed"]))
            self.cpu_seconds += float(report["cpu_seconds"])
            return report
        except (wire.Closed, OSError) as error:
            raise WorkerFailed(str(error)) from error
        finally:
            ours.close()
            if door is not None:
                await door.close()
            if not self.walled:
                shutil.rmtree(home, ignore_errors=True)


async def _heard(channel: socket.socket) -> wire.Message:
    """The next message. Nobody waits in a thread, which could not be interrupted, and which there are few of."""
    loop = asyncio.get_running_loop()
    comes: asyncio.Future[None] = loop.create_future()
    loop.add_reader(channel, _fulfil, comes)
    try:
        await comes
    finally:
        loop.remove_reader(channel)
    channel.setblocking(True)  # uvloop lets nobody wait at what it watched
    return wire.receive(channel)


def _fulfil(promise: asyncio.Future[None]) -> None:
    if not promise.done():
        promise.set_result(None)


def _of_no_cluster() -> dict[str, str]:
    """Credentials that open nothing, for the prepared interpreter to try TLS with."""
    keys = Keys.generate(b"-")
    certificate, key = keys.client_certificate("nobody")
    return {"ca": keys.ca_certificate.decode(), "certificate": certificate.decode(), "key": key.decode()}


class WithWorkers:
    """A grader: learners' processes can be forked while it is entered.

    Args:
        workers: The prepared interpreter.
    """

    def __init__(self, workers: Workers) -> None:
        self.workers = workers

    def __enter__(self) -> Self:
        self.workers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.workers.__exit__(kind, error, trace)

    @property
    def level(self) -> str:
        """The walls: ``root``, ``user`` or ``plain``; empty before the grader is entered."""
        return self.workers.level
