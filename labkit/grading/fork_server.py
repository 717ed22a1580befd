"""The fork server: an interpreter that has imported what notebooks import, and forks for each of them.

Forking saves each notebook the second that a new interpreter and its imports take. The server starts
with a clean environment and never has a secret, a check or a cluster in its memory, which every
learner's process inherits. For each submission it forks a supervisor, which enters new namespaces,
opens the listening socket *inside* them, hands it to the grader, and forks the learner's process.
The supervisor outlives that process, kills what is left of it, and reports how it ended.
"""

from __future__ import annotations

import gc
import importlib
import mmap
import os
import resource
import select
import signal
import socket
import ssl
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from labkit.grading import execution, isolation, wire
from labkit.grading.execution import SIGNAL_BASE

PRELOADED = (
    "fcntl",
    "json",
    "base64",
    "encodings.idna",
    "ssl",
    "http.client",
    "urllib3",
    "urllib3.util.ssl_",
    "yaml",
    "websocket",
    "jwt",
    "labkit",
    "labkit.lab.lab",
    "labkit.client.client",
    "labkit.client.manifests",
    "labkit.client.exec.command",
    "labkit.client.kubeconfig",
    "labkit.client.tokens",
    "labkit.backends.existing",
    "labkit.lab.words",
    "labkit.lab.expect",
    "labkit.lab.exercises",
    "labkit.lab.course",
)
"""Modules that notebooks import; their memory is shared by every fork."""

KERNEL_MODULES = ("nbformat", "nbclient")
"""Modules that a real kernel needs; preloaded only where all notebooks run in one, since they slow every fork."""

COUNT_BYTES = 4
"""The size of the count of cells, in memory that the learner's process shares with its supervisor."""

USER_NAME = "learner"
"""The value of ``USER``: the learner's user id has no name in ``/etc/passwd``."""

PORT = 6443
"""The cluster's port, in a network namespace of its own: a printed address is the same in each run."""

EXIT_POLL_SECONDS = 0.002
POLL_SECONDS = 0.25
"""How often the supervisor checks memory and time."""


def main(channel_number: int) -> int:
    """Serve the grader on the channel with this file descriptor until it closes it."""
    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    level = isolation.strongest_level()
    isolation.warm_up()
    try:
        _serve(socket.socket(fileno=channel_number), level)
    except (wire.Closed, OSError):  # the grader has gone
        return 0


def _serve(channel: socket.socket, level: str) -> NoReturn:
    """Fork a supervisor for each order, until the channel is closed."""
    hello, _ = wire.receive(channel)
    _warm_up_tls(hello)
    for name in KERNEL_MODULES if hello["kernel"] else ():
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()  # no collection writes to memory that forks share
    wire.send(channel, {"ready": True, "level": level})
    while True:
        order, connection = wire.receive(channel)
        if connection is None:
            continue
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            code = 1
            try:
                supervise(connection, order, level)
                code = 0
            except Exception as error:
                with suppress(OSError):
                    wire.send(connection, {"failed": f"{type(error).__name__}: {error}"})
            finally:
                os._exit(code)
        connection.close()


def _warm_up_tls(credentials: dict[str, Any]) -> None:
    """Begin a TLS handshake, so that OpenSSL has fetched its algorithms before a fork.

    The credentials are of no cluster: every learner's process inherits this memory.
    """
    from labkit.client.transport import Credentials, Endpoint, tls_context

    endpoint = Endpoint("https://127.0.0.1:1", ca=credentials["ca"])
    context = tls_context(endpoint, Credentials(certificate=credentials["certificate"], key=credentials["key"]))
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="127.0.0.1").do_handshake()


def supervise(connection: socket.socket, order: dict[str, Any], level: str) -> None:
    """Enter new namespaces, run one notebook in them, and report how it ended."""
    isolation.become_subreaper()
    isolation.enter_namespaces(level)
    with socket.create_server(("127.0.0.1", 0 if level == "plain" else PORT), backlog=64) as listener:
        wire.send(connection, {"port": listener.getsockname()[1]}, listener)
    job, _ = wire.receive(connection)
    limits = isolation.Limits(**order["limits"])
    output, output_end = os.pipe()
    built, built_end = os.pipe()
    progress = mmap.mmap(-1, mmap.PAGESIZE)  # shared memory: writing to it wakes no process
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(output)
        connection.close()
        _learner_process(job, order, limits, level, (output_end, built_end), progress)
    os.close(output_end)
    os.close(built_end)
    ended, printed = _watch(child, output, connection, limits, started)
    isolation.kill_descendants(child)
    if not os.read(built, 1):
        raise OSError(f"the walls could not be built: {printed.strip()}")
    cells = min(int.from_bytes(progress[:COUNT_BYTES], "big"), len(job["cells"]))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(entry.ru_utime + entry.ru_stime for entry in used)
    wire.send(connection, {"ended": ended, "cells": cells, "output": printed, "cpu_seconds": cpu})


