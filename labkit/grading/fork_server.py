"""The prepared interpreter: it has imported what notebooks import, and forks a worker each time.

It is started with a clean environment and never holds a secret: no seeds, no checks, no
cluster. For each submission it forks a guard, which builds the walls, opens the listening
socket *inside* them and hands it to the grader, and then forks the learner's process.
The guard outlives it, ends all that is left, and reports.
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
from labkit.grading.execution import SIGNALLED

PREPARED = (
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
"""What notebooks import; imported once, shared by every fork."""

FOR_KERNELS = ("nbformat", "nbclient")
"""What running cells in a real kernel takes; only where all notebooks are to, since it makes every fork dearer."""

COUNT_BYTES = 4
"""How the learner's process counts its cells, in memory that it shares with its guard."""

NAME = "learner"
"""What the learner's process takes its user for: the one that it is has no name."""

PORT = 6443
"""Where a learner's cluster is, in a network of its own: a printed address is the same in each run."""

ENDING_SECONDS = 0.002
LOOK_SECONDS = 0.25
"""How often the guard looks at memory and time."""


def main(channel_number: int) -> int:
    """Serve until the grader closes the channel.

    Args:
        channel_number: The file descriptor of the channel to the grader.
    """
    for name in PREPARED:
        with suppress(ImportError):
            importlib.import_module(name)
    strength = isolation.level()
    isolation.prepare()
    try:
        _serve(socket.socket(fileno=channel_number), strength)
    except (wire.Closed, OSError):  # the grader has gone
        return 0


def _serve(channel: socket.socket, strength: str) -> NoReturn:
    """Fork a guard for each order, until the channel is closed."""
    hello, _ = wire.receive(channel)
    _warm(hello)
    for name in FOR_KERNELS if hello["kernel"] else ():
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()  # what all forks share stays shared: no collection writes to it
    wire.send(channel, {"ready": True, "level": strength})
    while True:
        order, talk = wire.receive(channel)
        if talk is None:
            continue
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            code = 1
            try:
                guard(talk, order, strength)
                code = 0
            except Exception as error:
                with suppress(OSError):
                    wire.send(talk, {"failed": f"{type(error).__name__}: {error}"})
            finally:
                os._exit(code)
        talk.close()


def _warm(credentials: dict[str, Any]) -> None:
    """Do once what a first TLS connection does: OpenSSL looks up its algorithms, and keeps them.

    Args:
        credentials: A certificate authority, a client's certificate and its key in PEM; of
            no cluster, since every learner's process inherits this memory.
    """
    from labkit.client.transport import Credentials, Endpoint, tls_context

    endpoint = Endpoint("https://127.0.0.1:1", ca=credentials["ca"])
    context = tls_context(endpoint, Credentials(certificate=credentials["certificate"], key=credentials["key"]))
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="127.0.0.1").do_handshake()


def guard(talk: socket.socket, order: dict[str, Any], strength: str) -> None:
    """Build the walls, run one submission inside, and report how it ended.

    Args:
        talk: The channel of this submission.
        order: Place and limits, from the grader.
        strength: The level of isolation.
    """
    isolation.adopt_orphans()
    isolation.enter_namespaces(strength)
    with socket.create_server(("127.0.0.1", 0 if strength == "plain" else PORT), backlog=64) as listener:
        wire.send(talk, {"port": listener.getsockname()[1]}, listener)
    job, _ = wire.receive(talk)
    limits = isolation.Limits(**order["limits"])
    output, output_end = os.pipe()
    built, built_end = os.pipe()
    progress = mmap.mmap(-1, mmap.PAGESIZE)  # shared: telling it wakes nobody
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(output)
        talk.close()
        _learner(job, order, limits, strength, (output_end, built_end), progress)
    os.close(output_end)
    os.close(built_end)
    ended, printed = _watch(child, output, talk, limits, started)
    isolation.end_family(child)
    if not os.read(built, 1):
        raise OSError(f"the walls could not be built: {printed.strip()}")
    cells = min(int.from_bytes(progress[:COUNT_BYTES], "big"), len(job["cells"]))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(entry.ru_utime + entry.ru_stime for entry in used)
    wire.send(talk, {"ended": ended, "cells": cells, "output": printed, "cpu_seconds": cpu})