def _learner_process(
    job: dict[str, Any],
    order: dict[str, Any],
    limits: isolation.Limits,
    level: str,
    ends: tuple[int, int],
    progress: mmap.mmap,
) -> None:
    """Isolate this process, then run the notebook. Never returns.

    ``ends`` are pipes for its output, and for a byte when it is isolated. ``progress`` is shared memory
    for the number of cells that have run.
    """
    output, built = ends
    code = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nowhere, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        home = Path(order["home"])
        isolation.mount_root(level, Path(order["root"]), home, limits, [Path(path) for path in order["hidden"]])
        _leave_pid_1()
        isolation.drop_privileges(level, order["user"], limits)
        os.dup2(built, 3)
        os.closerange(4, 256)
        _set_up_home(home, job)
        os.write(3, b"1")
        os.close(3)
        kernel = job["kernel"] or not execution.is_python(job["cells"])
        run = execution.run_in_kernel if kernel else execution.run_in_process
        ended = run(job["cells"], lambda count: _write_count(progress, count))
        sys.stdout.flush()
        code = ended
    except BaseException as error:  # it is isolated: print it and end
        with suppress(BaseException):
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
    finally:
        os._exit(code)


def _leave_pid_1() -> None:
    """Fork, continue in the child, and wait for it in the parent.

    Process 1 of a namespace ignores the signals that it sends itself, so that a crash would not
    look like one. The parent runs as another user than the learner, and ends as the child ended.
    """
    child = os.fork()
    if child == 0:
        return
    os.closerange(0, 256)
    code = None
    while code is None:
        finished, status = os.wait()
        if finished == child:
            code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else SIGNAL_BASE - code)


def _set_up_home(home: Path, job: dict[str, Any]) -> None:
    """Write the lab's files, and replace the environment."""
    lab_home = home / "labkit"
    lab_home.mkdir(mode=0o700, exist_ok=True)
    for name, text in job["files"].items():
        path = lab_home / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
    os.chdir(home)
    keep = {name: os.environ[name] for name in ("LANG", "VIRTUAL_ENV") if name in os.environ}
    # As in an activated environment: ``!python`` is this Python.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    os.environ.clear()
    os.environ.update(
        keep,
        PATH=path,
        HOME=str(home),
        USER=USER_NAME,
        LOGNAME=USER_NAME,
        TMPDIR=str(home),
        LABKIT_HOME=str(lab_home),
        LABKIT_LEARNER=job["learner"],
        KUBECONFIG=str(lab_home / "admin.conf"),
        PYTHONDONTWRITEBYTECODE="1",
        **isolation.ALLOCATOR,
        **job["environment"],
    )
    sys.argv = ["notebook"]
    sys.path.insert(0, "")


def _write_count(progress: mmap.mmap, count: int) -> None:
    progress[:COUNT_BYTES] = count.to_bytes(COUNT_BYTES, "big")


def _watch(
    child: int, output: int, connection: socket.socket, limits: isolation.Limits, started: float
) -> tuple[str, str]:
    """Wait for the learner's process, a limit, or the end of the grader; return how it ended, and its output."""
    printed, ended = bytearray(), ""
    checked = started
    ends: list[int | socket.socket] = [output, connection]
    os.set_blocking(output, False)
    while True:
        # With its output closed the process is ending, and no event will tell when.
        ready = select.select(ends, [], [], POLL_SECONDS if output in ends else EXIT_POLL_SECONDS)[0]
        if connection in ready:  # the grader sends no more: it has closed the connection
            ended = "grader gone"
            break
        if output in ready:
            with suppress(BlockingIOError):
                piece = os.read(output, 65536)
                if not piece:
                    ends.remove(output)
                printed += piece[: limits.output_bytes - len(printed)]
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            ended = _describe_exit(os.waitstatus_to_exitcode(status))
            break
        now = time.monotonic()
        if now - started > limits.seconds:
            ended = "time limit"
            break
        if now - checked < POLL_SECONDS:
            continue
        checked = now
        if isolation.resident_bytes(isolation.descendants(os.getpid())) > limits.memory_bytes:
            ended = "memory limit"
            break
    return ended, printed.decode("utf-8", "replace")


def _describe_exit(code: int) -> str:
    """Describe how a process ended, from its exit code; a shell's 128 + n is signal n."""
    number = -code if code < 0 else code - SIGNAL_BASE
    if number in set(signal.Signals):
        return f"signal {signal.Signals(number).name}"
    return "done" if code == 0 else f"exit code {code}"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