def _learner(
    job: dict[str, Any],
    order: dict[str, Any],
    limits: isolation.Limits,
    strength: str,
    ends: tuple[int, int],
    progress: mmap.mmap,
) -> None:
    """The learner's process: walls first, then the notebook. Never returns.

    Args:
        job: What is run.
        order: Place and limits.
        limits: The same limits.
        strength: The level of isolation.
        ends: Pipes: what it prints, and a byte when the walls stand.
        progress: Where it counts its cells.
    """
    output, built = ends
    code = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nowhere, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        home = Path(order["home"])
        isolation.furnish(strength, Path(order["room"]), home, limits, [Path(place) for place in order["hidden"]])
        _become_second()
        isolation.confine(strength, order["user"], limits)
        os.dup2(built, 3)
        os.closerange(4, 256)
        _settle(home, job)
        os.write(3, b"1")
        os.close(3)
        kernel = job["kernel"] or not execution.is_python(job["cells"])
        run = execution.run_kernel if kernel else execution.run_plain
        ended = run(job["cells"], lambda count: _tell(progress, count))
        sys.stdout.flush()
        code = ended
    except BaseException as error:  # the walls are up: say it and end
        with suppress(BaseException):
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
    finally:
        os._exit(code)


def _become_second() -> None:
    """Fork, go on in the child, and wait for it in the parent.

    Process 1 of a namespace ignores the signals it sends itself, so that a crash would
    not look like one. It waits outside the learner's reach, and ends as the child ended.
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
    os._exit(code if code >= 0 else SIGNALLED - code)


def _settle(home: Path, job: dict[str, Any]) -> None:
    """A clean environment, the cluster's kubeconfig, and nothing else."""
    lab_home = home / "labkit"
    lab_home.mkdir(mode=0o700, exist_ok=True)
    for name, text in job["files"].items():
        path = lab_home / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
    os.chdir(home)
    keep = {name: os.environ[name] for name in ("LANG", "VIRTUAL_ENV") if name in os.environ}
    # As in an activated environment, which learners work in: ``!python`` is this Python.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    os.environ.clear()
    os.environ.update(
        keep,
        PATH=path,
        HOME=str(home),
        USER=NAME,
        LOGNAME=NAME,
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


def _tell(progress: mmap.mmap, count: int) -> None:
    progress[:COUNT_BYTES] = count.to_bytes(COUNT_BYTES, "big")


def _watch(child: int, output: int, talk: socket.socket, limits: isolation.Limits, started: float) -> tuple[str, str]:
    """Wait for the learner's process, or for the grader to go: how it ended, and what it printed."""
    printed, ended = bytearray(), ""
    looked = started
    ends: list[int | socket.socket] = [output, talk]
    os.set_blocking(output, False)
    while True:
        # With its output closed the process is ending, and there is nothing to be woken by.
        ready = select.select(ends, [], [], LOOK_SECONDS if output in ends else ENDING_SECONDS)[0]
        if talk in ready:  # the grader has nothing more to say: it has closed it
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
            ended = _how(os.waitstatus_to_exitcode(status))
            break
        now = time.monotonic()
        if now - started > limits.seconds:
            ended = "time limit"
            break
        if now - looked < LOOK_SECONDS:
            continue
        looked = now
        if isolation.resident_bytes(isolation.descendants(os.getpid())) > limits.memory_bytes:
            ended = "memory limit"
            break
    return ended, printed.decode("utf-8", "replace")


def _how(code: int) -> str:
    """How a process ended, from its exit code; a shell's 128 + n is signal n."""
    number = -code if code < 0 else code - SIGNALLED
    if number in set(signal.Signals):
        return f"signal {signal.Signals(number).name}"
    return "done" if code == 0 else f"exit code {code}"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
